"""What the sessions of vendors' WebSockets share: a sans-IO *dialect* says what the messages mean, the
session here moves them.

    signal ─▶ dialect.signal ──▶ messages ─▶ socket
    events ◀─ dialect.message ◀── messages ◀─ socket
                   └─▶ dialect.owed: messages that follow of themselves
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ari_bridge.providers.speech import base as b
from ari_bridge.providers.vendor.websocket import VendorSocket

Message: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Later:
    """A message that is to wait."""

    after_s: float
    message: Message


class Dialect(Protocol):
    def begin(self) -> Sequence[Message]:
        """The first messages of a session."""
        ...

    def signal(self, signal: b.Signal) -> Sequence[Message]:
        """How it is said; nothing where there are no words for it."""
        ...

    def message(self, message: Mapping[str, Any] | bytes) -> Sequence[b.SpeechEvent]:
        """What it means. Raises ProviderError for one that ends the session."""
        ...

    def owed(self) -> Sequence[Message | Later]:
        """What is to be sent because of the messages so far; told once."""
        ...


class SocketSession:
    """A `SpeechSession` on an open connection."""

    def __init__(self, socket: VendorSocket, dialect: Dialect) -> None:
        self._socket, self._dialect = socket, dialect
        self._later: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Raises ProviderError."""
        for message in self._dialect.begin():
            await self._socket.send_json(message)

    async def events(self) -> AsyncGenerator[b.SpeechEvent, None]:
        try:
            while (message := await self._socket.receive()) is not None:
                for event in self._dialect.message(message):
                    yield event
                await self._send_owed()
        finally:
            for task in self._later:
                task.cancel()

    async def send(self, signal: b.Signal) -> None:
        for message in self._dialect.signal(signal):
            await self._socket.send_json(message)

    async def _send_owed(self) -> None:
        for message in self._dialect.owed():
            if isinstance(message, Later):
                task = asyncio.create_task(self._send_later(message))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
            else:
                await self._socket.send_json(message)

    async def _send_later(self, later: Later) -> None:
        await asyncio.sleep(later.after_s)
        if not self._socket.closed:
            await self._socket.send_json(later.message)
