"""What the fake voices behind a WebSocket share: the handshake, and making speech while messages are read."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from aiohttp import web

from tests.providers.fakes.studio import Fault, Studio, serving

_REFUSALS = {Fault.BUSY: 429, Fault.BROKEN: 500}


class WebSocketVoice(ABC):
    """`path`: of the endpoint, as aiohttp writes it."""

    path: str

    def __init__(self) -> None:
        self.studio = Studio()
        self.refuses_at_the_door = False
        """Whether BUSY and BROKEN answer the handshake, not the request."""
        self.closes_at_the_next_message: int | None = None
        """With this code."""
        self.requests: list[web.Request] = []

    @abstractmethod
    def is_welcome(self, request: web.Request) -> bool:
        """Whether it has the key, where the vendor has it."""

    @abstractmethod
    async def on_message(self, line: Line, message: str | bytes) -> None:
        """Act on it; `line.make` what takes time."""

    def fault_now(self) -> Fault:
        """For a request on an open connection."""
        if self.refuses_at_the_door and self.studio.fault in _REFUSALS:
            return Fault.NONE
        return self.studio.fault_now()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str, None]:
        app = web.Application()
        app.router.add_get(self.path, self._handle)
        async with serving(app) as address:
            yield f"ws://{address}"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if not self.is_welcome(request):
            raise web.HTTPUnauthorized
        if self.refuses_at_the_door and self.studio.fault in _REFUSALS:
            status = _REFUSALS.get(self.studio.fault_now())
            if status is not None:
                return web.json_response({"error": "no"}, status=status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line = Line(request, socket)
        self.studio.connections += 1
        self.studio.open += 1
        try:
            async for message in socket:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    if self.closes_at_the_next_message is not None:
                        code, self.closes_at_the_next_message = self.closes_at_the_next_message, None
                        await socket.close(code=code)
                        break
                    await self.on_message(line, message.data)
        finally:
            self.studio.open -= 1
            await line.stop()
        return socket


class Line:
    """One connection. `state` is the vendor's."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request, self.socket = request, socket
        self.state: dict[str, Any] = {}
        self._making: dict[str, asyncio.Task[None]] = {}

    def make(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._making[name] = asyncio.create_task(self._until_gone(work))

    async def _until_gone(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(ConnectionError):  # the caller has left in the middle
            await work

    async def stop(self, name: str | None = None) -> None:
        tasks = [task for n, task in self._making.items() if name in (None, n)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def cut(self) -> None:
        """As a lost network does it."""
        transport = self.request.transport
        assert transport is not None
        transport.abort()
