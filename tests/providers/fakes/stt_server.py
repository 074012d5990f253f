"""What the servers that stand in for vendors share: a port, an account of what came, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web


@dataclass
class Faults:
    """Each entry is for one connection (or request), in order; those after the last are well served."""

    refusals: deque[int] = field(default_factory=deque)
    """HTTP statuses."""
    breaks: deque[int] = field(default_factory=deque)
    """The connection breaks at the audio message of this number."""
    garbles: deque[str] = field(default_factory=deque)
    """This is sent when the first audio comes."""
    mutes: int = 0
    """So many connections on which nothing is ever said."""
    delay_s: float = 0.0
    """Before a connection is accepted."""


class Broken(Exception):
    """Of the connection, on purpose."""


class Fake(ABC):
    """One vendor's server on loopback."""

    NAME: str
    KEY = "the-secret-key"
    SERVICE = ""
    """What the bill calls the vendor, if not by its name."""
    PARTIALS = True
    STREAMS = True
    KEYED = True
    TELLS_COST = False
    MAY_BE_SILENT = False
    """An utterance without words is not answered."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.open = 0
        self.connections: list[web.Request] = []
        self.controls: list[dict[str, Any]] = []
        """All messages that are no audio."""

    @property
    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """Of the provider, so that it comes here."""

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    async def __aenter__(self) -> Fake:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class HttpFake(Fake):
    METHOD = "GET"
    PATH: str

    async def start(self) -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_route(self.METHOD, self.PATH, self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.connections.append(request)
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        if self.faults.refusals:
            return self.refusal(self.faults.refusals.popleft())
        if not self.is_welcome(request):
            return self.refusal(401)
        self.open += 1
        try:
            return await self.serve(request)
        finally:
            self.open -= 1

    def refusal(self, status: int) -> web.Response:
        return web.json_response({"error": {"message": f"refused with {status}"}}, status=status)

    @abstractmethod
    def is_welcome(self, request: web.Request) -> bool:
        """It has shown the key."""

    @abstractmethod
    async def serve(self, request: web.Request) -> web.StreamResponse: ...


class SocketFake(HttpFake):
    """Talks on WebSockets."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = Session(self, request, socket)
        with suppress(ConnectionResetError, asyncio.CancelledError):
            try:
                await self.talk(session)
                await socket.close()
            except Broken:
                assert request.transport is not None
                request.transport.abort()
        return socket

    @abstractmethod
    async def talk(self, session: Session) -> None: ...

    def is_audio(self, message: str | bytes) -> bool:
        return isinstance(message, bytes)


class Session:
    """One connection. Iterating gives what the client sends, until it closes."""

    def __init__(self, fake: SocketFake, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.query, self.request = request.query, request
        self._fake, self._socket, self._audio_messages = fake, socket, 0
        faults = fake.faults
        self._breaks_at = faults.breaks.popleft() if faults.breaks else None
        self._garble = faults.garbles.popleft() if faults.garbles else None
        self.is_mute = faults.mutes > 0
        faults.mutes = max(0, faults.mutes - 1)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for message in self._socket:
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                continue
            if self._fake.is_audio(message.data):
                self._audio_messages += 1
                if self._audio_messages == self._breaks_at:
                    raise Broken
                if self._garble is not None:
                    garble, self._garble = self._garble, None
                    await self._socket.send_str(garble)
            elif isinstance(message.data, str) and message.data.startswith("{"):
                self._fake.controls.append(json.loads(message.data))
            yield message.data

    async def send(self, message: Mapping[str, Any] | str) -> None:
        if self.is_mute:
            return
        text = message if isinstance(message, str) else json.dumps(message)
        with suppress(ConnectionResetError):
            await self._socket.send_str(text)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code=code, message=reason.encode())
