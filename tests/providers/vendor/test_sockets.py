"""The pool, against a server that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.vendor.retry import Budget, Retry
from ari_bridge.providers.vendor.sockets import Address, Keeping, SocketPool
from tests.providers.fakes.studio import serving
from tests.providers.voices import until


class Server:
    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.seen: list[str] = []
        self.open = 0
        self.headers: list[str] = []

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.headers.append(request.headers["X-Key"])
        self.open += 1
        try:
            async for message in socket:
                self.seen.append(message.data)
        finally:
            self.open -= 1
        return socket


@asynccontextmanager
async def pooled(keeping: Keeping | None = None) -> AsyncGenerator[tuple[Server, SocketPool, Address], None]:
    server, numbers = Server(), iter(range(100))
    app = web.Application()
    app.router.add_get("/{path}", server.handle)
    async with serving(app) as address:
        pool = SocketPool("x", lambda: {"X-Key": f"key {next(numbers)}"}, keeping, hello=lambda: ("hello",))
        try:
            yield server, pool, Address(f"ws://{address}/a")
        finally:
            await pool.close()
        await pool.close()
        await until(lambda: server.open == 0)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


def retry() -> Retry:
    return Retry(Budget(tries=1), asyncio.get_running_loop().time())


def run(make: Callable[[], AsyncGenerator[None, None]] | Callable[[], object]) -> None:
    async def main() -> None:
        async with asyncio.timeout(10):
            await make()  # type: ignore[misc]

    asyncio.run(main())


def test_a_connection_is_used_again_and_says_hello_once() -> None:
    async def main() -> None:
        async with pooled() as (server, pool, address):
            first = await pool.take(address, retry())
            await first.send({"ask": 1})
            pool.give_back(first)
            again = await pool.take(address, retry())
            assert again is first
            assert again.uses == 2
            other = await pool.take(address, retry())
            assert other is not first
            elsewhere = await pool.take(Address(address.url, (("rate", "8000"),)), retry())
            assert elsewhere is not first
            await until(lambda: server.seen == ["hello", '{"ask":1}', "hello", "hello"])
            assert server.headers == ["key 0", "key 1", "key 2"]
            for one in (again, other, elsewhere):
                pool.drop(one)

    run(main)


def test_one_that_the_vendor_closed_while_idle_is_not_taken() -> None:
    async def main() -> None:
        async with pooled() as (server, pool, address):
            first = await pool.take(address, retry())
            pool.give_back(first)
            await until(lambda: bool(server.sockets))
            await server.sockets[0].close(code=1008)
            await until(lambda: first.socket.closed)
            second = await pool.take(address, retry())
            assert second is not first
            pool.drop(second)

    run(main)


def test_what_comes_to_an_idle_one_is_thrown_away() -> None:
    async def main() -> None:
        async with pooled() as (server, pool, address):
            first = await pool.take(address, retry())
            pool.give_back(first)
            await until(lambda: bool(server.sockets))
            await server.sockets[0].send_bytes(b"late")
            await asyncio.sleep(0.02)
            again = await pool.take(address, retry())
            assert again is first
            await server.sockets[0].send_bytes(b"in time")
            assert await again.socket.receive_message() == b"in time"
            pool.drop(again)

    run(main)


def test_an_abandoned_one_is_told_closed_and_replaced() -> None:
    async def main() -> None:
        async with pooled() as (server, pool, address):
            first = await pool.take(address, retry())
            pool.abandon(first, ("stop",))
            await until(lambda: len(server.sockets) == 2 and server.open == 1)
            assert "stop" in server.seen
            if (opening := pool.warm(address)) is not None:  # the server knows of it before we do
                await opening
            second = await pool.take(address, retry())
            assert second is not first
            assert len(server.sockets) == 2, "the replacement is there already"
            pool.give_back(second)

    run(main)


@pytest.mark.parametrize("keeping", [Keeping(uses_max=2), Keeping(life_s=0.0)])
def test_an_old_or_worn_one_is_replaced(keeping: Keeping) -> None:
    async def main() -> None:
        async with pooled(keeping) as (server, pool, address):
            first = await pool.take(address, retry())
            pool.give_back(first)
            pool.give_back(await pool.take(address, retry()))
            await until(lambda: len(server.sockets) >= 2 and server.open == 1)
            last = await pool.take(address, retry())
            assert last is not first
            pool.drop(last)

    run(main)


def test_one_that_nobody_wants_is_closed() -> None:
    async def main() -> None:
        async with pooled(Keeping(idle_s=0.02)) as (server, pool, address):
            pool.give_back(await pool.take(address, retry()))
            await until(lambda: len(server.sockets) == 1 and server.open == 0)

    run(main)


def test_no_more_are_kept_than_allowed() -> None:
    async def main() -> None:
        async with pooled(Keeping(idle_max=2)) as (server, pool, address):
            taken = [await pool.take(address, retry()) for _ in range(5)]
            for one in taken:
                pool.give_back(one)
            await until(lambda: server.open == 2)

    run(main)


def test_warming_opens_one_and_no_second() -> None:
    async def main() -> None:
        async with pooled() as (server, pool, address):
            opening = pool.warm(address)
            assert opening is not None
            await asyncio.wait([opening])
            assert pool.warm(address) is None
            assert len(server.sockets) == 1

    run(main)


def test_taking_can_be_cancelled_at_any_turn_and_leaves_nothing() -> None:
    async def main() -> None:
        async with pooled() as (_, pool, address):
            for turns in range(30):
                pool.give_back(await pool.take(address, retry()))
                taking = asyncio.create_task(pool.take(address, retry(), fresh=turns % 2 == 1))
                for _ in range(turns // 2):
                    await asyncio.sleep(0)
                taking.cancel()
                await asyncio.wait([taking])
                if not taking.cancelled():
                    pool.drop(taking.result())

    run(main)


def test_closing_stops_what_is_being_opened() -> None:
    async def main() -> None:
        async with pooled() as (_, pool, address):
            pool.warm(address)
            await asyncio.sleep(0)

    run(main)


def test_nobody_there_is_a_provider_error_and_no_warmth() -> None:
    async def main() -> None:
        pool = SocketPool("x", dict)
        nowhere = Address("ws://127.0.0.1:9/")
        with pytest.raises(ProviderError, match="x: cannot be reached"):
            await pool.take(nowhere, retry())
        opening = pool.warm(nowhere)
        assert opening is not None
        await asyncio.wait([opening])
        assert opening.exception() is None
        await pool.close()

    run(main)
