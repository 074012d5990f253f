"""The pitch of what was heard last: by what lag the waveform repeats itself.

Normalised cross-correlation of the last 20 ms with what lies 5 to 15 ms before, as in ITU-T G.711,
Appendix I: 66 to 200 Hz; of a higher voice the lag spans two or more periods, which repeats just as well.
Searched at 8 kHz, and refined at the real rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEARCH_HZ = 8000
_LAG_MIN, _LAG_MAX = 40, 120
_WINDOW = 160
_FFT = 512
_SHORT_LAGS = 5e-4
"""Each shorter lag counts that much more: of two alike the shorter is taken."""
_FLOOR = 1e3

LAG_MAX_MS = _LAG_MAX * 1000 // _SEARCH_HZ + 1
"""Longer than any lag."""
CONTEXT_MS = (_WINDOW + _LAG_MAX) * 1000 // _SEARCH_HZ
"""How much audio the search looks at."""


def find_lag(context: NDArray[np.float32], rate_hz: int) -> NDArray[np.int64]:
    """The lag in samples for each row of `context`, shape (n, CONTEXT_MS of samples), newest last."""
    factor = rate_hz // _SEARCH_HZ
    if factor == 1:
        return _search(context)
    coarse = context.reshape(len(context), -1, factor).mean(axis=2)
    return _refine(context, _search(coarse) * factor, factor)


def _search(context: NDArray[np.float32]) -> NDArray[np.int64]:
    spectrum = np.fft.rfft(context, _FFT, axis=1)
    template = np.fft.rfft(context[:, -_WINDOW:], _FFT, axis=1)
    lags = _LAG_MAX - _LAG_MIN + 1
    product = np.fft.irfft(spectrum * np.conj(template), _FFT, axis=1)[:, :lags]  # longest lag first
    sums = np.cumsum(np.square(context, dtype=np.float64), axis=1)
    energy = sums[:, _WINDOW - 1 : _WINDOW - 1 + lags].copy()
    energy[:, 1:] -= sums[:, : lags - 1]
    likeness = product / np.sqrt(np.maximum(energy, 0.0) + _FLOOR) * (1 + _SHORT_LAGS * np.arange(lags))
    lag: NDArray[np.int64] = _LAG_MAX - np.argmax(likeness, axis=1)
    return lag


def _refine(context: NDArray[np.float32], lag: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """The best lag of those that the coarse search does not tell apart."""
    window = _WINDOW * factor // 2
    at = context.shape[1] - window + np.arange(window)
    template = context[:, at]
    candidates = [np.clip(lag + d, factor, context.shape[1] - window) for d in range(1 - factor, factor)]
    likeness = []
    for candidate in candidates:
        other = np.take_along_axis(context, at - candidate[:, None], axis=1)
        energy = np.einsum("ij,ij->i", other, other) + _FLOOR
        likeness.append(np.einsum("ij,ij->i", template, other) / np.sqrt(energy))
    best = np.argmax(np.array(likeness), axis=0)
    chosen: NDArray[np.int64] = np.array(candidates)[best, np.arange(len(lag))]
    return chosen
