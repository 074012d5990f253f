"""The resampler: spectrum, delay, seams, lengths; soxr. One way only: a round trip would hide its faults."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.resample import Resampler, RowsResampler

RATIOS = [
    (8000, 16000),
    (16000, 8000),
    (22050, 8000),
    (22050, 16000),
    (24000, 8000),
    (24000, 16000),
    (48000, 8000),
    (48000, 16000),
    (8000, 24000),
    (8000, 48000),
]


def sine(frequency_hz: float, rate_hz: int, seconds: float = 1.0, amplitude: float = 16000) -> Pcm16:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * t)).astype(np.int16)


def level_and_noise(pcm: Pcm16, frequency_hz: float, rate_hz: int) -> tuple[float, float, float]:
    """Gain in dB, signal to everything-else ratio in dB, and phase lag in s of one sine in `pcm`."""
    start = len(pcm) // 4
    y = pcm[start : start + len(pcm) // 2].astype(np.float64)
    t = (start + np.arange(len(y))) / rate_hz
    basis = np.stack((np.sin(2 * np.pi * frequency_hz * t), np.cos(2 * np.pi * frequency_hz * t)), axis=1)
    (a, b), *_ = np.linalg.lstsq(basis, y, rcond=None)
    signal = basis @ np.array([a, b])
    noise = float(np.sum((y - signal) ** 2)) + 1e-9
    gain_db = 20 * np.log10(np.hypot(a, b) / 16000)
    lag_s = -np.arctan2(b, a) / (2 * np.pi * frequency_hz)
    return float(gain_db), float(10 * np.log10(np.sum(signal**2) / noise)), float(lag_s)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
@pytest.mark.parametrize(("frequency_hz", "least_db"), [(300, 75), (1000, 75), (3000, 70), (3400, 50)])
def test_telephone_band_passes_clean(from_hz: int, to_hz: int, frequency_hz: int, least_db: float) -> None:
    out = Resampler(from_hz, to_hz).process(sine(frequency_hz, from_hz))
    gain_db, clean_db, _ = level_and_noise(out, frequency_hz, to_hz)
    assert abs(gain_db) < 0.5
    assert clean_db > least_db


@pytest.mark.parametrize("from_hz", [16000, 22050, 24000, 48000])
@pytest.mark.parametrize("frequency_hz", [5000, 6000, 7500])
def test_what_would_fold_is_removed(from_hz: int, frequency_hz: int) -> None:
    out = Resampler(from_hz, 8000).process(sine(frequency_hz, from_hz))
    rms = float(np.sqrt(np.mean(out[1000:-1000].astype(np.float64) ** 2)))
    assert 20 * np.log10((rms + 1e-9) / (16000 / np.sqrt(2))) < -75


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_the_delay_is_what_it_says(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    _, _, lag_s = level_and_noise(resampler.process(sine(100, from_hz)), 100, to_hz)
    assert lag_s == pytest.approx(resampler.delay_s, abs=2e-6)
    assert resampler.delay_s < 0.0021


@settings(max_examples=40, deadline=None)
@given(
    ratio=st.sampled_from(RATIOS),
    cuts=st.lists(st.integers(0, 700), max_size=12),
    seed=st.integers(0, 99),
)
def test_pieces_give_the_same_as_the_whole(ratio: tuple[int, int], cuts: list[int], seed: int) -> None:
    pcm = np.random.default_rng(seed).integers(-32768, 32767, sum(cuts), dtype=np.int16)
    whole = Resampler(*ratio).process(pcm)
    resampler = Resampler(*ratio)
    ends = np.cumsum([0, *cuts])
    pieces = [resampler.process(pcm[a:b]) for a, b in itertools.pairwise(ends)]
    joined = np.concatenate([np.zeros(0, np.int16), *pieces])
    assert len(joined) == len(whole) == -(-len(pcm) * ratio[1] // ratio[0])
    assert int(np.max(np.abs(joined.astype(int) - whole), initial=0)) <= 1


def test_loud_audio_is_clipped_not_wrapped() -> None:
    square = np.repeat(np.array([32767, -32768] * 5, dtype=np.int16), 200)
    out = Resampler(8000, 16000).process(square).astype(int)
    assert out.max() == 32767
    assert out.min() == -32768
    assert np.all(out[100:400] > 20000)


def test_flush_gives_the_end_of_the_word() -> None:
    resampler = Resampler(22050, 8000)
    click = np.zeros(2205, np.int16)
    click[-1] = 30000
    assert np.abs(resampler.process(click).astype(int)).max() < 1000
    assert np.abs(resampler.flush().astype(int)).max() > 5000
    assert not resampler.process(np.zeros(2205, np.int16)).any()


def test_equal_rates_pass_the_audio_through() -> None:
    pcm = sine(440, 8000, 0.1)
    assert np.array_equal(Resampler(8000, 8000).process(pcm), pcm)
    assert Resampler(8000, 8000).delay_s == 0


def test_an_impossible_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 8000)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (16000, 8000), (24000, 16000), (48000, 16000)])
def test_many_rows_are_resampled_like_single_streams(from_hz: int, to_hz: int) -> None:
    rng = np.random.default_rng(3)
    pcm = rng.integers(-20000, 20000, (3, 4, from_hz // 50), dtype=np.int16)  # frames, rows, samples
    slots = np.array([5, 0, 2, 7])
    rows = RowsResampler(8, from_hz, to_hz)
    frames = [rows.process(slots, frame) for frame in pcm]
    for n in range(4):
        alone = Resampler(from_hz, to_hz).process(pcm[:, n].reshape(-1))
        together = np.concatenate([frame[n] for frame in frames])
        assert int(np.max(np.abs(alone.astype(int) - together))) <= 1
    for slot in slots.tolist():
        rows.open(slot)
    assert not rows.process(slots, np.zeros((4, from_hz // 50), np.int16)).any()


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_speech_like_noise_comes_out_as_soxr_makes_it(from_hz: int, to_hz: int) -> None:
    """Noise up to 3.4 kHz; soxr in its highest quality has no delay to compensate, ours is known."""
    lowest = min(from_hz, to_hz)
    rng = np.random.default_rng(11)
    spectrum = np.fft.rfft(rng.normal(size=from_hz))
    spectrum[int(3400 * lowest / 8000) :] = 0
    noise = np.fft.irfft(spectrum)
    pcm = np.rint(6000 * noise / noise.std()).clip(-32768, 32767).astype(np.int16)
    ours = Resampler(from_hz, to_hz)
    y = ours.process(pcm).astype(np.float64)
    # Into soxr goes the same signal, late by our delay: shifted in the frequency domain.
    frequencies = np.fft.rfftfreq(len(pcm), 1 / from_hz)
    late = np.fft.irfft(np.fft.rfft(pcm) * np.exp(-2j * np.pi * frequencies * ours.delay_s), len(pcm))
    theirs = soxr.resample(late, from_hz, to_hz, quality="VHQ")
    middle = slice(len(y) // 4, 3 * len(y) // 4)
    error = y[middle] - theirs[middle]
    assert 10 * np.log10(np.mean(theirs[middle] ** 2) / np.mean(error**2)) > 50
