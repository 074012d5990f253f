from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiohttp import web

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.providers.vendor.http import HttpVendor, said_in
from ari_bridge.providers.vendor.retry import Budget
from tests.providers.vendor.servers import serving

SECRET = "sk-very-secret"
QUICK = Budget(tries=3, total_s=2.0, first_pause_s=0.001)


def vendor(base_url: str) -> HttpVendor:
    return HttpVendor("acme", base_url, {"Authorization": f"Bearer {SECRET}"}, QUICK)


async def ask(base_url: str) -> list[str]:
    """The data of the events that come back."""
    acme = vendor(base_url)
    try:
        async with acme.request("POST", "/talk", body={"say": "hello"}) as answer:
            return [event.data async for event in acme.events(answer)]
    finally:
        await acme.close()


def answering(*statuses: int) -> tuple[list[web.Request], object]:
    """A handler that answers with these statuses in turn, 200 with an event."""
    asked: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        status = statuses[min(len(asked), len(statuses)) - 1]
        if status == 200:
            return web.Response(text="data: hello\n\n", content_type="text/event-stream")
        return web.json_response({"error": {"message": "no\nroom"}}, status=status)

    return asked, handler


def refused(*statuses: int) -> tuple[ProviderError, int]:
    asked, handler = answering(*statuses)

    async def main() -> ProviderError:
        async with serving(handler) as url:  # type: ignore[arg-type]
            with pytest.raises(ProviderError) as raised:
                await ask(url)
            return raised.value

    return asyncio.run(main()), len(asked)


@pytest.mark.parametrize("statuses", [[200], [429, 200], [503, 500, 200]])
def test_what_passes_by_itself_is_asked_again(statuses: Sequence[int]) -> None:
    asked, handler = answering(*statuses)

    async def main() -> list[str]:
        async with serving(handler) as url:  # type: ignore[arg-type]
            return await ask(url)

    assert asyncio.run(main()) == ["hello"]
    assert len(asked) == len(statuses)


def test_an_error_says_who_and_why_in_one_line_and_never_the_key() -> None:
    error, tries = refused(401)
    assert (str(error), tries) == ("acme: answered 401: no room", 1)
    assert (error.retryable, error.fault) == (False, Fault.REFUSED)


def test_the_budget_ends() -> None:
    error, tries = refused(429)
    assert (error.retryable, error.fault, tries) == (True, Fault.BUSY, QUICK.tries)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(ProviderError, match="acme: cannot be reached: ") as raised:
        asyncio.run(ask("http://127.0.0.1:1"))
    assert raised.value.fault is Fault.UNREACHABLE


def test_a_redirect_is_not_followed() -> None:
    """The key would go with it."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async def main() -> None:
        async with serving(handler) as url:
            with pytest.raises(ProviderError, match="acme: answered 307"):
                await ask(url)

    asyncio.run(main())
    assert asked == ["/talk"]


def test_an_answer_that_breaks_off_is_not_asked_for_again() -> None:
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"data: one\n\ndata: tw")
        assert request.transport is not None
        request.transport.abort()
        return answer

    heard: list[str] = []

    async def listen(acme: HttpVendor) -> None:
        async with acme.request("POST", "/talk") as answer:
            async for event in acme.events(answer):
                heard.append(event.data)  # noqa: PERF401 - what came before it broke counts

    async def main() -> None:
        async with serving(handler) as url:
            acme = vendor(url)
            with pytest.raises(ProviderError, match="acme: broke off"):
                await listen(acme)
            await acme.close()

    asyncio.run(main())
    assert (asked, heard) == (1, ["one"])


def test_leaving_an_answer_stops_the_vendor() -> None:
    async def main() -> None:
        stopped = asyncio.Event()

        async def handler(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse()
            await answer.prepare(request)
            try:
                while True:
                    await answer.write(b"data: more\n\n")
                    await asyncio.sleep(0.001)
            except ConnectionError:
                stopped.set()
                return answer

        async with serving(handler) as url:
            acme = vendor(url)
            async with acme.request("POST", "/talk") as answer:
                assert await answer.content.readline() == b"data: more\n"
            async with asyncio.timeout(5):
                await stopped.wait()
            await acme.close()

    asyncio.run(main())


def test_a_warm_connection_is_the_first_request_s() -> None:
    connections = set()

    async def handler(request: web.Request) -> web.StreamResponse:
        connections.add(request.transport)
        return web.Response(text="data: hello\n\n")

    async def main() -> None:
        async with serving(handler) as url:
            acme = vendor(url)
            await acme.warm()
            async with acme.request("POST", "/talk") as answer:
                await answer.read()
            await acme.close()

    asyncio.run(main())
    assert len(connections) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "no such model", "code": 3}}', "no such model"),
        (b'{"detail": "over quota"}', "over quota"),
        (b'{"err_code": "X", "err_msg": "bad key"}', "bad key"),
        (b"<html>gateway</html>", ""),
        (b"[1]", ""),
        (b'{"error": {"error": 7}}', ""),
    ],
)
def test_vendors_own_words(body: bytes, said: str) -> None:
    assert said_in(body) == said
