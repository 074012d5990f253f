"""The ARI client: what goes over the wire, and what comes back as which error."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ari_bridge.core.errors import (
    AsteriskError,
    AsteriskRefused,
    AsteriskUnreachable,
    Gone,
    RequestFailed,
    SettingsError,
)
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.transport import AriTransport
from ari_bridge.settings import AsteriskSettings
from tests.pbx.fake_ari import PASSWORD, Do, FakeAri, FakeChannel, refuse

CERTIFICATE = Path(__file__).with_name("loopback.pem")


def asterisk(url: str, **changed: Any) -> AsteriskSettings:
    return AsteriskSettings.model_validate(
        {"url": url, "password": PASSWORD, "request_timeout_s": 0.5, **changed}
    )


def against(ari: FakeAri, **changed: Any) -> AriClient:
    return AriClient(asterisk(ari.url, **changed))


def with_channel(ari: FakeAri) -> FakeChannel:
    channel = FakeChannel("1700000000.1")
    ari.channels[channel.id] = channel
    return channel


def test_the_password_is_in_no_url() -> None:
    """Neither of REST nor of the WebSocket; and all are on the configured base, whatever api-docs say."""

    async def main() -> None:
        async with FakeAri(prefix="/pbx/ari") as ari, against(ari) as client:
            channel = with_channel(ari)
            await client.answer(channel.id)
            socket = await client.open_events()
            await socket.close()
            assert channel.answered
            assert len(ari.requests) > 5
            for request in ari.requests:
                assert request.headers["Authorization"].startswith("Basic ")
                assert "api_key" not in request.raw_path
                assert "p:w" not in request.url.human_repr()
                assert request.path.startswith("/pbx/ari/ari/")

    asyncio.run(main())


@pytest.mark.parametrize("set_many", [True, False])
def test_values_arrive_as_they_were(set_many: bool) -> None:
    """On an Asterisk that sets many variables at once, and on an older one."""
    values = {"A": "x & y=1?#/%2F+ ;,", "B": "Grüße, 你好", "C": "two\nlines"}

    async def main() -> None:
        async with FakeAri(set_many=set_many) as ari, against(ari) as client:
            channel = with_channel(ari)
            await client.set_variables(channel.id, values)
            assert channel.variables == values
            assert await client.get_variables(channel.id, ("A", "B", "missing")) == {
                name: values[name] for name in "AB"
            }

    asyncio.run(main())


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    async def main() -> None:
        async with FakeAri() as ari, against(ari) as client:
            with_channel(ari)
            with pytest.raises(Gone):
                await client.answer("../channels/1700000000.1")
            with pytest.raises(Gone):
                await client.get_variable("x y", "A")
            assert ari.requests[-1].raw_path == "/ari/channels/x%20y/variable?variable=A"

    asyncio.run(main())


def test_booleans_and_numbers_are_written_as_asterisk_reads_them() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            transport = AriTransport(asterisk(ari.url))
            await transport.request("GET", "http://x/ari/channels", params={"mute": True, "n": 1})
            await transport.close()
            assert ari.requests[-1].raw_path == "/ari/channels?mute=true&n=1"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("operation", "status", "message", "error"),
    [
        ("answer", 404, "Channel not found", Gone),
        ("answer", 409, "Channel not in Stasis", Gone),
        ("answer", 412, "", RequestFailed),
        ("answer", 500, "", RequestFailed),
        ("addChannel", 400, "Channel not found", Gone),
        ("addChannel", 400, "Invalid role", RequestFailed),
        ("addChannel", 422, "Channel not in Stasis", RequestFailed),
        ("externalMedia", 409, "exists", RequestFailed),
        ("externalMedia", 500, "", RequestFailed),
        ("createWithId", 409, "exists", RequestFailed),
        ("continueInDialplan", 403, "Write access denied", AsteriskRefused),
    ],
)
def test_which_answer_is_which_error(
    operation: str, status: int, message: str, error: type[AsteriskError]
) -> None:
    requests: dict[str, Callable[[AriClient], Awaitable[object]]] = {
        "answer": lambda client: client.answer("c"),
        "addChannel": lambda client: client.add_channels("b", ["c", "d"]),
        "externalMedia": lambda client: client.external_media(
            "leg", external_host=("127.0.0.1", 4000), format="slin16", call_id="x"
        ),
        "createWithId": lambda client: client.create_bridge("b"),
        "continueInDialplan": lambda client: client.continue_in_dialplan("c"),
    }

    async def main() -> None:
        async with FakeAri() as ari, against(ari) as client:

            async def no(do: Do) -> web.Response:
                return refuse(status, message)

            ari.on[operation] = no
            with pytest.raises(error) as failure:
                await requests[operation](client)
            assert type(failure.value) is error
            assert "\n" not in str(failure.value)
            if isinstance(failure.value, RequestFailed):
                assert failure.value.status == status

    asyncio.run(main())


def test_a_leg_refused_without_a_word_names_what_it_may_be() -> None:
    async def main() -> None:
        async with FakeAri() as ari, against(ari) as client:
            ari.channels["leg"] = FakeChannel("leg")
            with pytest.raises(
                RequestFailed, match=r"format slin16 \(media\.format\).*media\.advertise_host"
            ):
                await client.external_media(
                    "leg", external_host=("127.0.0.1", 4000), format="slin16", call_id="x"
                )

    asyncio.run(main())


def test_deleting_what_is_gone_is_success() -> None:
    async def main() -> None:
        async with FakeAri() as ari, against(ari) as client:
            await client.hang_up("gone")
            await client.delete_bridge("gone")

    asyncio.run(main())


def test_a_request_that_is_not_answered_ends() -> None:
    async def main() -> None:
        async with FakeAri() as ari, against(ari) as client:

            async def never(do: Do) -> web.Response:
                await asyncio.sleep(0.7)
                return await do()

            ari.on["answer"] = never
            with pytest.raises(RequestFailed, match=r"no answer within 0\.5 s") as failure:
                await client.answer(with_channel(ari).id)
            assert failure.value.status == 0

    asyncio.run(main())


def test_an_asterisk_that_died_is_unreachable() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            client = against(ari)
            await client.__aenter__()
        with pytest.raises(AsteriskUnreachable):
            await client.answer("c")
        await client.__aexit__(None, None, None)

    asyncio.run(main())


def test_a_port_that_does_not_speak_http() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SIP/2.0 400 Bad Request\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(AsteriskUnreachable, match=r"^asterisk\.url: .* does not speak HTTP"):
                await AriClient(asterisk(f"http://127.0.0.1:{port}")).__aenter__()

    asyncio.run(main())


def test_another_web_server_is_not_taken_for_ari() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>hello</html>")

    async def main() -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", page)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        with pytest.raises(AsteriskUnreachable, match="is not ARI"):
            await AriClient(asterisk(f"http://127.0.0.1:{port}")).__aenter__()
        await runner.cleanup()

    asyncio.run(main())


def test_an_old_asterisk_is_told_apart() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            del ari._operations["externalMedia"]
            async with against(ari) as client:
                with pytest.raises(
                    AsteriskError, match=r"no channels\.externalMedia; ari_bridge needs 16\.28"
                ):
                    await client.external_media("l", external_host=("h", 1), format="ulaw", call_id="x")

    asyncio.run(main())


def test_tls_with_a_ca_of_its_own() -> None:
    async def main() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        async with FakeAri(tls=context) as ari:
            async with against(ari, tls_ca_file=CERTIFICATE) as client:
                channel = with_channel(ari)
                await client.answer(channel.id)
                assert channel.answered
                await (await client.open_events()).close()
            with pytest.raises(AsteriskRefused, match=r"not trusted .*asterisk\.tls_ca_file"):
                await against(ari).__aenter__()
            plain = AriClient(asterisk(ari.url.replace("https", "http")))
            with pytest.raises(AsteriskUnreachable):
                await plain.__aenter__()

    asyncio.run(main())


def test_https_to_a_plain_port() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            with pytest.raises(AsteriskUnreachable, match=r"does not speak TLS; should it be http://"):
                await AriClient(asterisk(ari.url.replace("http", "https"))).__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"username": "a:b"}, r"^asterisk\.username: must hold no ':'"),
        (
            {"url": "https://127.0.0.1:1", "tls_ca_file": "/nonexistent"},
            r"^asterisk\.tls_ca_file: .*No such file",
        ),
        ({"url": "https://127.0.0.1:1", "tls_ca_file": __file__}, r"^asterisk\.tls_ca_file: "),
        ({"password": "", "password_file": "/nonexistent"}, r"^asterisk\.password_file: cannot read"),
    ],
)
def test_settings_that_cannot_be_used(changed: dict[str, str], words: str) -> None:
    async def main() -> None:
        with pytest.raises(SettingsError, match=words):
            await AriClient(asterisk(**{"url": "http://127.0.0.1:1", **changed})).__aenter__()

    asyncio.run(main())


def test_a_host_that_does_not_exist() -> None:
    async def main() -> None:
        with pytest.raises(AsteriskUnreachable, match=r"asterisk\.url: there is no host 'pbx\.invalid'"):
            await AriClient(asterisk("http://pbx.invalid:8088", request_timeout_s=5.0)).__aenter__()

    asyncio.run(main())
