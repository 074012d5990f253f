"""HTTP tools against a real server."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from ari_bridge.core.errors import SettingsError, ToolError
from ari_bridge.settings import Settings, explain
from ari_bridge.tools.picking import TEXT_MAX, as_text, pick
from tests.tools.test_addresses import Answers
from tests.tools.web import http, serving

ORDER = {"order": {"type": "string"}}


class Echo:
    """Answers with what it was asked; `answer` says otherwise."""

    def __init__(self, answer: web.StreamResponse | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer = answer

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        found = {
            "method": request.method,
            "target": request.raw_path,
            "headers": dict(request.headers),
            "body": await request.json() if request.can_read_body else None,
        }
        self.asked.append(found)
        return self.answer or web.json_response(
            {"target": request.raw_path, "orders": [{"id": 7}, {"id": 8}]}
        )


async def ask(settings: dict[str, Any], arguments: dict[str, Any], echo: Echo, **given: Any) -> str:
    async with serving(echo) as url:
        declared = {**settings, "url": url + settings.get("url", "/x")}
        async with http(declared, **given) as tool:
            return await tool.run(arguments, "c1-0")


@pytest.mark.parametrize(
    ("order", "target"),
    [
        ("A 7/ü", "/orders/A%207%2F%C3%BC/status?full=A%207%2F%C3%BC"),
        ("../admin?x=1#y", "/orders/..%2Fadmin%3Fx%3D1%23y/status?full=..%2Fadmin%3Fx%3D1%23y"),
        ("%2e%2e", "/orders/%252e%252e/status?full=%252e%252e"),
        ("a\r\nHost: evil", "/orders/a%0D%0AHost%3A%20evil/status?full=a%0D%0AHost%3A%20evil"),
    ],
)
def test_arguments_cannot_leave_their_place_in_the_url(order: str, target: str, run: Any) -> None:
    echo = Echo()
    settings = {"url": "/orders/{order}/status?full={order}", "parameters": ORDER, "pick": "target"}
    assert run(ask(settings, {"order": order}, echo)) == target


@pytest.mark.parametrize("order", ["", ".", ".."])
def test_an_argument_that_would_change_the_path_is_refused(order: str, run: Any) -> None:
    echo = Echo()
    with pytest.raises(ToolError, match="order cannot be") as caught:
        run(ask({"url": "/orders/{order}", "parameters": ORDER}, {"order": order}, echo))
    assert (caught.value.happened, echo.asked) == (False, [])


def test_what_is_not_in_the_url_is_the_body(run: Any) -> None:
    echo = Echo()
    parameters = {**ORDER, "count": {"type": "integer"}, "note": {"type": "string", "default": "none"}}
    settings = {"method": "POST", "url": "/orders/{order}", "parameters": parameters}
    run(ask(settings, {"order": "7", "count": 2}, echo))
    (asked,) = echo.asked
    assert (asked["method"], asked["target"], asked["body"]) == (
        "POST",
        "/orders/7",
        {"count": 2, "note": "none"},
    )
    assert asked["headers"]["Idempotency-Key"] == '"c1-0"'


def test_a_body_and_a_query_of_its_own_keep_types_and_leave_out_what_is_not_given(run: Any) -> None:
    echo = Echo()
    parameters = {
        "count": {"type": "integer"},
        "note": {"type": "string", "default": None},
        "no": {"type": "string"},
    }
    body = {"items": [{"n": "{count}"}], "text": "x{count}", "absent": "{no}"}
    settings = {
        "method": "PUT",
        "parameters": parameters,
        "body": body,
        "query": {"q": "a b&{count}", "z": "{no}"},
    }
    run(ask(settings, {"count": 2}, echo))
    assert echo.asked[0]["body"] == {"items": [{"n": 2}], "text": "x2"}
    assert echo.asked[0]["target"] == "/x?q=a+b%262"


def test_a_small_path_picks_the_answer(run: Any) -> None:
    assert run(ask({"pick": "orders.*.id"}, {}, Echo())) == "[7,8]"
    with pytest.raises(ToolError, match="the answer has no 'price'"):
        run(ask({"pick": "orders.0.price"}, {}, Echo()))


def test_paths_of_picking() -> None:
    value = {"a": [{"b": {"c": "x"}}, {"b": 2}], "t": {"k": 1, "l": 2}}
    assert (pick(value, "a.0.b.c"), pick(value, "t.*"), pick(value, "")) == ("x", [1, 2], value)
    for wrong in ("a.2", "a.x", "t.k.z", "a.-1"):
        with pytest.raises(ToolError):
            pick(value, wrong)
    assert as_text("plain") == "plain"
    assert len(as_text("x" * 9999)) < TEXT_MAX + 50


def test_headers_hold_secrets_of_files_and_environment(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("SHOP_KEY", "k3y")
    echo = Echo(web.Response(status=500))
    headers = {
        "Authorization": {"file": str(tmp_path / "token"), "prefix": "Bearer "},
        "X-Key": {"env": "SHOP_KEY"},
        "X-Plain": "plain",
    }
    with pytest.raises(ToolError) as caught:
        run(ask({"headers": headers}, {}, echo))
    sent = echo.asked[0]["headers"]
    assert (sent["Authorization"], sent["X-Key"], sent["X-Plain"]) == ("Bearer s3cret", "k3y", "plain")
    assert "s3cret" not in str(caught.value) + caplog.text
    with pytest.raises(
        SettingsError, match=r"^tools\.http\.it\.headers\.A: the environment has no NOT_THERE$"
    ):
        run(ask({"headers": {"A": {"env": "NOT_THERE"}}}, {}, echo))
    with pytest.raises(
        SettingsError, match=r"^tools\.http\.it\.headers\.A: cannot read /no/such: No such file"
    ):
        run(ask({"headers": {"A": {"file": "/no/such"}}}, {}, echo))


def _answer(status: int, text: str = "", **headers: str) -> web.Response:
    return web.Response(status=status, text=text, headers=headers, content_type="application/json")


@pytest.mark.parametrize(
    ("answer", "line", "happened", "retryable"),
    [
        (_answer(302, Location="http://127.0.0.1:1/"), "points somewhere else", False, False),
        (
            _answer(404, '{"detail": "no such order"}'),
            "the service answered 404 Not Found: no such order",
            False,
            False,
        ),
        (_answer(409), "answered 409 Conflict", False, False),
        (_answer(429), "answered 429", False, True),
        (_answer(503), "answered 503", True, True),
        (_answer(200, "<html>"), "is no JSON", True, False),
        (_answer(200, '"' + "x" * 200_000 + '"'), "longer than 65536 bytes", True, False),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    answer: web.Response, line: str, happened: bool, retryable: bool, run: Any
) -> None:
    echo = Echo(answer)
    with pytest.raises(ToolError, match=line) as caught:
        run(ask({"method": "POST"}, {}, echo))
    assert (caught.value.happened, caught.value.retryable) == (happened, retryable)
    assert len(echo.asked) == 1, "nothing is followed, nothing asked twice here"


def test_a_packed_answer_is_measured_unpacked(run: Any) -> None:
    bomb = zlib.compress(b'"' + b"x" * 5_000_000 + b'"')
    answer = web.Response(body=bomb, headers={"Content-Encoding": "deflate"}, content_type="application/json")
    with pytest.raises(ToolError, match="longer than"):
        run(ask({}, {}, Echo(answer)))


def test_nothing_and_plain_text_are_answers_too(run: Any) -> None:
    assert run(ask({"method": "DELETE"}, {}, Echo(_answer(204)))) == "Done."
    assert run(ask({}, {}, Echo(web.Response(text="It rains.")))) == "It rains."


def test_methods_say_what_may_happen_twice(run: Any) -> None:
    async def main() -> dict[str, tuple[bool, bool, bool]]:
        found = {}
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            async with http({"url": "http://127.0.0.1/", "method": method}) as tool:
                found[method] = (tool.effects, tool.idempotent, tool.parallel)
        return found

    assert run(main()) == {
        "GET": (False, True, True),
        "POST": (True, False, False),
        "PUT": (True, True, False),
        "PATCH": (True, False, False),
        "DELETE": (True, True, False),
    }


def test_a_private_address_is_not_asked_unless_configured(run: Any) -> None:
    echo = Echo()
    with pytest.raises(ToolError, match="not public") as caught:
        run(ask({}, {}, echo, private=False))
    assert (caught.value.happened, echo.asked) == (False, [])


def test_a_name_that_is_rebound_to_loopback_is_not_asked(run: Any) -> None:
    """Its first answer was good; the one for this connection is not, and no other is taken."""
    echo = Echo()

    async def main() -> None:
        async with serving(echo) as url:
            port = url.rpartition(":")[2]
            resolver = Answers(["127.0.0.1"], ["93.184.216.34"])
            declared = {"url": f"http://rebound.example.com:{port}/"}
            async with http(declared, resolver, private=False) as tool:
                with pytest.raises(ToolError, match="leads to 127") as caught:
                    await tool.run({}, "k")
                assert not caught.value.happened
            assert len(resolver.rounds) == 1, "asked once"
            async with http(declared, Answers(["127.0.0.1"])) as tool:
                assert "target" in await tool.run({}, "k"), "configured, it is"

    run(main())
    assert len(echo.asked) == 1


def test_a_service_that_is_not_there_did_nothing_and_one_that_breaks_off_may_have(run: Any) -> None:
    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(breaks_off, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        declared = {"url": f"http://127.0.0.1:{port}/", "method": "POST"}
        async with http(declared) as tool:
            with pytest.raises(ToolError, match="broke off") as caught:
                await tool.run({}, "k")
            assert (caught.value.happened, caught.value.retryable) == (True, True)
            server.close()
            await server.wait_closed()
            with pytest.raises(ToolError, match="cannot be reached: ") as caught:
                await tool.run({}, "k")
            assert (caught.value.happened, caught.value.retryable) == (False, True)

    run(main())


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        ({"url": "ftp://shop/x"}, "tools.http.it.url: must start with http"),
        (
            {"url": "http://{host}/x", "parameters": {"host": {}}},
            "tools.http.it.url: the host cannot be an argument",
        ),
        ({"url": "http://u:p@shop/x"}, "tools.http.it.url: must hold no user"),
        ({"url": "http://other/x"}, "tools: http.it.url: the host other is not among tools.hosts"),
        ({"url": "http://shop/{a}"}, "tools.http.it: url: there is no parameter 'a'"),
        (
            {"url": "http://shop/", "parameters": {"a": {"type": "nope"}}},
            "tools.http.it.parameters: a: is no JSON",
        ),
        ({"url": "http://shop/", "body": {}}, "tools.http.it: body: a GET has none"),
        (
            {"url": "http://shop/", "headers": {"A": {"env": "A", "file": "b"}}},
            "must have either env or file",
        ),
        ({"url": "http://shop/", "bodi": {}}, "tools.http.it.bodi: "),
    ],
)
def test_settings_that_cannot_be_are_one_line_with_the_key(declared: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(tools={"hosts": ["shop"], "http": {"it": {"description": "Does.", **declared}}})
    assert line in explain(caught.value)
