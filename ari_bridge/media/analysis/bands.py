"""Short-time band levels of many streams at once.

    frame before │ this frame ─▶ × sine window ─▶ FFT ─▶ |.|² ─▶ sums over 16 bands, 200 to 3600 Hz ─▶ dB

The bands are equally wide on the Bark scale (Traunmueller's formula, JASA 88, 1990), and the same for every
sample rate: narrow enough that two voices differ in them, wide enough that their levels do not dance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, samples

BANDS = 16
_LOW_HZ = 200.0
_HIGH_HZ = 3600.0
_LOG2_OF_DB = np.float32(np.log2(10) / 10)
QUIET_DB = -10.0
"""Level of a band without any sound: below one step of a 16-bit sample."""
_BLOCK = 32
"""Streams whose spectra fit into a core's own cache."""

Levels = NDArray[np.float32]


class BandLevels:
    """The filter bank for streams of one sample rate. What came before is the caller's to keep."""

    def __init__(self, rate_hz: int) -> None:
        self.frame_samples = samples(FRAME_MS, rate_hz)
        length = 2 * self.frame_samples
        self._window = np.sin(np.pi * (np.arange(length) + 0.5) / length).astype(np.float32)
        edges = _edges_hz()
        bins_hz = np.arange(self.frame_samples + 1) * rate_hz / length
        band = np.searchsorted(edges, bins_hz, side="right") - 1
        pooling = (band[:, None] == np.arange(BANDS)).astype(np.float32)
        # Parseval: so scaled, the sum over all bands is the mean square of the samples.
        self._pooling = np.ascontiguousarray(pooling * np.float32(4 / length**2))

    def __call__(
        self, before: NDArray[np.int16 | np.float32], frame: NDArray[np.int16 | np.float32]
    ) -> Levels:
        """Levels in dB over one squared step of a 16-bit sample, shape (n, BANDS), of frames of shape
        (n, frame_samples) and those before them."""
        power = np.empty((len(frame), BANDS), dtype=np.float32)
        for first in range(0, len(frame), _BLOCK):
            block = slice(first, first + _BLOCK)
            spectrum = np.fft.rfft(np.concatenate([before[block], frame[block]], axis=1) * self._window)
            np.matmul(
                (spectrum.real**2 + spectrum.imag**2).astype(np.float32), self._pooling, out=power[block]
            )
        return _db(power)

    def pooled(self, power: NDArray[np.float32]) -> Levels:
        """The same of power that is known in bins, shape (n, frame_samples + 1)."""
        return _db(power @ self._pooling)


def power_of(levels: Levels) -> Levels:
    """In squared steps of a 16-bit sample."""
    power: Levels = np.exp2(levels * _LOG2_OF_DB)
    return power


def _db(power: NDArray[np.float32]) -> Levels:
    levels: Levels = 10 * np.log10(power + np.float32(10 ** (QUIET_DB / 10)))
    return levels


def _edges_hz() -> NDArray[np.float64]:
    """Where bands begin, and where the last ends, shape (BANDS + 1,)."""
    low, high = (26.81 * f / (1960 + f) - 0.53 for f in (_LOW_HZ, _HIGH_HZ))
    bark = np.linspace(low, high, BANDS + 1)
    return 1960 * (bark + 0.53) / (26.28 - bark)
