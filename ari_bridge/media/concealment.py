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
from ari_bridge.media.pitch import CONTEXT_MS, find_lag

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
        rows = len(line)
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

    def open(self, slot: int) -> None:
        """Make the row new: nothing has been heard."""
        self._torn[slot] = self._paused

    def tear(self, slots: NDArray[np.int64]) -> None:
        """What comes next does not join what was played last."""
        whole = slots[self._torn[slots] == _WHOLE]
        self._torn[whole] = 0

    def lag(self, slots: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """The pitch lag, in samples, of what was played before frame number `frames` of each row."""
        start = frames * self._frame
        return find_lag(self._before(slots, start, samples(CONTEXT_MS, self._rate_hz)), self._rate_hz)

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
        there_all = np.logical_and.reduce(there, axis=1)
        wanting = np.flatnonzero(~there_all | (self._torn[slots] != _WHOLE))
        if not len(wanting):
            return flags
        rows, start = slots[wanting], frames[wanting] * self._frame
        here = there[wanting]
        silent_here = silent[wanting]
        # A pause anywhere ends what was spoken before it.
        paused = (silent_here & ~here).any(axis=1)
        self._torn[rows[paused]] = self._paused
        lost = ~here & ~silent_here & (self._torn[rows] < self._gone)[:, None]
        flags[wanting] = np.where(
            lost.any(axis=1),
            FrameFlags.CONCEALED,
            np.where(here.any(axis=1), FrameFlags.NONE, FrameFlags.SILENCE),
        )
        while len(rows):
            rows, start, here = self._mend_first_gap(rows, start, here)
        return flags

    def _mend_first_gap(
        self, rows: NDArray[np.int64], start: NDArray[np.int64], here: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Fill the first gap of each row's frame and join it to what follows. Returns the rows that have a
        further gap, with only that still missing."""
        block = self._frame // here.shape[1]
        torn = self._torn[rows]
        whole = torn == _WHOLE
        first = np.where(whole, np.argmin(here, axis=1), 0)  # block where the gap begins
        after = np.arange(here.shape[1]) >= first[:, None]
        ends = here & after
        last = np.where(ends.any(axis=1), np.argmax(ends, axis=1), here.shape[1])  # block where it has ended
        torn = np.where(whole, 0, torn)
        gap_start = start + first * block
        new = np.flatnonzero(torn == 0)
        if len(new):
            context = self._before(rows[new], gap_start[new], samples(CONTEXT_MS, self._rate_hz))
            self._lag[rows[new]] = find_lag(context, self._rate_hz)
        made_up = (last - first) * block
        self._write(rows, gap_start, torn, made_up, start + self._frame - gap_start)
        torn = np.where(torn == self._paused, torn, np.minimum(torn + made_up, self._gone))
        self._torn[rows] = np.where(last < here.shape[1], _WHOLE, torn)
        here = here | (np.arange(here.shape[1]) < last[:, None])
        again = np.flatnonzero(~here.all(axis=1))
        return rows[again], start[again], here[again]

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
        ahead = np.arange(int(room.max()))
        place = (gap_start[:, None] + ahead) % self._line.shape[1]
        since = torn[:, None] + ahead
        speech = self._gain(since) * self._periods(rows, gap_start - torn, since)
        y = speech + (1 - self._gain(since)) * self._noise.make(rows, len(ahead))
        gap_ms = (torn + made_up) * 1000 // self._rate_hz
        fade = np.minimum(samples(JOIN_MS, self._rate_hz) * (1 + gap_ms // 10), self._frame)
        fade = np.maximum(np.minimum(fade, room - made_up), 1)
        fade = np.where(torn == self._paused, 0.5, fade)  # speech after a pause begins as it was sent
        share = np.clip((ahead - made_up[:, None] + 0.5) / fade[:, None], 0.0, 1.0)
        good = self._line[rows[:, None], place]
        mixed = np.where(share > 0, y * (1 - share) + good * share, y)
        mixed = np.clip(np.rint(mixed), -_EXTREME, _EXTREME).astype(np.int16)
        within = ahead < room[:, None]
        everything = bool(within.all())
        if everything:
            self._line[rows[:, None], place] = mixed
        else:
            each = np.broadcast_to(rows[:, None], place.shape)
            self._line[each[within], place[within]] = mixed[within]

    def _gain(self, since: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of the repeated speech, so many samples into a gap."""
        flat = samples(FLAT_MS, self._rate_hz)
        return np.clip((self._gone - since) / (self._gone - flat), 0.0, 1.0)

    def _periods(
        self, rows: NDArray[np.int64], end: NDArray[np.int64], since: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What would follow position `end` of each row, `since` samples on, if its last period went on. The
        last quarter of each turn is led over into the sample before the period, which the next follows."""
        lag = self._lag[rows][:, None]
        turn = since % lag
        quarter = np.maximum(lag // 4, 1)
        share = np.clip((turn - (lag - quarter) + 1) / (quarter + 1), 0.0, 1.0)
        at = end[:, None] - lag + turn
        size = self._line.shape[1]
        each = rows[:, None]
        now = self._line[each, at % size]
        before = self._line[each, (at - lag) % size]
        return np.where(at >= lag, now * (1 - share) + before * share, 0.0)

    def _before(self, rows: NDArray[np.int64], end: NDArray[np.int64], count: int) -> NDArray[np.float32]:
        """The `count` samples before position `end` of each row; 0 before the row began."""
        at = end[:, None] - count + np.arange(count)
        wave: NDArray[np.float32] = self._line[rows[:, None], at % self._line.shape[1]].astype(np.float32)
        wave[at < 0] = 0.0
        return wave
