"""How much of what comes from the caller is the caller: echo canceller and echo reference together.

    sent ─────┬─▶ EchoReference: levels of the echo, and its delay
              └─▶ EchoCanceller, told the delay ─▶ what is left of what was received
    received, what is left, echo ─▶ share of the power that is the caller's

Each has a say, for each fails where the other does not. The reference compares levels: it is sure of itself
after a second and does not mind a path that changes, but it cannot hear a caller who is softer than the echo.
The canceller compares waveforms and leaves 10 to 25 dB less of the echo, so that softer callers stand out;
but clocks that drift, a jitter buffer that jumps and loudspeakers that rattle throw it off.

What is left is held against what of the echo may still be in it (residual.py).

Two delays are followed. The echo's own is found by the reference, and kept by the canceller until another has
stood out for a while. Our jitter buffer's is no riddle: the media process tells when it moves its play head,
and both go along at once, nothing being learnt anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.media.analysis.bands import BandLevels, Levels, power_of
from ari_bridge.media.analysis.canceller import FRAME, PARTITIONS, RATE_HZ, EchoCanceller, Wave
from ari_bridge.media.analysis.echo import DELAYS, EchoReference
from ari_bridge.media.analysis.residual import TRUSTED_SHARE, Residual
from ari_bridge.media.rows import Slots

OVERESTIMATE_DB = np.float32(5.0)
"""Echo is taken for so much louder than predicted, for levels of single frames vary."""
_LOOK_EVERY = 3
"""Frames from one look for the delay to the next."""
_STEADY_LOOKS = 2
"""After so many more another delay that stands out is believed."""
_KEPT_FRAMES = 32
"""Of what was sent: more than the longest delay and the filter behind it."""


class EchoControl:
    """Of up to `rows` calls. Slots are row numbers, shape (n,), each at most once."""

    def __init__(self, rows: int) -> None:
        self._reference = EchoReference(rows)
        self._canceller = EchoCanceller(rows)
        self._levels = BandLevels(RATE_HZ)
        self._sent = np.zeros((rows, _KEPT_FRAMES * FRAME), dtype=np.float32)
        self._end = np.zeros(rows, dtype=np.int64)
        """Samples that were ever put into `_sent`."""
        self._sent_before = np.zeros((rows, FRAME), dtype=np.float32)
        self._received = np.zeros((rows, FRAME), dtype=np.int16)
        self._left = np.zeros((rows, FRAME), dtype=np.float32)
        """Of the frame before."""
        self._lag = np.full(rows, -1, dtype=np.int64)
        """The canceller's bulk delay in samples; -1 where it is not used."""
        self._moved = np.zeros(rows, dtype=np.int64)
        self._other_delay = np.full(rows, -1, dtype=np.int64)
        self._other_looks = np.zeros(rows, dtype=np.int64)
        """For how many looks it has stood out."""
        self._residual = Residual(rows)
        self._turn = 0

    def reset(self, slots: Slots, moved: NDArray[np.int64]) -> None:
        """Another call: nothing is known. `moved` as in near_share()."""
        self._reference.reset(slots)
        self._moved[slots] = moved
        self._start(slots, np.full(len(slots), -1))
        self.forget_sent(slots)

    def forget_sent(self, slots: Slots) -> None:
        """We were silent for as long as echoes take, or frames were left out."""
        self._reference.forget_sent(slots)
        self._canceller.forget_sent(slots)
        self._sent[slots] = 0
        self._sent_before[slots] = 0
        self._received[slots] = 0
        self._left[slots] = 0

    def near_share(
        self, slots: Slots, sent: Wave, received: NDArray[np.int16], moved: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """How much of each row's received power is not our echo, 0 to 1, shape (n,); 0 where that cannot be
        told from none. Frames of shape (n, FRAME), sent and received at the same tick; `moved`, shape (n,):
        by how many samples what is received has been moved ahead in all."""
        self._follow(slots, moved)
        sent_before = self._sent_before[slots]
        self._sent_before[slots] = sent
        self._sent[slots[:, None], (self._end[slots, None] + _FRAME) % self._sent.shape[1]] = sent
        self._end[slots] += FRAME
        received_db = self._levels(self._received[slots], received)
        self._received[slots] = received
        echo_db = self._reference.predict(slots, self._levels(sent_before, sent), received_db)
        power, echo = power_of(received_db), power_of(echo_db + OVERESTIMATE_DB)
        total = power.sum(axis=1)
        share: NDArray[np.float32] = np.maximum(power - echo, 0).sum(axis=1) / total
        share[share < TRUSTED_SHARE] = 0
        self._turn += 1
        if self._turn % _LOOK_EVERY == 0:
            self._find_delay(slots)
        cancels = self._lag[slots] >= 0
        if cancels.any():
            chosen = slots[cancels]
            left_db, missed_db = self._cancel(chosen, received[cancels])
            left = self._residual.near_power(chosen, left_db, missed_db, echo_db[cancels])
            share[cancels] = np.maximum(share[cancels], np.minimum(left / total[cancels], 1))
        return share

    def _past(self, slots: Slots, lag: NDArray[np.int64], length: int) -> Wave:
        """What was sent up to `lag` samples ago, shape (n,) or (n, m): of shape (..., length)."""
        end = self._end[slots].reshape(-1, *(1,) * (lag.ndim - 1)) - lag
        at = (end[..., None] + np.arange(-length, 0)) % self._sent.shape[1]
        past: Wave = self._sent[slots.reshape(-1, *(1,) * lag.ndim), at]
        return past

    def _follow(self, slots: Slots, moved: NDArray[np.int64]) -> None:
        """Our own jitter buffer has changed its delay, and the echo's with it."""
        before = self._moved[slots]
        other = moved != before
        if not other.any():
            return
        slots, before, moved = slots[other], before[other], moved[other]
        self._moved[slots] = moved
        self._reference.shift(
            slots, np.rint(moved / FRAME).astype(np.int64) - np.rint(before / FRAME).astype(np.int64)
        )
        cancels = self._lag[slots] >= 0
        slots = slots[cancels]
        lag = self._lag[slots] - (moved - before)[cancels]
        out_of_reach = (lag < 0) | (lag >= DELAYS * FRAME)
        self._start(slots[out_of_reach], np.full(np.count_nonzero(out_of_reach), -1))
        slots, lag = slots[~out_of_reach], lag[~out_of_reach]
        if len(slots):
            self._lag[slots] = lag
            self._canceller.line_up(
                slots, self._past(slots, lag[:, None] + np.arange(PARTITIONS) * FRAME, 2 * FRAME)
            )

    def _find_delay(self, slots: Slots) -> None:
        delay = self._reference.delay(slots)
        behind = delay * FRAME - self._lag[slots]
        off = (delay >= 0) & ((self._lag[slots] < 0) | (behind < 0) | (behind >= (PARTITIONS - 2) * FRAME))
        again = off & (np.abs(delay - self._other_delay[slots]) <= 1)
        looks = np.where(again, self._other_looks[slots] + 1, 0)
        self._other_delay[slots] = delay
        self._other_looks[slots] = looks
        found = looks >= _STEADY_LOOKS
        if found.any():
            self._start(slots[found], np.maximum(delay[found] - 1, 0) * FRAME)

    def _start(self, slots: Slots, lag: NDArray[np.int64]) -> None:
        """Begin to cancel with that bulk delay; with none where it is -1."""
        self._canceller.reset(slots)
        self._lag[slots] = lag
        self._residual.reset(slots)

    def _cancel(self, slots: Slots, received: NDArray[np.int16]) -> tuple[Levels, Levels]:
        """Levels of what is left, and of the echo that the canceller expects in it."""
        echo, missed = self._canceller.cancel(
            slots, self._past(slots, self._lag[slots], 2 * FRAME), received.astype(np.float32)
        )
        self._residual.look_for(slots, echo, received)
        self._canceller.doubt(slots[self._residual.lost(slots)])
        left = received - echo
        levels = self._levels(self._left[slots], left)
        self._left[slots] = left
        return levels, self._levels.pooled(missed)


_FRAME = np.arange(FRAME)
