"""The pitch lag of known voices."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.pitch import CONTEXT_MS, find_lag


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
def test_the_lag_is_whole_periods_of_every_row(rate_hz: int) -> None:
    pitches_hz = np.array([70.0, 100.0, 133.3, 195.0, 240.0, 310.0])
    t = np.arange(CONTEXT_MS * rate_hz // 1000) / rate_hz
    context = sum(np.sin(2 * np.pi * pitches_hz[:, None] * k * t) / k for k in range(1, 8)) * 2000
    lag = find_lag(context.astype(np.float32), rate_hz)
    periods = lag * pitches_hz / rate_hz
    off = np.abs(periods - np.rint(periods)) / pitches_hz * rate_hz
    assert np.all(off <= 0.51), "to the sample"
    assert np.all((lag >= rate_hz * 0.0049) & (lag <= rate_hz * 0.0151))


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_silence_and_noise_have_some_lag_too(rate_hz: int) -> None:
    count = CONTEXT_MS * rate_hz // 1000
    noise = np.random.default_rng(1).normal(0, 3000, (20, count))
    for context in (np.zeros((3, count)), noise, np.full((1, count), -32768.0)):
        lag = find_lag(context.astype(np.float32), rate_hz)
        assert np.all((lag >= rate_hz * 0.0049) & (lag <= rate_hz * 0.0151))
