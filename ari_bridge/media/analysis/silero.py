"""The forward pass of Silero VAD (version 5 and 6) over many calls at once, in numpy.

    context + window ─▶ STFT, 4 steps ─▶ |.| ─▶ 4 convolutions, ReLU ─▶ LSTM cell ─▶ 1 unit ─▶ probability
                                                                          ▲ h, c: state of each call

The model takes windows of 32 ms, each with the last samples of the one before (snakers4/silero-vad, MIT).
Every layer is one matrix product over all calls: convolutions are laid out as such (im2col). One call costs
more this way than with an ONNX runtime, a hundred cost a fifth of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from ari_bridge.media.analysis.onnx import Tensor, float_tensors

STATE = 128
_STEPS = 4
_BASIS = "stft.forward_basis_buffer"


@dataclass(frozen=True, slots=True)
class _Convolution:
    """A 1-D convolution of kernel 3, padded by 1, with ReLU."""

    matrix: Tensor
    """(3 * channels in, channels out)"""
    bias: Tensor
    stride: int

    def __call__(self, x: Tensor) -> Tensor:
        """(n, steps, channels in) to (n, steps / stride, channels out)."""
        count, steps, channels = x.shape
        padded = np.zeros((count, steps + 2, channels), dtype=np.float32)
        padded[:, 1:-1] = x
        windows = sliding_window_view(padded.reshape(count, -1), 3 * channels, axis=1)
        taken = windows[:, :: self.stride * channels][:, : -(-steps // self.stride)]
        y = taken.reshape(-1, 3 * channels) @ self.matrix
        y += self.bias
        np.maximum(y, 0, out=y)
        return y.reshape(count, -1, y.shape[1])


class Silero:
    """The model for one sample rate, 8000 or 16000 Hz. It keeps no state of calls."""

    def __init__(self, rate_hz: int, tensors: Mapping[str, Tensor]) -> None:
        """`tensors` by the names they have in the model. Raises ValueError when it is no Silero VAD."""
        self.window_samples = rate_hz * 32 // 1000
        self.context_samples = rate_hz * 4 // 1000
        try:
            basis = tensors[_BASIS]
            convolutions = [
                (tensors[f"encoder.{i}.reparam_conv.weight"], tensors[f"encoder.{i}.reparam_conv.bias"])
                for i in range(4)
            ]
            gates = [tensors[f"decoder.rnn.weight_{side}"] for side in ("ih", "hh")]
            self._gates_bias = tensors["decoder.rnn.bias_ih"] + tensors["decoder.rnn.bias_hh"]
            unit = tensors["decoder.decoder.2.weight"]
            self._unit_bias = tensors["decoder.decoder.2.bias"]
        except KeyError as error:
            raise ValueError(f"not a Silero VAD: it has no {error}") from None
        self._hop = self.window_samples // _STEPS
        if basis.shape != (2 * self._hop + 2, 1, 2 * self._hop) or unit.shape != (1, STATE, 1):
            raise ValueError(f"not a Silero VAD for {rate_hz} Hz: its STFT is of shape {basis.shape}")
        self._basis = np.ascontiguousarray(basis[:, 0, :].T)
        self._encoder = [
            _Convolution(np.ascontiguousarray(w.transpose(2, 1, 0).reshape(-1, len(w))), bias, stride)
            for (w, bias), stride in zip(convolutions, (1, 2, 2, 1), strict=True)
        ]
        self._gates = np.ascontiguousarray(np.concatenate(gates, axis=1).T)
        self._unit = np.ascontiguousarray(unit[0, :, 0])

    def __call__(self, windows: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probability of voice, shape (n,), and the next state, of windows between -1 and 1 behind their
        context, shape (n, context_samples + window_samples), and states of shape (n, STATE)."""
        x = self._magnitudes(windows)
        for convolve in self._encoder:
            x = convolve(x)
        gates = np.concatenate([x[:, 0], h], axis=1) @ self._gates
        gates += self._gates_bias
        i, f, g, o = (gates[:, k * STATE : (k + 1) * STATE] for k in range(4))
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        probability: Tensor = _sigmoid(np.maximum(h, 0) @ self._unit + self._unit_bias)
        return probability, h, c

    def _magnitudes(self, windows: Tensor) -> Tensor:
        """Shape (n, _STEPS, bins). The end is reflected by half a hop."""
        pad = self._hop // 2
        wave = np.concatenate([windows, windows[:, -2 : -2 - pad : -1]], axis=1)
        row, sample = wave.strides
        frames = as_strided(
            wave, (len(wave), _STEPS, 2 * self._hop), (row, self._hop * sample, sample), writeable=False
        )
        parts = frames.reshape(-1, 2 * self._hop) @ self._basis
        bins = self._hop + 1
        real, imaginary = parts[:, :bins], parts[:, bins:]
        magnitudes: Tensor = np.sqrt(real * real + imaginary * imaginary)
        return magnitudes.reshape(len(wave), _STEPS, bins)


def read_silero(model: bytes) -> dict[int, Silero]:
    """The models in a silero_vad.onnx by their rates in Hz: 8000, 16000 or both. Raises ValueError."""
    tensors = float_tensors(model)
    found: dict[int, Silero] = {}
    for name, basis in tensors.items():
        if name.endswith(_BASIS):
            branch = name.removesuffix(_BASIS)
            own = {
                key.removeprefix(branch): value for key, value in tensors.items() if key.startswith(branch)
            }
            rate_hz = basis.shape[-1] * 1000 // 16
            found[rate_hz] = Silero(rate_hz, own)
    if not found:
        raise ValueError("not a Silero VAD: it has no STFT")
    return found


def _sigmoid(x: Tensor) -> Tensor:
    y: Tensor = 0.5 * np.tanh(0.5 * x) + 0.5
    return y
