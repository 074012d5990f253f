"""Connections to vendors, as the driver sees them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeAlias, TypeVar

import aiohttp

from ari_bridge.providers.stt.streaming.dialect import Dialect, SocketDialect
from ari_bridge.providers.vendor.http import open_session
from ari_bridge.providers.vendor.websocket import VendorSocket, connected

M = TypeVar("M")
D = TypeVar("D", bound=Dialect[str | bytes])


class Line(Protocol[M]):
    """One connection, closed by whoever opened it. Both raise ProviderError."""

    async def send(self, message: M) -> None: ...

    async def receive(self) -> M | None:
        """None: the vendor has closed in good order."""
        ...


Connect: TypeAlias = Callable[[Dialect[M]], AbstractAsyncContextManager[Line[M]]]


class WebSocketLine:
    def __init__(self, socket: VendorSocket) -> None:
        self._socket = socket

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self._socket.send_text(message)
        else:
            await self._socket.send_bytes(message)

    async def receive(self) -> str | bytes | None:
        return await self._socket.receive_message()


class WebSockets:
    """Opens them for one engine. `close` it."""

    def __init__(self, name: str) -> None:
        """`name`: what messages call the vendor."""
        self._name = name
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def connect(self, dialect: Dialect[str | bytes]) -> AsyncGenerator[WebSocketLine, None]:
        """Raises ProviderError."""
        assert isinstance(dialect, SocketDialect)
        if self._session is None:
            self._session = open_session()
        handshake = dialect.handshake()
        async with connected(
            self._session, self._name, handshake.url, headers=handshake.headers, params=handshake.params
        ) as socket:
            yield WebSocketLine(socket)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
