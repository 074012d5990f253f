"""What is played where audio is missing: the last pitch period again and again, fading into comfort noise.

    good │ made up: flat for 10 ms, gone by 60 ms, comfort noise underneath │ cross-fade │ good

After ITU-T G.711, Appendix I, but without its 3.75 ms of delay, and for all rows at once: the last period
before the gap is repeated, its seams smoothed by an overlap of a quarter period; the good audio after the gap
is faded into while the made-up goes on (4 ms, and 4 more for each 10 ms of gap). The same fade joins what was
cut apart to shorten the delay: a gap of no length.

The frames are completed in the rx ring, where they lie beside all that was played before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, FrameFlags, Pcm16, samples
from ari_bridge.media.comfort import ComfortNoise
from ari_bridge.media.pitch import CONTEXT_MS, LAG_MAX_MS, find_lag

FLAT_MS = 10
GONE_MS = 60
JOIN_MS = 4
"""Length of a cross-fade, and what it grows by for each 10 ms of gap, up to 20 ms."""
_WHOLE = -1
_EXTREME = 32767.0


class Concealer:
    """Memory of up to `rows` calls at `rate_hz`, whose audio lies in `line`, shape (rows, samples), a ring of
    whole frames for each."""

    def __init__(self, line: Pcm16, rate_hz: int, noise: ComfortNoise) -> None:
        rows, self._size = line.shape
        self._line = line
        self._rate_hz = rate_hz
        self._noise = noise
        self._frame = samples(FRAME_MS, rate_hz)
        self._gone = samples(GONE_MS, rate_hz)
        self._paused = self._gone + 1
        self._torn = np.full(rows, _WHOLE, dtype=np.int64)
        """Samples made up since the last good one, up to _gone; _WHOLE where the line ends in good audio, and
        _paused where nothing was there to go on."""
        self._lag = np.ones(rows, dtype=np.int64)
        self._period = np.zeros((rows, samples(LAG_MAX_MS, rate_hz)), dtype=np.float32)
        since = np.arange(self._gone + 1)
        flat = samples(FLAT_MS, rate_hz)
        self._gain = np.clip((self._gone - since) / (self._gone - flat), 0.0, 1.0).astype(np.float32)
        """Of the repeated speech, so many samples into a gap."""

    def open(self, slot: int) -> None:
        """Make the row new: nothing has been heard."""
        self._torn[slot] = self._paused

    def tear(self, slots: NDArray[np.int64]) -> None:
        """What comes next does not join what was played last."""
        whole = slots[self._torn[slots] == _WHOLE]
        self._torn[whole] = 0

    def lag(self, slots: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """The pitch lag, in samples, of what was played before frame number `frames` of each row."""
        return find_lag(self._before(slots, frames * self._frame), self._rate_hz)

    def fill(
        self,
        slots: NDArray[np.int64],
        frames: NDArray[np.int64],
        there: NDArray[np.bool_],
        silent: NDArray[np.bool_],
    ) -> NDArray[np.uint8]:
        """Complete frame number `frames` of each row, in the ring; `there` and `silent`, of shape (n, blocks
        of a frame), tell what of it has come. Returns the FrameFlags of each row."""
        flags = np.zeros(len(slots), dtype=np.uint8)
        if there.all() and not np.count_nonzero(self._torn[slots] != _WHOLE):  # nearly always
            return flags
        complete = np.logical_and.reduce(there, axis=1)
        wanting = np.flatnonzero(~complete | (self._torn[slots] != _WHOLE))
        rows, start = slots[wanting], frames[wanting] * self._frame
        here, silent = there[wanting], silent[wanting]
        self._torn[rows[(silent & ~here).any(axis=1)]] = self._paused  # a pause ends what was before it
        torn = self._torn[rows]
        lost = ~complete[wanting] & (torn < self._gone)
        nothing = ~here.any(axis=1)
        flags[wanting] = np.where(
            lost, FrameFlags.CONCEALED, np.where(nothing, FrameFlags.SILENCE, FrameFlags.NONE)
        )
        dead = nothing & (torn >= self._gone)
        if dead.any():
            self._write_noise(rows[dead], start[dead])
            rows, start, here = rows[~dead], start[~dead], here[~dead]
        while len(rows):
            rows, start, here = self._mend_first_gap(rows, start, here)
        return flags

    def _write_noise(self, rows: NDArray[np.int64], start: NDArray[np.int64]) -> None:
        """A whole frame of it."""
        frames = self._line.reshape(len(self._line), -1, self._frame)
        frames[rows, start % self._size // self._frame] = self._noise.make(rows, self._frame).astype(np.int16)

    def _mend_first_gap(
        self, rows: NDArray[np.int64], start: NDArray[np.int64], here: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Fill the first gap of each row's frame and join it to what follows. Returns the rows that have a
        further gap, with only that still missing."""
        blocks = here.shape[1]
        block = self._frame // blocks
        torn = self._torn[rows]
        whole = torn == _WHOLE
        begins = np.where(whole, np.argmin(here, axis=1), 0)  # block where the gap begins
        good_after = here & (np.arange(blocks) >= begins[:, None])
        joined = good_after.any(axis=1)
        ends = np.where(joined, np.argmax(good_after, axis=1), blocks)  # block where it has ended
        torn = np.where(whole, 0, torn)
        gap_start = start + begins * block
        new = torn == 0
        if new.any():
            self._learn_period(rows[new], gap_start[new])
        made_up = (ends - begins) * block
        self._write(rows, gap_start, torn, made_up, (blocks - begins) * block)
        torn = np.where(torn == self._paused, torn, np.minimum(torn + made_up, self._gone))
        self._torn[rows] = np.where(joined, _WHOLE, torn)
        here = here | (np.arange(blocks) < ends[:, None])
        again = ~np.logical_and.reduce(here, axis=1)
        return rows[again], start[again], here[again]

    def _learn_period(self, rows: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """The last pitch period before position `end` of each row, fit to be repeated: its last quarter is
        led over into the one before it, which its beginning follows."""
        context = self._before(rows, end)
        lag = find_lag(context, self._rate_hz)
        turn = np.arange(self._period.shape[1])
        at = context.shape[1] - lag[:, None] + np.minimum(turn, lag[:, None] - 1)
        each = np.arange(len(rows))[:, None]
        quarter = np.maximum(lag // 4, 1)[:, None]
        share = np.clip((turn - (lag[:, None] - quarter) + 1) / (quarter + 1), 0.0, 1.0)
        last = context[each, at]
        self._period[rows] = last + (context[each, at - lag[:, None]] - last) * share
        self._lag[rows] = lag

    def _write(
        self,
        rows: NDArray[np.int64],
        gap_start: NDArray[np.int64],
        torn: NDArray[np.int64],
        made_up: NDArray[np.int64],
        room: NDArray[np.int64],
    ) -> None:
        """`made_up` samples from position `gap_start` on, then a cross-fade, within `room` samples; `torn`
        samples of the gap are before."""
        ahead = np.arange(int(room.max()), dtype=np.int32)
        each = rows[:, None]
        since = np.minimum(torn[:, None] + ahead, self._gone).astype(np.int32)
        gain = self._gain[since]
        wave = self._period[each, since % self._lag[rows, None].astype(np.int32)]
        noise = self._noise.make(rows, len(ahead))
        wave = noise + gain * (wave - noise)
        place = np.minimum((gap_start % self._size)[:, None] + ahead, self._size - 1)
        good = self._line[each, place]
        share = (ahead - made_up[:, None] + np.float32(0.5)) / self._fade(torn, made_up, room)[:, None]
        wave += (good - wave) * np.minimum(np.maximum(share, 0.0), 1.0)
        mended = np.rint(np.minimum(np.maximum(wave, -_EXTREME), _EXTREME)).astype(np.int16)
        if (room == room[0]).all():
            self._line[each, place] = mended
        else:
            inside = ahead < room[:, None]
            self._line[np.broadcast_to(each, place.shape)[inside], place[inside]] = mended[inside]

    def _fade(
        self, torn: NDArray[np.int64], made_up: NDArray[np.int64], room: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """How many samples the cross-fades take. Speech after a pause begins as it was sent."""
        step = samples(JOIN_MS, self._rate_hz)
        fade = step + step * (torn + made_up) // samples(10, self._rate_hz)
        fade = np.maximum(np.minimum(np.minimum(fade, self._frame), room - made_up), 1)
        return np.where(torn == self._paused, 0.5, fade).astype(np.float32)

    def _before(self, rows: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float32]:
        """What find_lag() looks at: the samples before position `end` of each row; 0 before it began."""
        count = samples(CONTEXT_MS, self._rate_hz)
        at = end[:, None] - count + np.arange(count)
        wave: NDArray[np.float32] = self._line[rows[:, None], at % self._size].astype(np.float32)
        if (end < count).any():
            wave[at < 0] = 0.0
        return wave
