"""Change of sample rate by a polyphase FIR filter, streaming, for rational ratios.

    x at from_hz ──▶ ↑L ──▶ low-pass h ──▶ ↓M ──▶ y at to_hz        L/M = to_hz/from_hz in lowest terms

Only what survives ↓M is computed. Output sample j needs branch (j·M mod L) of h, laid on the inputs
that end at (j·M) // L: one dot product of some 32 to 190 taps. (Crochiere and Rabiner, Multirate
Digital Signal Processing, 1983, section 3.3.)

h is a sinc under a Kaiser window, beta 8, 32 taps a branch at the lower of the two rates: telephone
speech (300-3400 Hz) passes untouched, aliases and images lie below -80 dB, and the delay is 2 ms at 8 kHz.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16

_TAPS_A_BRANCH = 32
_KAISER_BETA = 8.0
_PIECES_A_SECOND = 400


@lru_cache(maxsize=32)
def _branches(up: int, down: int) -> NDArray[np.float32]:
    """The filter's `up` branches, shape (up, taps), each reversed so that it lies on inputs in order."""
    taps = -(-_TAPS_A_BRANCH * max(up, down) // up)
    length = taps * up
    cutoff = 0.5 / max(up, down)  # of the rate from_hz * up
    n = np.arange(length) - (length - 1) / 2
    h = np.sinc(2 * cutoff * n) * np.kaiser(length, _KAISER_BETA)
    branches = h.reshape(taps, up).T
    branches = branches / branches.sum(
        axis=1, keepdims=True
    )  # each branch passes DC alike: no hum of from_hz
    return np.ascontiguousarray(branches[:, ::-1], dtype=np.float32)


def _pcm16(y: NDArray[np.float32]) -> Pcm16:
    out: Pcm16 = np.clip(np.rint(y), -32768, 32767).astype(np.int16)
    return out


class RowsResampler:
    """Many streams at once, a frame of each: as Resampler, with the branches laid out as one matrix.

    A frame is cut into pieces of 2.5 ms. The outputs of a piece are the product of its inputs, with those
    before it that the taps still reach, and a banded matrix: a product small enough to stay in the cache, and
    large enough that all pieces of all rows go through one call of the BLAS.
    """

    def __init__(self, rows: int, from_hz: int, to_hz: int) -> None:
        """Rates are multiples of 400 Hz, so that a piece is whole on both sides."""
        divisor = gcd(from_hz, to_hz)
        up, down = to_hz // divisor, from_hz // divisor
        branches = _branches(up, down)
        taps = branches.shape[1]
        self._step = from_hz // _PIECES_A_SECOND
        self._band = np.zeros((taps - 1 + self._step, to_hz // _PIECES_A_SECOND), dtype=np.float32)
        for j in range(self._band.shape[1]):
            first = j * down // up
            self._band[first : first + taps, j] = branches[j * down % up]
        self._history = np.zeros((rows, taps - 1), dtype=np.float32)

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._history[slot] = 0

    def process(self, slots: NDArray[np.int64], pcm: Pcm16) -> Pcm16:
        """pcm of shape (n, samples), a multiple of 2.5 ms; returns (n, samples * to_hz / from_hz)."""
        x = np.concatenate((self._history[slots], pcm), axis=1, dtype=np.float32)
        self._history[slots] = x[:, pcm.shape[1] :]
        reach = len(self._band)
        pieces = sliding_window_view(x, reach, axis=1)[:, :: self._step].reshape(-1, reach)
        y = (pieces @ self._band).reshape(len(slots), -1)
        return _pcm16(y)


class Resampler:
    """One stream of PCM16 from `from_hz` to `to_hz`. Pieces may have any length; their seams are inaudible.

    After n samples in, ceil(n * to_hz / from_hz) samples have come out, `delay_s` behind the input.
    Raises ValueError when a rate is not a positive number.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz <= 0 or to_hz <= 0:
            raise ValueError(f"sample rates must be positive, not {from_hz} and {to_hz}")
        divisor = gcd(from_hz, to_hz)
        self.from_hz, self.to_hz = from_hz, to_hz
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._branches = _branches(self._up, self._down)
        self.reset()

    @property
    def delay_s(self) -> float:
        """By how much the output lags the input (the filter's group delay)."""
        if self._up == self._down:
            return 0.0
        return (self._branches.size - 1) / 2 / (self.from_hz * self._up)

    def reset(self) -> None:
        """Forget the stream: the next piece is the start of a new one."""
        self._history = np.zeros(self._branches.shape[1] - 1, dtype=np.float32)
        # Where the next output lies, counted from the next input, in steps of 1/(from_hz * up).
        self._offset = 0

    def process(self, pcm: Pcm16) -> Pcm16:
        """The output that `pcm`, shape (samples,), makes possible; shape (some samples,)."""
        if self._up == self._down:
            return pcm
        count = max(0, -(-(len(pcm) * self._up - self._offset) // self._down))
        x = np.concatenate((self._history, pcm), dtype=np.float32)
        steps = self._offset + self._down * np.arange(count)
        self._offset += count * self._down - len(pcm) * self._up
        self._history = x[len(pcm) :]
        if count == 0:
            return np.zeros(0, dtype=np.int16)
        windows = sliding_window_view(x, self._branches.shape[1])
        if self._up == 1:
            y = windows[steps[0] :: self._down][:count] @ self._branches[0]
        else:
            y = np.einsum("nt,nt->n", windows[steps // self._up], self._branches[steps % self._up])
        return _pcm16(y)

    def flush(self) -> Pcm16:
        """What the filter still holds of the stream (twice `delay_s` long); the resampler is reset."""
        tail = self.process(np.zeros(len(self._history), dtype=np.int16))
        self.reset()
        return tail
