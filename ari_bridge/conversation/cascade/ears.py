"""The caller's audio on its way to the recogniser."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator

import numpy as np

from ari_bridge.core.audio import AudioChunk, Pcm16
from ari_bridge.providers.base import TURN_AUDIO_S, Heard, SttInput, UtteranceEnd, UtteranceStart

KEEP_S = TURN_AUDIO_S
"""Of the caller's audio, for utterances that are opened after they began, and for who judges a pause."""


class Ears:
    """Keeps the last seconds of what the caller said, and sends what belongs to an open utterance."""

    def __init__(self) -> None:
        self._kept: deque[AudioChunk] = deque()
        self._queue: asyncio.Queue[SttInput | None] = asyncio.Queue()
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
        for pcm in self._since(from_s):
            self._queue.put_nowait(Heard(pcm))

    def since(self, from_s: float) -> Pcm16:
        """What was heard from then on, shape (samples,); as far as it is kept."""
        return np.concatenate([np.zeros(0, np.int16), *self._since(from_s)])

    def _since(self, from_s: float) -> Iterator[Pcm16]:
        for chunk in self._kept:
            begin_s = chunk.captured_s - len(chunk.pcm) / chunk.rate_hz
            skip = max(0, round((from_s - begin_s) * chunk.rate_hz))
            if skip < len(chunk.pcm):
                yield chunk.pcm[skip:]

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
        self._queue.put_nowait(None)
        self._queue = asyncio.Queue()
        return lost

    async def stream(self) -> AsyncGenerator[SttInput, None]:
        """For one recogniser: ends when restart() makes room for another."""
        queue = self._queue
        while (item := await queue.get()) is not None:
            yield item
