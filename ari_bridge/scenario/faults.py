"""Engines that fail where the scenario says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, ToolSpec
from ari_bridge.providers.base import (
    Kind,
    LanguageModel,
    ReplyDelta,
    Speech,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextToSpeech,
    Transcript,
    UtteranceEnd,
    VoiceContext,
)
from ari_bridge.providers.streams import watched
from ari_bridge.scenario.format import Fault, FaultFile

T = TypeVar("T")


def faulty(kind: Kind, name: str, engine: Any, faults: Sequence[FaultFile]) -> Any:
    """`engine` with the faults that are meant for its name."""
    mine = [fault for fault in faults if fault.engine == name]
    if not mine:
        return engine
    return {Kind.STT: FaultyStt, Kind.LLM: FaultyLlm, Kind.TTS: FaultyTts}[kind](engine, mine)


class _Requests:
    def __init__(self, faults: Sequence[FaultFile]) -> None:
        self._faults = faults
        self._count = 0

    def next(self) -> FaultFile | None:
        """What is wrong with the request that begins now."""
        self._count += 1
        for fault in self._faults:
            if fault.request <= self._count <= (fault.until or fault.request):
                return fault
        return None


class FaultyLlm:
    def __init__(self, model: LanguageModel, faults: Sequence[FaultFile]) -> None:
        self._model, self._requests = model, _Requests(faults)

    @property
    def phrases(self) -> tuple[str, ...]:
        return self._model.phrases

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        deltas = _spoilt(self._model.reply(history, tools), self._requests.next())
        async with aclosing(deltas) as stream:
            async for delta in stream:
                yield delta

    async def close(self) -> None:
        await self._model.close()


class FaultyTts:
    def __init__(self, voice: TextToSpeech, faults: Sequence[FaultFile]) -> None:
        self._voice, self._requests = voice, _Requests(faults)

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        pieces = _spoilt(self._voice.speak(sentence, context), self._requests.next())
        async with aclosing(pieces) as stream:
            async for piece in stream:
                yield piece

    async def close(self) -> None:
        await self._voice.close()


class FaultyStt:
    """A request is an utterance: at its end the engine fails."""

    def __init__(self, recogniser: SpeechToText, faults: Sequence[FaultFile]) -> None:
        self._recogniser, self._requests = recogniser, _Requests(faults)

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        spoilt: list[Fault] = []

        async def told() -> AsyncGenerator[SttInput, None]:
            async for item in audio:
                fault = self._requests.next() if isinstance(item, UtteranceEnd) else None
                if fault is None:
                    yield item
                    continue
                spoilt.append(fault.does)
                if fault.does is Fault.STALLS:
                    await asyncio.Event().wait()
                return

        async with aclosing(watched(self._recogniser.transcribe(told(), context))) as transcripts:
            async for transcript in transcripts:
                yield transcript
        if Fault.FAILS in spoilt:
            raise ProviderError("it fails, as the scenario has it", retryable=True)

    async def close(self) -> None:
        await self._recogniser.close()


async def _spoilt(items: AsyncIterator[T], fault: FaultFile | None) -> AsyncGenerator[T, None]:
    count = 0
    async with aclosing(watched(items)) as stream:
        async for item in stream:
            if fault is not None and count == fault.after:
                break
            yield item
            count += 1
        else:
            if fault is None:
                return
    assert fault is not None
    if fault.does is Fault.STALLS:
        await asyncio.Event().wait()
    if fault.does is Fault.FAILS:
        raise ProviderError("it fails, as the scenario has it", retryable=True)
