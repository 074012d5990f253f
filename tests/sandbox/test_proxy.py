"""The impairing proxy: what it is told to do to a connection is what both ends see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ari_bridge.sandbox.proxy import Kind, Proxy, Refusal, Way, proxying

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echo_behind_proxy() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with proxying(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()
    await server.wait_closed()


async def connected(proxy: Proxy, first: bytes = b"GET /ari/channels HTTP/1.1\r\n\r\n") -> Ends:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(first)
    try:
        assert await reader.readexactly(len(first)) == first
    except BaseException:
        writer.close()
        raise
    return reader, writer


WEBSOCKET = b"GET /ari/events HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"


def test_kinds_are_told_apart_and_only_the_one_named_is_hurt(run: Any) -> None:
    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            rest, rest_out = await connected(proxy)
            events, events_out = await connected(proxy, WEBSOCKET)
            assert (proxy.count(Kind.REST), proxy.count(Kind.WEBSOCKET)) == (1, 1)
            proxy.reset(Kind.WEBSOCKET)
            with pytest.raises(ConnectionResetError):
                await events.readexactly(1)
            rest_out.write(b"still here")
            assert await rest.readexactly(10) == b"still here"
            events_out.close()
            rest_out.close()

    run(main())


def test_a_close_in_order_is_the_end_of_the_stream(run: Any) -> None:
    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            reader, writer = await connected(proxy)
            proxy.close()
            assert await reader.read() == b""
            writer.close()

    run(main())


@pytest.mark.parametrize("way", [Way.IN, Way.OUT, Way.BOTH])
def test_what_is_swallowed_never_arrives_and_a_new_connection_works(run: Any, way: Way) -> None:
    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            reader, writer = await connected(proxy)
            proxy.swallow(way=way)
            writer.write(b"hello?")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.readexactly(1)
            assert proxy.count() == 0
            _, other = await connected(proxy)
            other.close()
            writer.close()

    run(main())


def test_delays_keep_the_order(run: Any) -> None:
    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            proxy.delay(0.02)
            reader, writer = await connected(proxy)
            begun = time.monotonic()
            for number in range(10):
                writer.write(bytes([number]))
                await asyncio.sleep(0.001)
            assert await reader.readexactly(10) == bytes(range(10))
            assert time.monotonic() - begun > 0.01
            writer.close()

    run(main())


def test_a_refused_connection(run: Any) -> None:
    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            proxy.refusal = Refusal.RESET
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await connected(proxy)
            proxy.refusal = Refusal.SWALLOW
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await connected(proxy)

    run(main())
