"""Speech to text with engines in reserve: the next one hears again what the caller said since the last final
transcript, and goes on from there.

An engine may be silent while the caller is; what it owes is a final transcript soon after each utterance's
end. An empty one is no nonsense: noises have no words. The engine that took over keeps the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.providers.base import (
    SpeechContext,
    SpeechToText,
    SttInput,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.providers.fallback.pool import Pool
from ari_bridge.providers.streams import watched


class FallbackSpeechToText:
    def __init__(self, pool: Pool[SpeechToText], *, final_s: float) -> None:
        """`final_s`: how long after an utterance's end its final transcript may take."""
        self._pool, self._final_s = pool, final_s

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        """One final transcript an utterance, whichever engine it is from. Raises ProviderError when none is
        left; it is retryable, since they may work again at the caller's next words."""
        tape = _Tape(self._final_s)
        recording = asyncio.create_task(tape.record(audio), name="speech to text fallback")
        attempts = self._pool.attempts("speech to text")
        try:
            for member in self._pool.in_order():
                with attempts.by(member):
                    transcripts = watched(member.engine.transcribe(tape.play(), context))
                    async with aclosing(transcripts) as stream:
                        async for transcript in tape.answers(stream):
                            yield transcript
                    if not tape.ended:
                        raise ProviderError("it ended in the middle of the call", retryable=True)
                    return
        finally:
            recording.cancel()
            await asyncio.wait([recording])
        raise ProviderError(str(attempts.exhausted()), retryable=True)

    async def close(self) -> None:
        await self._pool.close()


class _Tape:
    """What the caller said since the last final transcript, to be played as often as needed."""

    def __init__(self, final_s: float) -> None:
        self._final_s = final_s
        self._items: list[SttInput] = []
        self._grown = asyncio.Event()
        self._owed: list[int] = []
        """Utterances without a final transcript, oldest first."""
        self._dropped = 0
        """How many items have been taken off the front."""
        self._due_s: dict[int, float] = {}
        """When the present engine has to have answered the utterances whose end it has heard."""
        self._alarm: asyncio.Timeout | None = None
        self.ended = False

    async def record(self, audio: AsyncIterator[SttInput]) -> None:
        try:
            async for item in audio:
                if isinstance(item, UtteranceStart):
                    self._owed.append(item.utterance)
                self._items.append(item)
                self._grown.set()
        finally:
            self.ended = True
            self._grown.set()

    async def play(self) -> AsyncGenerator[SttInput, None]:
        """From the oldest utterance without a transcript on, and then as it comes."""
        at = self._dropped
        self._due_s.clear()
        while True:
            while at - self._dropped < len(self._items):
                at = max(at, self._dropped)
                item = self._items[at - self._dropped]
                at += 1
                if isinstance(item, UtteranceEnd) and item.utterance in self._owed:
                    self._expect(item.utterance)
                yield item
            if self.ended:
                return
            self._grown.clear()
            await self._grown.wait()

    async def answers(self, transcripts: AsyncIterator[Transcript]) -> AsyncGenerator[Transcript, None]:
        """The transcripts of utterances that have no final one yet. Raises ProviderError (retryable) when one
        is late."""
        while True:
            try:
                async with asyncio.timeout_at(min(self._due_s.values(), default=None)) as self._alarm:
                    transcript = await anext(transcripts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                text = f"no transcript {self._final_s:g} s after the utterance"
                raise ProviderError(text, retryable=True, fault=Fault.STALLED) from None
            finally:
                self._alarm = None
            if transcript.utterance not in self._owed:
                continue
            if transcript.final:
                self._settle(transcript.utterance)
            yield transcript

    def _expect(self, utterance: int) -> None:
        self._due_s[utterance] = asyncio.get_running_loop().time() + self._final_s
        if self._alarm is not None and self._alarm.when() is None:
            self._alarm.reschedule(self._due_s[utterance])

    def _settle(self, utterance: int) -> None:
        """It and all before it have been answered, or never will be."""
        for settled in self._owed[: self._owed.index(utterance) + 1]:
            self._owed.remove(settled)
            self._due_s.pop(settled, None)
        for index, item in enumerate(self._items):
            if isinstance(item, UtteranceEnd) and item.utterance == utterance:
                del self._items[: index + 1]
                self._dropped += index + 1
                return
