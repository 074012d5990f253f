"""A vendor's server for language models, on loopback: what all of them have in common.

It answers with what it is told, in its vendor's frames, and can fail in every way a server can. It refuses
what its vendor refuses, so that a client that passes here keeps the vendor's rules.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

from aiohttp import web

KEY = "sk-a-secret-of-the-tests"


@dataclass(frozen=True)
class Calls:
    """A tool call of the model's."""

    call_id: str
    name: str
    pieces: tuple[str, ...]
    """Of the arguments' JSON text."""


@dataclass(frozen=True)
class Refuses:
    """Answers with an HTTP status."""

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    parts: tuple[str | Calls, ...] = ("Good ", "morning", ".")
    ending: str = "complete"
    """Or "cut", "filtered"."""
    gap_s: float = 0.0
    """Before each frame."""
    drops_at: int | None = None
    """Breaks the connection before this frame."""
    ends_at: int | None = None
    """Ends the stream before this frame as if that were all."""
    stalls_at: int | None = None
    """Sends nothing more from this frame on."""
    junk_at: int | None = None
    junk: str = "{no json"
    fails_at: int | None = None
    """Tells of an error in the stream before this frame."""
    chunk_bytes: int | None = None
    """The stream is sent in pieces of this size."""


Act: TypeAlias = Answers | Refuses | Callable[[Mapping[str, Any]], Answers]
"""The last: an answer to what is asked."""
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 40, 16, 9


class LanguageModelServer(ABC):
    PATH: ClassVar[str]
    KEY_HEADERS: ClassVar[tuple[tuple[str, str], ...]]
    """Where the key may be, and what stands before it."""

    def __init__(self, *acts: Act, port: int = 0, key: str = KEY) -> None:
        """The last of `acts` is repeated for ever. `key`: "" to serve everybody."""
        self._port, self._key = port, key
        self.acts: list[Act] = list(acts) or [Answers()]
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.queries: list[Mapping[str, str]] = []
        self.connections: set[object] = set()
        """Those that asked for an answer."""
        self.open, self.left, self.warmed = 0, 0, 0
        self.base_url = ""
        self._kept: list[object] = []

    # ------------------------------------------------------------------ what differs

    @abstractmethod
    def frames(self, answer: Answers, body: Mapping[str, Any]) -> list[str]:
        """The events of an answer, as server-sent events."""

    @abstractmethod
    def error(self, status: int, message: str) -> Any:
        """The body of an answer that is an error."""

    @abstractmethod
    def failure(self) -> str:
        """The event that tells of a failure in the middle."""

    @abstractmethod
    def complaint(self, body: Mapping[str, Any]) -> str:
        """Why the vendor would not accept this body; "" if it would."""

    # ------------------------------------------------------------------ what does not

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Self, None]:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post(self.PATH, self._answer)
        app.router.add_route("HEAD", "/{any:.*}", self._warm)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def nobody_is_served(self) -> None:
        """Until every answer has ended or been left."""
        async with asyncio.timeout(5):
            while self.open:
                await asyncio.sleep(0.001)

    async def _warm(self, request: web.Request) -> web.Response:
        self.warmed += 1
        return web.Response(status=404)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._kept.append(request.transport)  # so that no other gets its identity
        self.connections.add(request.transport)
        keys = [
            request.headers[name].removeprefix(p) for name, p in self.KEY_HEADERS if name in request.headers
        ]
        if self._key and keys != [self._key]:
            return self._refuse(Refuses(401, f"Incorrect API key provided: {keys}."))
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(request.headers)
        self.queries.append(dict(request.query))
        if complaint := self.complaint(body):
            return self._refuse(Refuses(400, complaint))
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if isinstance(act, Refuses):
            return self._refuse(act)
        if not isinstance(act, Answers):
            act = act(body)
        self.open += 1
        try:
            return await self._stream(request, act, self.frames(act, body))
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            raise
        finally:
            self.open -= 1

    def _refuse(self, refuses: Refuses) -> web.Response:
        body = json.dumps(self.error(refuses.status, refuses.message))
        return web.Response(
            status=refuses.status, text=body, headers=refuses.headers, content_type="application/json"
        )

    async def _stream(
        self, request: web.Request, answer: Answers, frames: Sequence[str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        for number, frame in enumerate([*frames, ""][: answer.ends_at]):
            if answer.gap_s:
                await asyncio.sleep(answer.gap_s)
            if number == answer.drops_at:
                assert request.transport is not None
                request.transport.abort()
                return response
            if number == answer.stalls_at:
                await asyncio.Event().wait()
            if number == answer.junk_at:
                frame = f"data: {answer.junk}\n\n"
            if number == answer.fails_at:
                frame = self.failure()
            data = frame.encode()
            size = answer.chunk_bytes or len(data) or 1
            for at in range(0, len(data), size):
                await response.write(data[at : at + size])
        await response.write_eof()
        return response


def event(data: Any, name: str = "") -> str:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def unanswered(calls: Sequence[str], results: Sequence[str]) -> str:
    """The complaint about tool calls and results that do not match."""
    if list(calls) == list(results):
        return ""
    return f"tool calls {list(calls)} are not followed by their results, but by {list(results)}"
