"""The batched forward pass: against one written loop by loop, and against onnxruntime with the real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import SettingsError
from ari_bridge.media.analysis.models import choose_model, load_models, packaged_model
from ari_bridge.media.analysis.onnx import Tensor
from ari_bridge.media.analysis.silero import STATE, Silero
from ari_bridge.media.analysis.voice_rows import VoiceRows
from ari_bridge.settings import MediaSettings

RATES = [8000, 16000]


def made_up_weights(rate_hz: int) -> dict[str, Tensor]:
    rng = np.random.default_rng(1)
    hop = rate_hz // 125
    shapes = {
        "stft.forward_basis_buffer": (2 * hop + 2, 1, 2 * hop),
        "decoder.rnn.weight_ih": (4 * STATE, STATE),
        "decoder.rnn.weight_hh": (4 * STATE, STATE),
        "decoder.rnn.bias_ih": (4 * STATE,),
        "decoder.rnn.bias_hh": (4 * STATE,),
        "decoder.decoder.2.weight": (1, STATE, 1),
        "decoder.decoder.2.bias": (1,),
    }
    channels = (hop + 1, 128, 64, 64, 128)
    for i in range(4):
        shapes[f"encoder.{i}.reparam_conv.weight"] = (channels[i + 1], channels[i], 3)
        shapes[f"encoder.{i}.reparam_conv.bias"] = (channels[i + 1],)
    return {k: rng.normal(0, 0.1, shape).astype(np.float32) for k, shape in shapes.items()}


def by_loops(w: dict[str, Tensor], window: Tensor, h: Tensor, c: Tensor) -> tuple[float, Tensor, Tensor]:
    """One window of one call, as the layers are defined."""
    basis = w["stft.forward_basis_buffer"][:, 0]
    size, hop = basis.shape[1], basis.shape[1] // 2
    padded = np.concatenate([window, window[-2 : -2 - size // 4 : -1]])
    steps = [basis @ padded[at : at + size] for at in range(0, len(padded) - size + 1, hop)]
    x = np.stack([np.hypot(s[: hop + 1], s[hop + 1 :]) for s in steps], axis=1)
    for i, stride in enumerate((1, 2, 2, 1)):
        weight, bias = w[f"encoder.{i}.reparam_conv.weight"], w[f"encoder.{i}.reparam_conv.bias"]
        wide = np.pad(x, ((0, 0), (1, 1)))
        columns = [
            np.sum(weight * wide[:, at : at + 3], axis=(1, 2)) + bias for at in range(0, x.shape[1], stride)
        ]
        x = np.maximum(np.stack(columns, axis=1), 0)
    gates = w["decoder.rnn.weight_ih"] @ x[:, 0] + w["decoder.rnn.bias_ih"]
    gates += w["decoder.rnn.weight_hh"] @ h + w["decoder.rnn.bias_hh"]
    i, f, g, o = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    unit = w["decoder.decoder.2.weight"][0, :, 0] @ np.maximum(h, 0) + w["decoder.decoder.2.bias"][0]
    return float(sigmoid(unit)), h, c


def sigmoid(x: NDArray[np.floating]) -> NDArray[np.floating]:
    return 1 / (1 + np.exp(-x))


def voices(rate_hz: int, count: int, seconds: float) -> NDArray[np.float32]:
    """Buzzes of different pitch that come and go, over noise."""
    rng = np.random.default_rng(3)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    calls = []
    for number in range(count):
        buzz = sum(np.sin(2 * np.pi * (100 + 30 * number) * k * t) / k for k in range(1, 15))
        calls.append(0.15 * buzz * (np.sin(2 * np.pi * 3 * t) > 0) + rng.normal(0, 0.01, len(t)))
    return np.stack(calls).astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES)
def test_many_calls_at_once_are_what_each_is_alone(rate_hz: int) -> None:
    weights = made_up_weights(rate_hz)
    model = Silero(rate_hz, weights)
    length = model.context_samples + model.window_samples
    calls = voices(rate_hz, 3, 0.2)
    h = c = np.zeros((3, STATE), np.float32)
    alone = [(np.zeros(STATE), np.zeros(STATE)) for _ in calls]
    for at in range(0, calls.shape[1] - length, model.window_samples):
        windows = calls[:, at : at + length]
        probability, h, c = model(windows, h, c)
        for number, window in enumerate(windows):
            expected, *state = by_loops(weights, window, *alone[number])
            alone[number] = state[0], state[1]
            assert probability[number] == pytest.approx(expected, abs=1e-5)
    assert np.ptp(probability) > 1e-3


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_real_model_gives_what_onnxruntime_gives(rate_hz: int) -> None:
    path = packaged_model()
    assert path is not None, "pip install --no-deps silero-vad brings it; so does make install"
    model = load_models(path)[rate_hz]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    calls = voices(rate_hz, 5, 2.0)
    state = np.zeros((2, 5, STATE), np.float32)
    h = c = np.zeros((5, STATE), np.float32)
    context = np.zeros((5, model.context_samples), np.float32)
    seen = []
    for at in range(0, calls.shape[1] - model.window_samples, model.window_samples):
        windows = np.concatenate([context, calls[:, at : at + model.window_samples]], axis=1)
        context = windows[:, -model.context_samples :]
        inputs = {"input": windows, "state": state, "sr": np.array(rate_hz, np.int64)}
        expected, state = session.run(None, inputs)
        probability, h, c = model(windows, h, c)
        assert np.abs(probability - expected[:, 0]).max() < 1e-5
        seen.append(probability)
    assert np.ptp(seen) > 0.2, "it saw nothing that could have told the two apart"


@pytest.mark.parametrize("rate_hz", RATES)
def test_frames_become_windows_and_a_row_starts_fresh(rate_hz: int) -> None:
    model = Silero(rate_hz, made_up_weights(rate_hz))
    frame = rate_hz // 50
    pcm: Pcm16 = (voices(rate_hz, 1, 0.5)[0] * 20000).astype(np.int16)
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame)
    rows = VoiceRows(model, 4, rate_hz)
    slots = np.array([2])
    rows.reset(slots)
    first = [rows.feed(slots, one[None])[0] for one in frames]

    wave = np.concatenate([np.zeros(model.context_samples), pcm / 32768]).astype(np.float32)
    h = c = np.zeros((1, STATE), np.float32)
    expected = [0.0]
    for number in range(len(pcm) // model.window_samples):
        start = number * model.window_samples
        window = wave[None, start : start + model.context_samples + model.window_samples]
        probability, h, c = model(window, h, c)
        expected.append(float(probability[0]))
    for number, probability in enumerate(first):
        windows = (number + 1) * frame // model.window_samples
        assert probability == pytest.approx(expected[windows], abs=1e-6)

    # Another call beside it changes nothing; a reset makes the row new.
    others = np.array([0, 2])
    rows.reset(others)
    noise = np.random.default_rng(5).integers(-9000, 9000, frames.shape, dtype=np.int16)
    again = [rows.feed(others, np.stack([other, one]))[1] for other, one in zip(noise, frames, strict=True)]
    assert again == pytest.approx(first, abs=1e-6)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x3a\x02\x0a\x00"])
def test_a_file_that_is_no_model_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "silero_vad.onnx"
    with pytest.raises(SettingsError, match=r"media\.voice_model_file: cannot read"):
        choose_model(MediaSettings(voice_model_file=file))
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"media\.voice_model_file: .*not a"):
        choose_model(MediaSettings(voice_model_file=file))


def test_energy_takes_no_model() -> None:
    assert choose_model(MediaSettings(voice_activity="energy")) is None


def test_without_the_package_auto_does_and_silero_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ari_bridge.media.analysis.models.packaged_model", lambda: None)
    assert choose_model(MediaSettings()) is None
    with pytest.raises(SettingsError, match="no-deps silero-vad"):
        choose_model(MediaSettings(voice_activity="silero"))


def test_another_nets_weights_are_refused() -> None:
    weights = made_up_weights(8000)
    with pytest.raises(ValueError, match="16000 Hz"):
        Silero(16000, weights)
    del weights["encoder.2.reparam_conv.bias"]
    with pytest.raises(ValueError, match=r"encoder\.2"):
        Silero(8000, weights)
