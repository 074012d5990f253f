"""The voice probabilities of many calls: frames of 20 ms go in, windows of 32 ms are judged as they fill."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, samples
from ari_bridge.media.analysis.silero import STATE, Silero
from ari_bridge.media.rows import Slots

_FULL_SCALE = np.float32(1 / 32768)


class VoiceRows:
    """Streams at the model's rate, of up to `rows` calls."""

    def __init__(self, model: Silero, rows: int, rate_hz: int) -> None:
        self._model = model
        self._length = model.context_samples + model.window_samples
        self._frame = np.arange(samples(FRAME_MS, rate_hz))
        self._wave = np.zeros((rows, self._length + len(self._frame)), dtype=np.float32)
        self._filled = np.zeros(rows, dtype=np.int64)
        self._h = np.zeros((rows, STATE), dtype=np.float32)
        self._c = np.zeros((rows, STATE), dtype=np.float32)
        self._probability = np.zeros(rows, dtype=np.float32)

    def reset(self, slots: Slots) -> None:
        """Other calls: nothing is known of them."""
        self._wave[slots] = 0
        self._filled[slots] = self._model.context_samples
        self._h[slots] = 0
        self._c[slots] = 0
        self._probability[slots] = 0

    def feed(self, slots: Slots, frames: NDArray[np.int16]) -> NDArray[np.float32]:
        """Take in a frame of each row. Returns what is then known of each: the probability of voice in its
        latest full window, shape (n,)."""
        filled = self._filled[slots]
        self._wave[slots[:, None], filled[:, None] + self._frame] = frames * _FULL_SCALE
        filled += len(self._frame)
        full = filled >= self._length
        if full.any():
            self._judge(slots[full])
            filled[full] -= self._model.window_samples
        self._filled[slots] = filled
        return self._probability[slots]

    def _judge(self, rows: Slots) -> None:
        wave = self._wave[rows]
        self._probability[rows], self._h[rows], self._c[rows] = self._model(
            wave[:, : self._length], self._h[rows], self._c[rows]
        )
        rest = wave[:, self._model.window_samples :]
        self._wave[rows[:, None], np.arange(rest.shape[1])] = rest
