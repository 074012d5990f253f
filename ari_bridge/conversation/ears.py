"""The caller's audio on its way to the recogniser."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from ari_bridge.core.audio import AudioChunk
from ari_bridge.providers.base import Heard, SttInput, UtteranceEnd, UtteranceStart

KEEP_S = 5.0
"""Of the caller's audio, for utterances that are opened after they began."""


class Ears:
    """Keeps the last seconds of what the caller said, and sends what belongs to an open utterance."""

    def __init__(self) -> None:
        self._kept: deque[AudioChunk] = deque()
        self._queue: asyncio.Queue[SttInput] = asyncio.Queue()
        self._open: int | None = None
        self._owed: set[int] = set()
        """Utterances whose transcripts are still to come."""

    def hear(self, chunk: AudioChunk) -> None:
        self._kept.append(chunk)
        while chunk.captured_s - self._kept[0].captured_s > KEEP_S:
            self._kept.popleft()
        if self._open is not None:
            self._queue.put_nowait(Heard(chunk.pcm))

    def open(self, utterance: int, from_s: float) -> None:
        self._open = utterance
        self._owed.add(utterance)
        self._queue.put_nowait(UtteranceStart(utterance))
        for chunk in self._kept:
            begin_s = chunk.captured_s - len(chunk.pcm) / chunk.rate_hz
            skip = max(0, round((from_s - begin_s) * chunk.rate_hz))
            if skip < len(chunk.pcm):
                self._queue.put_nowait(Heard(chunk.pcm[skip:]))

    def close(self, utterance: int) -> None:
        if self._open == utterance:
            self._open = None
            self._queue.put_nowait(UtteranceEnd(utterance))

    def answered(self, utterance: int) -> None:
        self._owed.discard(utterance)

    def restart(self) -> list[int]:
        """For a new recogniser; returns the utterances that the old one took with it."""
        lost = sorted(self._owed)
        self._owed.clear()
        self._open = None
        self._queue = asyncio.Queue()
        return lost

    async def stream(self) -> AsyncGenerator[SttInput, None]:
        queue = self._queue
        while True:
            yield await queue.get()
