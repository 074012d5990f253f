from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.providers.vendor.retry import Budget
from ari_bridge.providers.vendor.websocket import VendorSocket, connected
from tests.providers.vendor.servers import Handler, serving

QUICK = Budget(tries=3, total_s=2.0, first_pause_s=0.001)


def talk(handler: Handler, use: Callable[[VendorSocket], Awaitable[None]]) -> None:
    async def main() -> None:
        async with (
            serving(handler) as url,
            aiohttp.ClientSession() as session,
            connected(session, "acme", url.replace("http", "ws") + "/ws", budget=QUICK) as socket,
        ):
            await use(socket)

    asyncio.run(main())


def speaking(say: Callable[[web.WebSocketResponse], Awaitable[object]]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await say(socket)
        return socket

    return handler


def test_objects_and_bytes_both_ways() -> None:
    async def echo(socket: web.WebSocketResponse) -> None:
        await socket.send_json({"got": await socket.receive_json()})
        await socket.send_bytes(await socket.receive_bytes())
        await socket.close()

    async def use(socket: VendorSocket) -> None:
        await socket.send_json({"say": "grüße"})
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive() == {"got": {"say": "grüße"}}
        assert await socket.receive() == b"\x00\xff"
        assert await socket.receive() is None

    talk(speaking(echo), use)


@pytest.mark.parametrize("text", ["nonsense", "[1, 2]", "[" * 100_000])
def test_a_malformed_frame_is_a_provider_error(text: str) -> None:
    async def use(socket: VendorSocket) -> None:
        with pytest.raises(ProviderError, match="acme: sent no JSON"):
            await socket.receive()

    talk(speaking(lambda socket: socket.send_str(text)), use)


@pytest.mark.parametrize(
    ("code", "fault"), [(1008, Fault.REFUSED), (1011, Fault.UNREACHABLE), (4000, Fault.UNREACHABLE)]
)
def test_a_closed_connection_says_why(code: int, fault: Fault) -> None:
    async def use(socket: VendorSocket) -> None:
        with pytest.raises(
            ProviderError, match=rf"acme: closed the connection \({code}\): no money"
        ) as raised:
            await socket.receive()
        assert raised.value.fault is fault

    talk(speaking(lambda socket: socket.close(code=code, message=b"no money")), use)


def test_a_connection_that_breaks_is_noticed_by_sender_and_reader() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return socket

    async def use(socket: VendorSocket) -> None:
        with pytest.raises(ProviderError, match="acme: closed the connection"):
            await socket.receive()
        with pytest.raises(ProviderError, match="acme: closed the connection"):
            await socket.send_json({})

    talk(handler, use)


def test_a_busy_server_is_asked_again_and_a_refusing_one_is_not() -> None:
    statuses = [503, 429, 401]
    asked = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(statuses[len(asked)])
        return web.Response(status=asked[-1])

    async def use(socket: VendorSocket) -> None:
        raise AssertionError("connected")

    with pytest.raises(ProviderError, match="acme: answered 401") as raised:
        talk(handler, use)
    assert (asked, raised.value.retryable) == (statuses, False)


def test_a_server_that_is_not_there() -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(ProviderError, match="acme: cannot be reached"):
                async with connected(session, "acme", "ws://127.0.0.1:1/", budget=QUICK):
                    pass

    asyncio.run(main())
