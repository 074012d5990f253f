"""What leaves for the callers: play()ed audio out of the tx rings, silence where there is none.

All positions are samples of play()ed audio since the row was opened:

      ... sent or flushed past ...│ heard ▶ ... queued audio ... │ queued
                                                                 └ flush_to, when it is asked for

`heard` moves only by samples that are put into packets. A flush is carried out at the row's next tick:
the position is noted, `heard` jumps to `flush_to`, and `flush_done` answers `flush_wanted`.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.shared import SharedRows, tx_capacity

_GAP_FRAMES = 25
"""Audio that goes on within 500 ms of running dry was interrupted, not ended: an underrun."""


class Playout:
    """The tx rings of the rows at one sample rate."""

    def __init__(self, shared: SharedRows, rate_hz: int, frame_samples: int) -> None:
        self._frame = np.arange(frame_samples)
        self._mask = tx_capacity(rate_hz) - 1
        self._ring = shared.tx.reshape(-1)
        self._stride = shared.tx.shape[1]
        self._frames_at = sliding_window_view(self._ring, frame_samples)
        """The frame that begins at each sample, where it does not run over a ring's end."""
        self._heard = shared.media["heard"]
        self._flush_done = shared.media["flush_done"]
        self._flush_heard = shared.media["flush_heard"]
        self._sent = shared.media["sent"]
        self._sent_silence = shared.media["sent_silence"]
        self._underruns = shared.media["underruns"]
        self._queued = shared.bridge["queued"]
        self._flush_wanted = shared.bridge["flush_wanted"]
        self._flush_to = shared.bridge["flush_to"]
        self._paused = shared.bridge["paused"]
        self._dry = np.zeros(shared.rows, dtype=np.int64)  # frames since the ring ran dry

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._dry[slot] = _GAP_FRAMES

    def take(self, slots: NDArray[np.int64]) -> tuple[Pcm16, NDArray[np.intp]]:
        """The next 20 ms of each row. Returns the frames of those that have something to say, shape
        (k, frame samples), and which of the n they are, shape (k,): the others send silence."""
        paused = self._paused[slots] != 0  # before the flush: a flush also ends the pause
        self._flush(slots)
        heard = self._heard[slots]
        frame = len(self._frame)
        count = np.clip(self._queued[slots] - heard, 0, frame)
        count[paused] = 0
        speaking = np.flatnonzero(count)

        self._sent[slots] += 1
        self._sent_silence[slots] += count == 0
        dry = self._dry[slots]
        self._underruns[slots] += (count > 0) & (dry > 0) & (dry < _GAP_FRAMES)
        dry = np.where(count > 0, 0, dry) + ((count < frame) & ~paused)
        self._dry[slots] = np.minimum(dry, _GAP_FRAMES)

        rows, start, count = slots[speaking], heard[speaking], count[speaking]
        pcm = self._frames(rows, start)
        if (count < frame).any():
            pcm[self._frame >= count[:, None]] = 0
        self._heard[rows] = start + count
        return pcm, speaking

    def _frames(self, rows: NDArray[np.int64], start: NDArray[np.int64]) -> Pcm16:
        """The ring from `start` on; what is not queued yet is old."""
        at = start & self._mask
        over = at > self._mask + 1 - len(self._frame)
        if not over.any():
            return self._frames_at[rows * self._stride + at]
        return self._ring[(rows * self._stride)[:, None] + (at[:, None] + self._frame & self._mask)]

    def _flush(self, slots: NDArray[np.int64]) -> None:
        wanted = self._flush_wanted[slots]
        flushing = wanted != self._flush_done[slots]
        if not flushing.any():
            return
        rows = slots[flushing]
        self._flush_heard[rows] = self._heard[rows]
        self._heard[rows] = np.maximum(self._heard[rows], self._flush_to[rows])
        self._flush_done[rows] = wanted[flushing]
        self._dry[rows] = _GAP_FRAMES
