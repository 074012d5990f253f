"""Leads each row's delay to its target, where it is heard least.

    delay is …                          while nobody speaks            while somebody speaks
    shorter than the target             insert noise, 20 ms a frame    from 10 ms on: insert a pitch period
    longer by less than SLACK_S         -                              -
    longer                              drop, 10 ms a frame            from 40 ms on: cut out a pitch period

Whether somebody speaks is judged by the last 60 ms that were played. In speech, what is inserted or cut out
is as nearly a whole number of pitch periods as the ring's blocks of 2.5 ms allow, and the ends are
cross-faded (concealment.py), at most once in SPEECH_EVERY frames. A clock that drifts is followed by the same
steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Codec, Coders
from ari_bridge.media.comfort import ComfortNoise
from ari_bridge.media.concealment import Concealer
from ari_bridge.media.jitter import JitterBuffer
from ari_bridge.media.ring import BLOCK_S, BLOCKS_A_SECOND

SLACK_S = 0.005
SPEECH_SHORTER_S = 0.010
SPEECH_LONGER_S = 0.040
SPEECH_EVERY = 5
_QUIET_FRAMES = 3
_INSERT_BLOCKS, _DROP_BLOCKS, _SPEECH_BLOCKS = 8, 4, 12


class Stretch:
    """The rows of one codec; `line` holds what they have played, shape (rows, frames of a ring, samples)."""

    def __init__(
        self,
        codec: Codec,
        line: Pcm16,
        jitter: JitterBuffer,
        concealer: Concealer,
        noise: ComfortNoise,
        coders: Coders,
    ) -> None:
        self._codec = codec
        self._line = line
        self._jitter = jitter
        self._concealer = concealer
        self._noise = noise
        self._coders = coders
        self._off = np.zeros(len(line), dtype=np.bool_)  # rows whose delay is to be changed
        self._far = np.zeros(len(line), dtype=np.bool_)  # by so much that it is changed in speech, too
        self._quiet_from = np.zeros(len(line), dtype=np.int64)
        """The first frame before which each row can have been quiet for long enough, by what was heard."""

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._off[slot] = self._far[slot] = False
        self._quiet_from[slot] = 0

    def review(self, slots: NDArray[np.int64]) -> None:
        """See which rows' delay has left its target. To be called when the targets are new."""
        error_s = self._jitter.delay.error_s(slots)
        self._off[slots] = (error_s <= -BLOCK_S) | (error_s >= SLACK_S)
        self._far[slots] = (error_s <= -SPEECH_SHORTER_S) | (error_s >= SPEECH_LONGER_S)

    def steer(self, slots: NDArray[np.int64], frames: NDArray[np.int64]) -> None:
        """Before frame number `frames` of each row is taken: move the play heads that are to be moved."""
        off = self._off[slots]
        if not np.count_nonzero(off):
            return
        off &= (frames >= self._quiet_from[slots]) | (self._far[slots] & (frames % SPEECH_EVERY == 0))
        rows, frames = slots[off], frames[off]
        if not len(rows):
            return
        error_s = self._jitter.delay.error_s(rows)
        there_yet = np.abs(error_s) < BLOCK_S
        self._off[rows[there_yet]] = False
        quiet = self._quiet(rows, frames)
        in_speech = (error_s >= SPEECH_LONGER_S) | (error_s <= -SPEECH_SHORTER_S)
        in_speech &= ~quiet & (frames % SPEECH_EVERY == 0) & (frames >= _QUIET_FRAMES)
        for i in np.flatnonzero(quiet & ~there_yet).tolist():
            self._change(int(rows[i]), self._quiet_blocks(float(error_s[i])), quiet=True)
        speaking = np.flatnonzero(in_speech)
        if len(speaking):
            lags_s = self._concealer.lag(rows[speaking], frames[speaking]) / self._codec.rate_hz
            for i, lag_s in zip(speaking.tolist(), lags_s.tolist(), strict=True):
                blocks = _whole_periods(lag_s, abs(float(error_s[i])))
                self._change(int(rows[i]), blocks if error_s[i] > 0 else -blocks, quiet=False)

    def _quiet(self, rows: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether nobody spoke in the last frames of each row. Where somebody speaks, the newest one nearly
        always shows it."""
        quiet = frames >= _QUIET_FRAMES
        for ago in range(1, 1 + _QUIET_FRAMES):
            still = np.flatnonzero(quiet)
            if not len(still):
                break
            place = (frames[still] - ago) % self._line.shape[1]
            quiet[still] = self._noise.quiet(rows[still], self._line[rows[still], place])
            loud = still[~quiet[still]]
            self._quiet_from[rows[loud]] = frames[loud] - ago + 1 + _QUIET_FRAMES
        return quiet

    @staticmethod
    def _quiet_blocks(error_s: float) -> int:
        """To drop, or when negative to insert."""
        blocks = error_s * BLOCKS_A_SECOND
        return min(int(blocks), _DROP_BLOCKS) if blocks > 0 else max(round(blocks - 0.5), -_INSERT_BLOCKS)

    def _change(self, slot: int, blocks: int, *, quiet: bool) -> None:
        if blocks < 0:
            self._jitter.wait(slot, -blocks, pause=quiet)
        elif blocks > 0:
            payload, there = self._jitter.drop(slot, blocks)
            rows = np.array([slot])
            if self._codec.memory is not None:  # its decoder must hear all of the stream
                self._coders.decode(rows, payload[None, :], there[None, :])
            self._concealer.tear(rows)


def _whole_periods(lag_s: float, at_most_s: float) -> int:
    """How many blocks, up to `at_most_s`, come nearest to whole pitch periods; 0 when none do."""
    most = min(_SPEECH_BLOCKS, int(at_most_s * BLOCKS_A_SECOND + 1e-6))
    blocks = np.arange(1, most + 1)
    periods = blocks * BLOCK_S / lag_s
    off = np.abs(periods - np.maximum(np.rint(periods), 1))
    return int(blocks[np.argmin(off)]) if most and off.min() < 0.2 else 0
