"""WebSockets of one vendor, kept warm: each serves one request at a time, and the next one after it.

    take ──▶ in use ──give_back──▶ idle (watched) ──take──▶ ...
                │                    └── closed by the vendor, or by us after `idle_s`
                └──abandon──▶ farewell, closed, and another one opened in its place

A request that is broken off costs its connection. No vendor promises that a message stops at once what it is
making, and what still comes could be taken for the next answer; closing does stop it. So that nobody waits
for that, it is done beside, and the next request, seconds later, finds the replacement warm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import aiohttp

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.vendor.http import open_session
from ari_bridge.providers.vendor.retry import Budget, Retry
from ari_bridge.providers.vendor.websocket import VendorSocket, open_socket

log = logging.getLogger(__name__)

Frame: TypeAlias = Mapping[str, Any] | str | bytes
"""A message: JSON, text or bytes."""

_FAREWELL_S = 0.5


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection leads: two are alike when URL and parameters are."""

    url: str
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a connection is used."""

    idle_s: float = 120.0
    """At most this long unused."""
    life_s: float = 540.0
    """No new request when it is older: vendors close old ones, whatever happens on them."""
    uses_max: int | None = None
    idle_max: int = 32


@dataclass(eq=False, slots=True)
class PooledSocket:
    address: Address
    socket: VendorSocket
    opened_s: float
    uses: int = 0
    watch: asyncio.Task[None] | None = field(default=None, repr=False)

    async def send(self, frame: Frame) -> None:
        """Raises ProviderError."""
        match frame:
            case str():
                await self.socket.send_text(frame)
            case bytes():
                await self.socket.send_bytes(frame)
            case _:
                await self.socket.send_json(frame)


class SocketPool:
    def __init__(
        self,
        name: str,
        headers: Callable[[], Mapping[str, str]],
        keeping: Keeping | None = None,
        *,
        hello: Callable[[], Sequence[Frame]] = tuple,
    ) -> None:
        """`name`: what messages call the vendor. `headers` hold the key, `hello` is said first: each made for
        a connection."""
        self._name, self._headers, self._hello = name, headers, hello
        self._keeping = keeping or Keeping()
        self._session: aiohttp.ClientSession | None = None
        self._idle: list[PooledSocket] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._opening: dict[Address, asyncio.Task[None]] = {}

    async def take(self, address: Address, retry: Retry, *, fresh: bool = False) -> PooledSocket:
        """A connection for one request; `fresh`: a new one. Raises ProviderError."""
        while not fresh and (found := self._latest(address)) is not None:
            self._idle.remove(found)
            try:
                await _ended(found.watch)
            except asyncio.CancelledError:
                self.drop(found)
                raise
            if not found.socket.closed:
                found.uses += 1
                return found
        opened = await self._open(address, retry)
        opened.uses += 1
        return opened

    def give_back(self, pooled: PooledSocket) -> None:
        """Its request was answered to the end."""
        keeping = self._keeping
        is_old = asyncio.get_running_loop().time() - pooled.opened_s > keeping.life_s
        is_worn = keeping.uses_max is not None and pooled.uses >= keeping.uses_max
        if is_old or is_worn:
            self.abandon(pooled, ())
        elif pooled.socket.closed or len(self._idle) >= keeping.idle_max:
            self.drop(pooled)
        else:
            self._lay_by(pooled)

    def abandon(self, pooled: PooledSocket, farewell: Sequence[Frame]) -> None:
        """Its answer is no longer wanted. `farewell`: what tells the vendor so, before it is closed."""
        self._start(self._leave(pooled, farewell))
        self.warm(pooled.address)

    def drop(self, pooled: PooledSocket) -> None:
        """It is broken, or there are enough."""
        self._start(pooled.socket.close())

    def warm(self, address: Address) -> asyncio.Task[None] | None:
        """Open one in the background, if none is idle or being opened so."""
        if address not in self._opening and self._latest(address) is None:
            self._opening[address] = asyncio.create_task(self._open_idle(address))
        return self._opening.get(address)

    async def close(self) -> None:
        """All of them, those in use too."""
        for opening in tuple(self._opening.values()):
            await _ended(opening)
        for pooled in tuple(self._idle):
            await _ended(pooled.watch)
            self.drop(pooled)
        self._idle.clear()
        if self._leaving:
            await asyncio.wait(self._leaving)
        if self._session is not None:
            await self._session.close()

    def _latest(self, address: Address) -> PooledSocket | None:
        """The last one laid by: those beyond what is needed grow old, and go."""
        return next((idle for idle in reversed(self._idle) if idle.address == address), None)

    async def _open(self, address: Address, retry: Retry) -> PooledSocket:
        if self._session is None:
            self._session = open_session()
        socket = await open_socket(
            self._session, self._name, address.url, retry, headers=self._headers(), params=address.params
        )
        pooled = PooledSocket(address, socket, asyncio.get_running_loop().time())
        try:
            for frame in self._hello():
                await pooled.send(frame)
        except (ProviderError, asyncio.CancelledError):
            self.drop(pooled)
            raise
        return pooled

    async def _open_idle(self, address: Address) -> None:
        try:
            pooled = await self._open(address, Retry(Budget(tries=1), asyncio.get_running_loop().time()))
        except ProviderError as error:
            log.debug("not warm: %s", error)
        else:
            self._lay_by(pooled)
        finally:
            del self._opening[address]

    def _lay_by(self, pooled: PooledSocket) -> None:
        self._idle.append(pooled)
        pooled.watch = asyncio.create_task(self._watch(pooled))

    async def _watch(self, pooled: PooledSocket) -> None:
        """Until it is taken, closed by the vendor, or old. What still comes is nobody's."""
        with suppress(TimeoutError, ProviderError):
            async with asyncio.timeout(self._keeping.idle_s):
                while await pooled.socket.receive_message() is not None:
                    pass
        if pooled in self._idle:
            self._idle.remove(pooled)
        await pooled.socket.close()

    async def _leave(self, pooled: PooledSocket, farewell: Sequence[Frame]) -> None:
        with suppress(TimeoutError, ProviderError):
            async with asyncio.timeout(_FAREWELL_S):
                for frame in farewell:
                    await pooled.send(frame)
        await pooled.socket.close()

    def _start(self, leaving: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(leaving)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
