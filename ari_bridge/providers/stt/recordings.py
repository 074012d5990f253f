"""Speech to text one recording a time: for vendors that take a whole utterance in one HTTP request.

The request begins when the caller has stopped. One that is longer than the vendor takes goes in pieces, each
as soon as it is full. Transcripts come in the order of the utterances, whichever request is answered first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import (
    Heard,
    SpeechContext,
    SttInput,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.providers.stt.streaming.dialect import Words, joined


class RecordingVendor(Protocol):
    """One vendor's requests."""

    name: str
    longest_s: float

    async def recognize(self, pcm: Pcm16, context: SpeechContext) -> Words:
        """The words of a recording of at most `longest_s`; counts what it cost. Raises ProviderError."""
        ...

    async def warm(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Recording:
    utterance: int
    pieces: list[Pcm16] = field(default_factory=list)
    length: int = 0
    requests: list[asyncio.Task[Words]] = field(default_factory=list)


class RecordingsToText:
    def __init__(self, vendor: RecordingVendor, final_s: float) -> None:
        """`final_s`: how long after an utterance's end its final transcript may take."""
        self._vendor, self._final_s = vendor, final_s

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        """Raises ProviderError."""
        call = _Call(self._vendor, context, self._final_s)
        hearing = asyncio.create_task(call.hear(audio), name=f"{self._vendor.name} audio")
        warming = asyncio.create_task(self._vendor.warm(), name=f"{self._vendor.name} connection")
        try:
            while (ended := await call.ended.get()) is not None:
                yield await call.transcript(*ended)
            await hearing
        finally:
            await _stop(hearing, warming, *call.requests)

    async def close(self) -> None:
        await self._vendor.close()


class _Call:
    def __init__(self, vendor: RecordingVendor, context: SpeechContext, final_s: float) -> None:
        self._vendor, self._context, self._final_s = vendor, context, final_s
        self._longest = round(vendor.longest_s * context.rate_hz)
        self.ended: asyncio.Queue[tuple[_Recording, float] | None] = asyncio.Queue()
        """With the time at which each has to be answered."""
        self.requests: set[asyncio.Task[Words]] = set()

    async def hear(self, audio: AsyncIterator[SttInput]) -> None:
        recording: _Recording | None = None
        try:
            async for item in audio:
                match item:
                    case UtteranceStart(utterance):
                        recording = _Recording(utterance)
                    case Heard(pcm) if recording is not None:
                        recording.pieces.append(pcm)
                        recording.length += len(pcm)
                        if recording.length >= self._longest:
                            self._request(recording)
                    case UtteranceEnd(utterance):
                        recording = recording or _Recording(utterance)
                        self._request(recording)
                        due_s = asyncio.get_running_loop().time() + self._final_s
                        self.ended.put_nowait((recording, due_s))
                        recording = None
        finally:
            self.ended.put_nowait(None)

    async def transcript(self, recording: _Recording, due_s: float) -> Transcript:
        """Raises ProviderError."""
        try:
            async with asyncio.timeout_at(due_s):
                words = [await request for request in recording.requests]
        except TimeoutError:
            text = f"{self._vendor.name}: no transcript {self._final_s:g} s after the utterance"
            raise ProviderError(text, retryable=True) from None
        sure = [word.confidence for word in words if word.confidence is not None and word.text]
        return Transcript(
            recording.utterance,
            joined(word.text for word in words),
            final=True,
            confidence=min(sure, default=None),
        )

    def _request(self, recording: _Recording) -> None:
        if not recording.length:
            return
        pcm = np.concatenate(recording.pieces)
        recording.pieces, recording.length = [], 0
        request = asyncio.create_task(
            self._vendor.recognize(pcm, self._context), name=f"{self._vendor.name} request"
        )
        self.requests.add(request)
        recording.requests.append(request)
        request.add_done_callback(self._done)

    def _done(self, request: asyncio.Task[Words]) -> None:
        self.requests.discard(request)
        if not request.cancelled():
            request.exception()  # it is told to who waits for the transcript


async def _stop(*tasks: asyncio.Task[None] | asyncio.Task[Words]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
