"""A filler's audio, word by word, so that it can be broken off when what it fills in for is there.

the answer is there before its first word     it is not said at all
and at most FINISHED_S of it are left         it is said to its end, while the answer's audio is made
and more is left                              it ends after the word that is being said
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np

from ari_bridge.core.audio import samples
from ari_bridge.providers.base import Speech, WordTime

FINISHED_S = 1.0
"""Breaking off so little would sound worse than it helps."""


class FillerAudio:
    def __init__(self, pieces: Sequence[Speech], rate_hz: int) -> None:
        """`pieces`: all of it. Where the engine tells no word times, there is nowhere to break it off."""
        self._pcm = np.concatenate([np.zeros(0, np.int16), *(piece.pcm for piece in pieces)])
        self._words = tuple(chain.from_iterable(piece.words for piece in pieces))
        self._finished = samples(FINISHED_S * 1000, rate_hz)
        ends = {word.end_sample for word in self._words if 0 < word.end_sample < len(self._pcm)}
        self._cuts = list(pairwise(sorted({0, *ends, len(self._pcm)})))

    def next(self, *, is_wanted_no_more: bool) -> Speech | None:
        """The next word, or all the rest; None when nothing more is to be said."""
        if not self._cuts:
            return None
        begin, end = self._cuts[0]
        if is_wanted_no_more:
            if begin == 0 or len(self._pcm) - begin > self._finished:
                return None
            end = len(self._pcm)
        self._cuts = [cut for cut in self._cuts if cut[0] >= end]
        return Speech(self._pcm[begin:end], self._within(begin, end))

    def _within(self, begin: int, end: int) -> tuple[WordTime, ...]:
        return tuple(word for word in self._words if begin < word.end_sample <= end)
