"""Engines that do as they are told, for tests of what stands before engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TypeAlias

import numpy as np

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.providers.base import (
    Heard,
    ReplyDelta,
    Speech,
    SpeechContext,
    SttInput,
    TextDelta,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
    WordTime,
)

BROKEN = ProviderError("it broke", retryable=True)
UNFIT = ProviderError("not this language", retryable=False)
WORD_SAMPLES = 100

Part: TypeAlias = str | float | ToolCall | ProviderError
"""Text, seconds to wait, a tool, a failure."""


class Model:
    def __init__(self, *parts: Part, phrases: tuple[str, ...] = ()) -> None:
        self.parts, self.phrases = parts, phrases
        self.asked: list[Sequence[Message]] = []
        self.open = 0

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        self.asked.append(history)
        self.open += 1
        try:
            for part in self.parts:
                match part:
                    case str():
                        yield TextDelta(part)
                    case ToolCall():
                        yield part
                    case ProviderError():
                        raise part
                    case _:
                        await asyncio.sleep(part)
        finally:
            self.open -= 1

    async def close(self) -> None: ...


class Voice:
    """Every word is WORD_SAMPLES long and a piece of its own; `level` tells whose voice it is."""

    def __init__(
        self,
        level: int = 1,
        *,
        fails_after: int | None = None,
        stalls_after: int | None = None,
        times: bool = True,
    ) -> None:
        self._level, self._times = level, times
        self._fails_after, self._stalls_after = fails_after, stalls_after
        self.spoken: list[str] = []

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        self.spoken.append(sentence)
        at = 0
        for index, word in enumerate(sentence.split()):
            if index == self._fails_after:
                raise BROKEN
            if index == self._stalls_after:
                await asyncio.sleep(3600)
            begin = sentence.index(word, at)
            at = begin + len(word)
            time = WordTime(begin, at, index * WORD_SAMPLES, (index + 1) * WORD_SAMPLES)
            yield Speech(np.full(WORD_SAMPLES, self._level, np.int16), (time,) if self._times else ())

    async def close(self) -> None: ...


class Ear:
    """Each utterance is how many samples it had; fails, stalls or ends at the end of number `fault_at`."""

    def __init__(self, name: str, *, fault: str = "", fault_at: int = 0) -> None:
        self._name, self._fault, self._fault_at = name, fault, fault_at
        self.opened = 0

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        self.opened += 1
        heard, ends = 0, 0
        async for item in audio:
            match item:
                case UtteranceStart():
                    heard = 0
                case Heard(pcm):
                    heard += len(pcm)
                case UtteranceEnd(number):
                    if self._fault and ends == self._fault_at:
                        if self._fault == "breaks":
                            raise BROKEN
                        if self._fault == "stalls":
                            await asyncio.sleep(3600)
                        return
                    ends += 1
                    yield Transcript(number, f"{self._name} {heard}", final=True)

    async def close(self) -> None: ...
