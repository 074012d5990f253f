"""The call's session with its engine: signals one way, events the other, and another session after a
failure."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing

from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.conversation.speech import signals as c
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message
from ari_bridge.providers.speech import base as b

log = logging.getLogger(__name__)

AUDIO_KEPT = 250
"""Chunks of the caller's audio that wait for a session: five seconds, should they be frames."""


class _Outgoing:
    """Signals on their way; of the caller's audio only the latest."""

    def __init__(self) -> None:
        self._signals: deque[b.Signal] = deque()
        self._audio = 0
        self._some = asyncio.Event()

    def put(self, signal: b.Signal) -> None:
        self._signals.append(signal)
        if isinstance(signal, b.CallerAudio):
            self._audio += 1
            if self._audio > AUDIO_KEPT:
                oldest = next(one for one in self._signals if isinstance(one, b.CallerAudio))
                self._remove(oldest)
        self._some.set()

    def audio(self) -> list[b.CallerAudio]:
        return [one for one in self._signals if isinstance(one, b.CallerAudio)]

    async def get(self) -> b.Signal:
        while not self._signals:
            self._some.clear()
            await self._some.wait()
        signal = self._signals.popleft()
        self._audio -= isinstance(signal, b.CallerAudio)
        return signal

    def _remove(self, audio: b.CallerAudio) -> None:
        for index, signal in enumerate(self._signals):
            if signal is audio:
                del self._signals[index]
                self._audio -= 1
                return


class Link:
    def __init__(
        self,
        engine: b.SpeechToSpeech,
        opening: Callable[[Sequence[Message]], b.Opening],
        tasks: Tasks,
        handle: Callable[[c.Event], None],
    ) -> None:
        """`opening`: of a session, by the history so far."""
        self._engine, self._opening = engine, opening
        self._tasks, self._handle = tasks, handle
        self._outgoing = _Outgoing()
        self._task: asyncio.Task[None] | None = None

    def open(self, history: Sequence[Message]) -> None:
        """Begin a session; the one there was ends, and what was still to be sent to it is dropped."""
        unheard = self._outgoing.audio()
        self._outgoing = _Outgoing()
        for audio in unheard:
            self._outgoing.put(audio)
        self._task = self._tasks.start(self._serve, history, self._outgoing, self._task)

    def send(self, signal: b.Signal) -> None:
        """As soon as there is a session."""
        self._outgoing.put(signal)

    async def _serve(
        self, history: Sequence[Message], outgoing: _Outgoing, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            before.cancel()
            await asyncio.wait([before])
        failure: ProviderError | None = None
        try:
            async with self._engine.converse(self._opening(history)) as session, asyncio.TaskGroup() as group:
                group.create_task(self._write(session, outgoing))
                await self._read(session)  # in this very task: once it is cancelled, no event is handled
        except* ProviderError as failures:
            failure = _first(failures)
        assert failure is not None
        log.warning("speech to speech: %s", failure)
        self._handle(c.EngineLost(failure.retryable))

    async def _read(self, session: b.SpeechSession) -> None:
        async with aclosing(session.events()) as events:
            async for event in events:
                self._handle(event)
                if isinstance(event, b.Ended):
                    await asyncio.Event().wait()  # until the call ends
        raise ProviderError("the engine ended the session in the middle of the call", retryable=True)

    async def _write(self, session: b.SpeechSession, outgoing: _Outgoing) -> None:
        while True:
            await session.send(await outgoing.get())


def _first(group: BaseExceptionGroup[ProviderError]) -> ProviderError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
