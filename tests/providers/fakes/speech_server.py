"""What fake servers of speech-to-speech vendors share: a WebSocket, a voice detection by level, a scripted
brain, and faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from aiohttp import WSCloseCode, web

from ari_bridge.core.audio import Pcm16, dbfs

LOUD_DBFS = -42.0
ONSET_MS = 100
HANGOVER_MS = 500
FASTER = 8
"""Than speech is the server's own."""


@dataclass(frozen=True)
class Call:
    """A tool is called."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Fails:
    """No answer comes of it."""

    code: str


Answer: TypeAlias = Sequence[str | Call | Fails | float]
"""Words to say, tools to call, failures, seconds to wait."""


def tone(text: str, rate_hz: int) -> Pcm16:
    """0.3 s a word."""
    t = np.arange(round(0.3 * rate_hz) * len(text.split())) / rate_hz
    return (8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)


@dataclass
class Brain:
    """What the model would think of."""

    answer: Callable[[str], Answer] = lambda said: [f"You said {said}."]
    """To the caller's words, "[digits …]" and "[result …]" among them."""
    asked: Callable[[str], Answer] = lambda instruction: [instruction.rpartition("nothing else: ")[2]]
    texts: Sequence[str] = ("hello",)
    """What the caller says, one turn after the other; the last stays."""
    voice: Callable[[str, int], Pcm16] = tone
    turns: int = 0

    def understood(self) -> str:
        self.turns += 1
        return self.texts[min(self.turns, len(self.texts)) - 1]


@dataclass
class Faults:
    refuse: list[int] = field(default_factory=list)
    """Statuses with which the next handshakes are answered."""
    retry_after_s: float | None = None
    slow_start_s: float = 0.0
    mute: bool = False
    """Nothing is answered but the setup."""
    thinks_s: float = 0.02
    drop_at_audio: int | None = None
    """The connection breaks at that piece of the agent's audio, once."""
    garbage_at_audio: str | None = None
    """This frame comes in place of the first piece of audio, once."""


class ServerVad:
    """A voice by its level."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame = rate_hz // 50
        self._rest = np.zeros(0, np.int16)
        self._loud_ms = self._quiet_ms = 0
        self.voice = False
        self.heard_ms = 0

    def feed(self, pcm: Pcm16) -> list[bool]:
        """True: a voice began; False: it ended."""
        edges = []
        self._rest = np.concatenate((self._rest, pcm))
        while len(self._rest) >= self._frame:
            frame, self._rest = self._rest[: self._frame], self._rest[self._frame :]
            self.heard_ms += 20
            loud = dbfs(frame) > LOUD_DBFS
            self._loud_ms = self._loud_ms + 20 if loud else max(0, self._loud_ms - 5)
            self._quiet_ms = 0 if loud else self._quiet_ms + 20
            if not self.voice and self._loud_ms >= ONSET_MS:
                self.voice = True
                edges.append(True)
            elif self.voice and self._quiet_ms >= HANGOVER_MS:
                self.voice, self._loud_ms = False, 0
                edges.append(False)
        return edges


class Connection:
    """One client's, in a dialect that a vendor's fake adds."""

    def __init__(self, server: SpeechServer, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.server, self.request, self._socket = server, request, socket
        self.received: list[dict[str, Any]] = []
        """From the client, but for its audio."""
        self.sent: list[dict[str, Any]] = []
        self.audio_ms = 0
        """Of the caller's, as it came."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def brain(self) -> Brain:
        return self.server.brain

    @property
    def faults(self) -> Faults:
        return self.server.faults

    async def serve(self) -> None:
        raise NotImplementedError

    async def send(self, message: dict[str, Any]) -> None:
        raise NotImplementedError

    async def messages(self) -> AsyncGenerator[Any, None]:
        async for message in self._socket:
            yield message.data

    def start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            with suppress(ConnectionResetError, asyncio.CancelledError):  # the client has gone
                await work

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def send_octets(self, octets: bytes) -> None:
        await self._socket.send_bytes(octets)

    async def audio_fault(self) -> bool:
        """Before each piece of audio; whether it is replaced."""
        faults = self.faults
        if faults.garbage_at_audio is not None:
            garbage, faults.garbage_at_audio = faults.garbage_at_audio, None
            await self.send_text(garbage)
            return True
        if faults.drop_at_audio is not None:
            faults.drop_at_audio -= 1
            if faults.drop_at_audio < 0:
                faults.drop_at_audio = None
                self.drop()
                raise ConnectionResetError
        return False

    def drop(self) -> None:
        """Without a word."""
        transport = self.request.transport
        if transport is not None:
            transport.abort()

    async def close(self, code: int = WSCloseCode.OK) -> None:
        await self._socket.close(code=code)

    async def ended(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class SpeechServer:
    """`async with server.running():`"""

    path = "/"
    connection: type[Connection] = Connection

    def __init__(self, brain: Brain | None = None) -> None:
        self.brain, self.faults = brain or Brain(), Faults()
        self.connections: list[Connection] = []
        self.open = 0
        self.base_url = ""

    @property
    def last(self) -> Connection:
        return self.connections[-1]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.faults.refuse:
            headers = (
                {} if self.faults.retry_after_s is None else {"Retry-After": str(self.faults.retry_after_s)}
            )
            return web.Response(status=self.faults.refuse.pop(0), headers=headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = self.connection(self, request, socket)
        self.connections.append(connection)
        self.open += 1
        try:
            await asyncio.sleep(self.faults.slow_start_s)
            await connection.serve()
        except ConnectionResetError:
            pass
        finally:
            self.open -= 1
            await connection.ended()
        return socket

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[SpeechServer, None]:
        app = web.Application()
        app.router.add_get(self.path, self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            for connection in self.connections:
                connection.drop()
            await runner.cleanup()
