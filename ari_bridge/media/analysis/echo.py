"""The echo of our own audio: how much of what comes from the caller is it, and how much is not.

    sent, last 400 ms   X(band, delay) ──▶ + return gain G(band, delay) ──▶ max over delay ──▶ P(band): echo
    received            Y(band) ────────────────────────────────────────────────────────────▶ what exceeds P

What we sent is known, so echo can be told from voice, however alike they sound. The path (a hybrid, a
handset, a loudspeaker in a car, with jitter buffers on the way) is taken as a gain for each band and each
delay of whole frames. Only levels are compared, not waveforms: codecs, clock drift and a buffer that grows by
a frame, which throw adaptive filters of waveforms off, hardly touch it. (Magnitude-domain echo estimation:
Faller and Chen, "Suppressing Acoustic Echo in a Spectral Envelope Space", IEEE Trans. SAP 13(5), 2005.)

*The gain is a low quantile.* G(band, delay) follows the 3/8 quantile of Y - X(delay), in dB, over the
frames where we were loud, by steps of fixed size (Robbins and Monro, 1951). At the true delay Y - X hardly
varies when there is nothing but echo, so its quantile is the echo's gain; at any other delay it varies by
tens of dB, and its low quantile is far lower. So the maximum over the delays finds the delay by itself. And
the caller's voice only ever adds to Y: it moves a low quantile little, so no double-talk detector has to
stop the learning.

*Before anything is learnt* the echo is taken to be START_DB below what was sent, at any delay. A line without
echo shows it within a second of our speech.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.media.analysis.bands import BANDS, QUIET_DB, Levels
from ari_bridge.media.rows import Slots

DELAYS = 20
"""Frames: echoes that come back within 380 ms."""
START_DB = -10.0
_LOWEST_DB = -55.0
_HIGHEST_DB = 0.0
_UP_DB, _DOWN_DB = 0.6, 1.0
"""Their ratio makes it the 3/8 quantile."""
_FAR_DB, _FAR_DOWN_DB = 6.0, 3.0
"""So far below the gain there is no echo to be missed: the way down from START_DB is shortened."""
_STRONG_DB = 25.0
"""Below it (-65 dBFS) a band of ours is too weak for its echo to be learnt from."""
_NEIGHBOUR_DB = -2.0
"""A delay a frame shorter or longer than learnt is counted with so much: buffers grow and shrink."""
_AUDIBLE_DB = -42.0
"""A softer echo is none."""
_STANDS_OUT_DB = 5.0
"""A delay whose gain exceeds the others' by so much is the echo's."""


class EchoReference:
    """The echo paths of up to `rows` calls. Slots are row numbers, shape (n,), each at most once."""

    def __init__(self, rows: int) -> None:
        self._gain_db = np.full((rows, DELAYS, BANDS), START_DB, dtype=np.float32)
        self._sent_db = np.full((rows, DELAYS, BANDS), QUIET_DB, dtype=np.float32)
        self._newest = np.zeros(rows, dtype=np.int64)
        self._back = np.arange(DELAYS)

    def reset(self, slots: Slots) -> None:
        """Another call: nothing is known."""
        self._gain_db[slots] = START_DB
        self.forget_sent(slots)

    def forget_sent(self, slots: Slots) -> None:
        """We were silent for as long as echoes take, or frames were left out."""
        self._sent_db[slots] = QUIET_DB

    def shift(self, slots: Slots, frames: NDArray[np.int64]) -> None:
        """The echo comes so many frames sooner, shape (n,), than what was learnt; when negative, later."""
        back = self._back + frames[:, None]
        known = (back >= 0) & (back < DELAYS)
        gain = self._gain_db[slots[:, None], np.clip(back, 0, DELAYS - 1)]
        self._gain_db[slots] = np.where(known[:, :, None], gain, np.float32(_LOWEST_DB))

    def predict(self, slots: Slots, sent: Levels, received: Levels) -> Levels:
        """Levels of the echo, in bands, shape (n, BANDS), in a frame with those levels, sent and received at
        the same tick. Learns from it."""
        newest = (self._newest[slots] + 1) % DELAYS
        self._newest[slots] = newest
        self._sent_db[slots, newest] = sent
        past = self._sent_db[slots[:, None], (newest[:, None] - self._back) % DELAYS]
        gain = self._gain_db[slots]
        echo = self._predict(past, gain)
        self._learn(slots, past, gain, received)
        return echo

    def delay(self, slots: Slots) -> NDArray[np.int64]:
        """The delay of each row's echo in frames, shape (n,); -1 where none stands out."""
        gain = self._gain_db[slots].mean(axis=2)
        best = gain.argmax(axis=1)
        highest = gain.max(axis=1)
        stands_out = (highest > _AUDIBLE_DB) & (highest - np.median(gain, axis=1) > _STANDS_OUT_DB)
        return np.where(stands_out, best, -1)

    def _predict(self, past: Levels, gain: Levels) -> Levels:
        """Levels of the echo, shape (n, BANDS)."""
        wide = gain.copy()
        aside = gain + np.float32(_NEIGHBOUR_DB)
        np.maximum(wide[:, 1:], aside[:, :-1], out=wide[:, 1:])
        np.maximum(wide[:, :-1], aside[:, 1:], out=wide[:, :-1])
        wide += past
        echo: Levels = wide.max(axis=1)
        return echo

    def _learn(self, slots: Slots, past: Levels, gain: Levels, received: Levels) -> None:
        above = received[:, None, :] - past - gain
        down = np.where(above < -_FAR_DB, np.float32(-_FAR_DOWN_DB), np.float32(-_DOWN_DB))
        step = np.where(above > 0, np.float32(_UP_DB), down)
        step *= past > _STRONG_DB
        gain += step
        self._gain_db[slots] = np.clip(gain, _LOWEST_DB, _HIGHEST_DB, out=gain)
