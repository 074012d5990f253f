"""What is played where audio is missing: the last good 20 ms again, fading to nothing within 60 ms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FrameFlags, Pcm16

_FADE_FRAMES = 3
_GAINS = (1.0, 0.8, 0.3, 0.0)
"""At the ends of the first, second and third frame that is missing, beginning with the start of the first."""


class Concealer:
    """Memory of up to `rows` calls whose frames are `frame_samples` long."""

    def __init__(self, rows: int, frame_samples: int) -> None:
        self._last = np.zeros((rows, frame_samples), dtype=np.int16)
        self._run = np.zeros(rows, dtype=np.int64)  # frames made up since the last good one
        ramps = [np.linspace(a, b, frame_samples) for a, b in pairwise(_GAINS)]
        self._ramps = np.stack(ramps).astype(np.float32)

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._last[slot] = 0
        self._run[slot] = _FADE_FRAMES

    def fill(
        self,
        slots: NDArray[np.int64],
        pcm: Pcm16,
        there: NDArray[np.bool_],
        silent: NDArray[np.bool_],
    ) -> NDArray[np.uint8]:
        """Complete one frame a row, in place: pcm of shape (n, frame samples); `there` and `silent` of
        shape (n, blocks of the frame). Returns the FrameFlags of each row."""
        flags = np.zeros(len(slots), dtype=np.uint8)
        good = there.all(axis=1)
        if good.all():
            self._last[slots] = pcm
            self._run[slots] = 0
            return flags
        self._last[slots[good]] = pcm[good]
        self._run[slots[good]] = 0

        gap = np.flatnonzero(~good)
        rows, run = slots[gap], self._run[slots[gap]]
        lost = ~there[gap] & ~silent[gap] & (run < _FADE_FRAMES)[:, None]
        ramp = self._ramps[np.minimum(run, _FADE_FRAMES - 1)]
        made_up = (self._last[rows] * ramp).astype(np.int16)
        blocks = pcm[gap].reshape(*there[gap].shape, -1)
        blocks[~there[gap]] = 0
        blocks[lost] = made_up.reshape(blocks.shape)[lost]
        pcm[gap] = blocks.reshape(len(gap), -1)
        self._run[rows] = np.where(silent[gap].any(axis=1), _FADE_FRAMES, np.minimum(run + 1, _FADE_FRAMES))
        nothing = ~there[gap].any(axis=1) & ~lost.any(axis=1)
        flags[gap] = np.where(lost.any(axis=1), FrameFlags.CONCEALED, 0) | np.where(
            nothing, FrameFlags.SILENCE, 0
        )
        return flags
