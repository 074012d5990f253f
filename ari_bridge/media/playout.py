"""What leaves for the callers: play()ed audio out of the tx rings, silence where there is none.

All positions are samples of play()ed audio since the row was opened:

      ... sent or flushed past ...│ heard ▶ ... queued audio ... │ queued
                                                                 └ flush_to, when it is asked for

`heard` moves only by samples that are put into packets. A flush is carried out at the row's next tick:
the position is noted, `heard` jumps to `flush_to`, and `flush_done` answers `flush_wanted`.

Audio that is broken off in the middle would click. So a pause and a flush let the next 5 ms leave, fading
out, and these count as heard; what is played after a flush begins over them. A resume fades in. What ends by
itself, for want of more, ends as it was played.

Where audio begins after silence is its *onset*: the position, and when that packet left. From it follows when
every later sample of it has left, since it leaves at its own pace.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.media.items import sliding_items
from ari_bridge.media.shared import NO_ONSET, RX_FRAMES, SharedRows, tx_capacity

FADE_MS = 5
_GAP_FRAMES = 25
"""Audio that goes on within 500 ms of running dry was interrupted, not ended: an underrun."""


def fade_out(count: int) -> NDArray[np.float32]:
    """Gains that fall from almost one to almost none along half a cosine, shape (count,)."""
    ramp: NDArray[np.float32] = (0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / (count + 1))).astype(
        np.float32
    )
    return ramp


class Playout:
    """The tx rings of the rows at one sample rate."""

    def __init__(self, shared: SharedRows, rate_hz: int, frame_samples: int) -> None:
        self._frame = np.arange(frame_samples)
        self._fade_out = fade_out(samples(FADE_MS, rate_hz))
        self._mask = tx_capacity(rate_hz) - 1
        self._ring = shared.tx.reshape(-1)
        self._stride = shared.tx.shape[1]
        self._frames_at = sliding_items(self._ring, frame_samples)
        """The frame that begins at each sample, where it does not run over a ring's end."""
        self._last_whole = self._mask + 1 - frame_samples
        self._heard = shared.media["heard"]
        self._flush_done = shared.media["flush_done"]
        self._flush_heard = shared.media["flush_heard"]
        self._onset = shared.media["onset"]
        self._onset_s = shared.media["onset_s"]
        self._beginning: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        """Rows whose audio begins in the frame last taken, and where."""
        self._sent = shared.media["sent"]
        self._heard_at = shared.tx_heard
        self._sent_silence = shared.media["sent_silence"]
        self._underruns = shared.media["underruns"]
        self._queued = shared.bridge["queued"]
        self._flush_wanted = shared.bridge["flush_wanted"]
        self._flush_to = shared.bridge["flush_to"]
        self._paused = shared.bridge["paused"]
        self._gain_db = shared.bridge["gain_db"]
        self._dry = np.zeros(shared.rows, dtype=np.int64)  # frames since the ring ran dry
        self._sounding = np.zeros(shared.rows, dtype=np.bool_)  # the last frame was full
        self._held = np.zeros(shared.rows, dtype=np.bool_)  # by a pause, in the middle of audio
        self._gain_before_db = np.zeros(shared.rows, dtype=np.float64)  # at the end of the last frame

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._dry[slot] = _GAP_FRAMES
        self._sounding[slot] = False
        self._held[slot] = False
        self._gain_before_db[slot] = self._gain_db[slot]

    def take(self, slots: NDArray[np.int64]) -> tuple[Pcm16, NDArray[np.intp]]:
        """The next 20 ms of each row. Returns the frames of those that have something to say, shape
        (k, frame samples), and which of the n they are, shape (k,): the others send silence."""
        paused = self._paused[slots] != 0  # before the flush: a flush also ends the pause
        flushing = self._flush_wanted[slots] != self._flush_done[slots]
        broken, tails = paused, None
        if np.count_nonzero(paused) or np.count_nonzero(flushing):  # else nothing is broken off
            broken = self._sounding[slots] & (paused | flushing)
            tails = self._break_off(slots, broken, flushing)
        if np.count_nonzero(flushing):
            self._flush(slots[flushing])

        heard = self._heard[slots]
        frame = len(self._frame)
        count = np.minimum(np.maximum(self._queued[slots] - heard, 0), frame)
        if np.count_nonzero(paused):
            count[paused] = 0
        full = count == frame
        says = count > 0 if tails is None else (count > 0) | broken
        sent = self._count(slots, count, full, paused, says)

        speaking = np.flatnonzero(says)
        rows, start, count, full = slots[speaking], heard[speaking], count[speaking], full[speaking]
        pcm = self._samples(rows, start, frame)
        if np.count_nonzero(full) < len(full):
            pcm[self._frame >= count[:, None]] = 0
        begins = (count > 0) & (flushing[speaking] | ~self._sounding[rows])
        self._beginning = (rows[begins], start[begins]) if np.count_nonzero(begins) else None
        if self._beginning is not None:
            self._onset[self._beginning[0]] = NO_ONSET  # until the packet has left, nobody is told an old one
        self._heard[rows] = start + count
        if tails is not None:
            first = pcm[broken[speaking], : tails.shape[1]]
            pcm[broken[speaking], : tails.shape[1]] = _pcm16(first + tails)
        self._smooth(slots, rows, pcm, paused)
        self._sounding[slots] = False
        self._sounding[rows] = full
        self._heard_at[slots, sent % RX_FRAMES] = self._heard[slots]
        return pcm, speaking

    def left(self, now: float) -> None:
        """The frames last taken have left, at that time."""
        if self._beginning is not None:
            rows, start = self._beginning
            self._onset_s[rows] = now
            self._onset[rows] = start

    def _samples(self, rows: NDArray[np.int64], start: NDArray[np.int64], count: int) -> Pcm16:
        """`count` samples of each row's ring, shape (k, count)."""
        at = start & self._mask
        base = rows * self._stride
        around = np.flatnonzero(at > self._last_whole)  # of many rows, a few are always at their ring's end
        index = base + at
        if len(around):
            index[around] = 0
        pcm: Pcm16 = self._frames_at[index].view(np.int16).reshape(-1, len(self._frame))[:, :count]
        if len(around):
            pcm[around] = self._ring[
                base[around, None] + (at[around, None] + self._frame[:count] & self._mask)
            ]
        return pcm

    def _break_off(
        self, slots: NDArray[np.int64], broken: NDArray[np.bool_], flushing: NDArray[np.bool_]
    ) -> NDArray[np.float32] | None:
        """Fade out the rows whose audio stops here: their next 5 ms, shape (k, samples); None for no rows."""
        if not np.count_nonzero(broken):
            return None
        rows = slots[broken]
        start = self._heard[rows]
        fade = len(self._fade_out)
        end = np.where(flushing[broken], self._flush_to[rows], self._queued[rows])
        count = np.clip(end - start, 0, fade)
        tails = self._samples(rows, start, fade) * self._fade_out
        tails[self._frame[:fade] >= count[:, None]] = 0
        self._heard[rows] = start + count
        return tails

    def _flush(self, rows: NDArray[np.int64]) -> None:
        wanted = self._flush_wanted[rows]
        self._flush_heard[rows] = self._heard[rows]
        self._heard[rows] = np.maximum(self._heard[rows], self._flush_to[rows])
        self._flush_done[rows] = wanted
        self._dry[rows] = _GAP_FRAMES
        self._held[rows] = False

    def _count(
        self,
        slots: NDArray[np.int64],
        count: NDArray[np.int64],
        full: NDArray[np.bool_],
        paused: NDArray[np.bool_],
        says: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Count a packet of each row. Returns how many were before it."""
        sent: NDArray[np.int64] = self._sent[slots]
        self._sent[slots] = sent + 1
        dry = self._dry[slots]
        if np.count_nonzero(full) == len(full) and not np.count_nonzero(dry):
            return sent
        self._sent_silence[slots] += ~says
        self._underruns[slots] += (count > 0) & (dry > 0) & (dry < _GAP_FRAMES)
        dry = np.where(count > 0, 0, dry) + (~full & ~paused)
        self._dry[slots] = np.minimum(dry, _GAP_FRAMES)
        return sent

    def _smooth(
        self, slots: NDArray[np.int64], rows: NDArray[np.int64], pcm: Pcm16, paused: NDArray[np.bool_]
    ) -> None:
        """Fade in after a pause, and bring the gain from where it was to where it is wanted, within the
        frame; in place. `rows` are those of the `slots` that `pcm` belongs to."""
        held = self._held[slots]
        if np.count_nonzero(held):
            resumed = np.isin(rows, slots[held & ~paused])
            fade = len(self._fade_out)
            pcm[resumed, :fade] = _pcm16(pcm[resumed, :fade] * self._fade_out[::-1])
        if np.count_nonzero(held) or np.count_nonzero(paused):
            self._held[slots] = paused & (held | self._sounding[slots])

        wanted_db, before_db = self._gain_db[slots], self._gain_before_db[slots]
        if np.count_nonzero(wanted_db) or np.count_nonzero(before_db):
            last, gain = (10 ** (db / 20) for db in (self._gain_before_db[rows], self._gain_db[rows]))
            ramp = (self._frame + 1) / len(self._frame)
            pcm[:] = _pcm16(pcm * (last[:, None] + (gain - last)[:, None] * ramp))
            self._gain_before_db[slots] = wanted_db


def _pcm16(wave: NDArray[np.floating]) -> Pcm16:
    pcm: Pcm16 = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
    return pcm
