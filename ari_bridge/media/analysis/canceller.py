"""Takes the echo of our own audio out of what comes from the caller: an adaptive filter for each call.

    sent ─▶ bulk delay ─▶ frames of 40 ms ─▶ FFT ─▶ × W, 5 partitions of 20 ms ─▶ sum ─▶ echo
    received ───────────────────────────────────────────────────────────────────── − echo ─▶ what is left

The filter is a Kalman filter for each frequency of a partitioned overlap-save convolution, its state being
the echo path (F. Kuech, E. Mabande, G. Enzner, "State-space architecture of the partitioned-block-based
acoustic echo controller", ICASSP 2014; G. Enzner, P. Vary, "Frequency-domain adaptive Kalman filter for
acoustic echo control in hands-free telephones", Signal Processing 86, 2006). Beside the path W it keeps how
unsure it is of it, P. The step is P |X|² against the power of all that is no echo: large at first, small
once the path is known, and small while the caller speaks. So nothing has to detect double talk.

Echo comes back after tens to hundreds of ms (jitter buffers, networks), but is short itself. So the filter
covers PARTITIONS frames behind a bulk delay of whole frames, which somebody else has to know (echo.py): a
filter of the whole 400 ms would cost four times as much.

All at 8 kHz, where telephone speech is, in float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, samples
from ari_bridge.media.rows import Slots

RATE_HZ = 8000
PARTITIONS = 5
FRAME = samples(FRAME_MS, RATE_HZ)
BINS = FRAME + 1
_KEEPS = np.float32(0.999)
"""How much of the path stays as it is from frame to frame: its correlation."""
_UNSURE = np.float32(0.1)
"""Variance of a path of which nothing is known: a gain of -10 dB."""
_SMOOTHING = np.float32(0.5)
_TINY = np.float32(1e3)
"""Power of a bin that is nothing: below one step of a 16-bit sample."""

_BLOCK = 32
"""Calls whose spectra fit into a core's own cache."""

Wave = NDArray[np.float32]


class EchoCanceller:
    """The echo paths of up to `rows` calls. Slots are row numbers, shape (n,), each at most once."""

    def __init__(self, rows: int) -> None:
        shape = rows, PARTITIONS, BINS
        self._spectra = np.zeros(shape, dtype=np.complex64)
        """Of what was sent, the newest first."""
        self._path = np.zeros(shape, dtype=np.complex64)
        self._unsure = np.full(shape, _UNSURE, dtype=np.float32)
        self._other = np.zeros((rows, BINS), dtype=np.float32)
        """Power of what is no echo."""
        self._turn = 0

    def reset(self, slots: Slots) -> None:
        """Another call, or another bulk delay: nothing is known."""
        self._spectra[slots] = 0
        self._path[slots] = 0
        self._unsure[slots] = _UNSURE
        self._other[slots] = 0

    def doubt(self, slots: Slots) -> None:
        """The path has changed: what is known of it is a guess."""
        self._unsure[slots] = _UNSURE

    def forget_sent(self, slots: Slots) -> None:
        """We were silent for as long as echoes take, or frames were left out."""
        self._spectra[slots] = 0

    def line_up(self, slots: Slots, sent: NDArray[np.float32]) -> None:
        """The same path with another bulk delay. `sent` are the two frames behind which each partition stood
        at the last tick, had it been so then, shape (n, PARTITIONS, 2 * FRAME)."""
        self._spectra[slots] = np.fft.rfft(sent)

    def cancel(self, slots: Slots, sent: Wave, received: Wave) -> tuple[Wave, Wave]:
        """The echo in a frame of each row, shape (n, FRAME), and how much of it may be missed: the expected
        power, shape (n, BINS), in each bin of an FFT over two frames. `sent` are the last two
        frames that left before the bulk delay, shape (n, 2 * FRAME)."""
        echo = np.empty((len(slots), FRAME), dtype=np.float32)
        missed = np.empty((len(slots), BINS), dtype=np.float32)
        self._turn = (self._turn + 1) % PARTITIONS
        for first in range(0, len(slots), _BLOCK):
            block = slice(first, first + _BLOCK)
            echo[block], missed[block] = self._cancel(slots[block], sent[block], received[block])
        return echo, missed

    def _cancel(self, slots: Slots, sent: Wave, received: Wave) -> tuple[Wave, Wave]:
        spectra = np.empty((len(slots), PARTITIONS, BINS), dtype=np.complex64)
        spectra[:, 0] = np.fft.rfft(sent)
        spectra[:, 1:] = self._spectra[slots, :-1]
        self._spectra[slots] = spectra
        path = self._path[slots]
        echo: Wave = np.fft.irfft((spectra * path).sum(axis=1))[:, FRAME:].astype(np.float32)
        return echo, self._learn(slots, spectra, path, received - echo)

    def _learn(
        self, slots: Slots, spectra: NDArray[np.complex64], path: NDArray[np.complex64], left: Wave
    ) -> Wave:
        padded = np.zeros((len(slots), 2 * FRAME), dtype=np.float32)
        padded[:, FRAME:] = left
        error = np.fft.rfft(padded).astype(np.complex64)
        other = self._other[slots]
        other += _SMOOTHING * (_power(error) - other)
        self._other[slots] = other
        unsure = self._unsure[slots]
        expected = unsure * _power(spectra)
        missed: Wave = expected.sum(axis=1)
        total = missed + 2 * other + _TINY
        path += unsure * spectra.conj() * (error / total)[:, None]
        unsure *= 1 - 0.5 * expected / total[:, None]
        unsure += (1 - _KEEPS**2) * _power(path)
        np.minimum(unsure, _UNSURE, out=unsure)
        # Only a filter that ends with its partition makes the circular convolution a linear one. One of
        # them a frame is seen to.
        taps = np.fft.irfft(path[:, self._turn])
        taps[:, FRAME:] = 0
        path[:, self._turn] = np.fft.rfft(taps)
        self._path[slots] = path
        self._unsure[slots] = unsure
        return missed


def _power(x: NDArray[np.complex64]) -> NDArray[np.float32]:
    power: NDArray[np.float32] = x.real**2 + x.imag**2
    return power
