"""What the load process saw of every packet, in memory it shares with the process that started it."""

from __future__ import annotations

import mmap

import numpy as np

from ari_bridge.cli.bench.frames import MAX_FRAMES
from ari_bridge.media.shared import populate

_COUNTS = np.dtype([("foreign", "i8"), ("refused", "i8")])
_ROOM = 100
"""Packets of a call beyond as many as it sends: the engine begins before and ends after it."""

READ_TOO_LATE = np.inf
"""Stands for the time at which a frame was read that was not played back any more."""


def size(calls: int, frames: int) -> int:
    """Bytes for that many calls and frames of each."""
    return _COUNTS.itemsize + 8 * calls * (3 * frames + frames + _ROOM)


class Ledger:
    """Times are monotonic; NaN is never."""

    def __init__(self, fd: int, calls: int, frames: int) -> None:
        if not 0 < frames < MAX_FRAMES:
            raise ValueError(f"{frames} frames cannot be told from each other")
        self.calls, self.frames = calls, frames
        memory = mmap.mmap(fd, size(calls, frames))
        populate(memory, 0, len(memory))  # not in the middle of what is measured
        self.counts = np.ndarray((1,), _COUNTS, memory)
        at = _COUNTS.itemsize
        self.sent_s = np.ndarray((calls, frames), np.float64, memory, at)
        """When each frame left."""
        at += self.sent_s.nbytes
        self.back_s = np.ndarray((calls, frames), np.float64, memory, at)
        """When the same audio came back."""
        at += self.back_s.nbytes
        self.read_s = np.ndarray((calls, frames), np.float64, memory, at)
        """When its audio could be read in the bridge process."""
        at += self.read_s.nbytes
        self.heard_s = np.ndarray((calls, frames + _ROOM), np.float64, memory, at)
        """When each packet of the engine came, whatever it held, by its place in the engine's sequence."""

    def clear(self) -> None:
        for times in (self.sent_s, self.back_s, self.read_s, self.heard_s):
            times.fill(np.nan)
