"""Sequence numbers of many streams: what is new, a repeat or missing (RFC 3550, appendix A.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WINDOW = 64
_MAX_STEP = 3000
"""A greater step forward, or one back by more than the window, is a sender that counts anew."""


class SequenceWindow:
    """For each row the highest number seen and a bit for each of the 64 up to it."""

    def __init__(self, rows: int) -> None:
        self._highest = np.zeros(rows, dtype=np.uint16)
        self._seen = np.zeros(rows, dtype=np.uint64)

    def start(self, slots: NDArray[np.int64], sequence: NDArray[np.uint16]) -> None:
        """Streams that begin with these numbers (which are still to come)."""
        self._highest[slots] = sequence - np.uint16(1)
        self._seen[slots] = ~np.uint64(0)  # what came before the first is not missing

    def is_next(self, slots: NDArray[np.int64], sequence: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Whether each row's packet is simply the next."""
        following: NDArray[np.bool_] = sequence - self._highest[slots] == 1
        return following

    def append(self, slots: NDArray[np.int64], sequence: NDArray[np.uint16]) -> None:
        """Take in one packet a row, each the next: advance() in short."""
        self._highest[slots] = sequence
        self._seen[slots] = self._seen[slots] << np.uint64(1) | np.uint64(1)

    def advance(
        self, slots: NDArray[np.int64], sequence: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Take in one packet a row. Returns for each the step from the highest number so far, whether
        it is a repeat, and the change in the number of missing packets."""
        step = (sequence - self._highest[slots]).view(np.int16).astype(np.int64)
        anew = (step > _MAX_STEP) | (step <= -_WINDOW)
        if anew.any():
            self.start(slots[anew], sequence[anew])
            step[anew] = 1
        seen = self._seen[slots]
        ahead = step > 0
        back = np.where(ahead, 0, -step).astype(np.uint64)
        bit = np.uint64(1) << back
        repeated = ~ahead & (seen & bit != 0)

        shift = np.minimum(np.where(ahead, step, 0), _WINDOW - 1).astype(np.uint64)
        moved = np.where(step >= _WINDOW, np.uint64(0), seen << shift) | np.uint64(1)
        self._seen[slots] = np.where(ahead, moved, seen | bit)
        self._highest[slots] = np.where(ahead, sequence, self._highest[slots])
        missing = np.where(ahead, step - 1, np.where(repeated, 0, -1))
        return step, repeated, missing
