"""How the delay is led to its target: at once where nobody speaks, hardly in speech."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.delay import DelayRange
from tests.media.paths import Paths

SLOW_FIRST_S = 0.06
FIXED = DelayRange.fixed(0.04)


def path(speech: np.ndarray) -> Paths:
    """One call whose first packet came 60 ms later than all others: so much too long is its delay."""
    delay_s = np.zeros((1, 1500))
    delay_s[0, 0] = SLOW_FIRST_S
    delay_s[0, 1:4] = np.inf  # lost: they would have overtaken it
    return Paths(speech, delay_s, FIXED)


def test_in_silence_the_delay_is_right_as_soon_as_it_is_known() -> None:
    paths = path(np.zeros((1, 100, 160), dtype=np.int16))
    paths.run(4)
    assert paths.media["delay_s"][0] == pytest.approx(0.04, abs=0.006)


def test_in_speech_it_is_shortened_to_what_is_not_worth_a_cut() -> None:
    """By whole pitch periods, of 8 ms here; the wave stays whole where it is cut."""
    t = np.arange(100 * 160) / 8000
    hum = (6000 * np.sin(2 * np.pi * 125 * t)).astype(np.int16).reshape(1, 100, 160)
    paths = path(hum)
    heard = paths.run(20)[0, 8000:].astype(np.int64)
    assert 0.04 < paths.media["delay_s"][0] < 0.04 + 0.045
    assert np.abs(np.diff(heard)).max() < 2 * 6000 * 2 * np.pi * 125 / 8000, "no click"


def test_noise_as_loud_as_speech_is_left_alone() -> None:
    loud = np.random.default_rng(1).integers(-8000, 8000, (1, 100, 160)).astype(np.int16)
    paths = path(loud)
    paths.run(3)
    before = float(paths.media["delay_s"][0])
    paths.run(10)
    assert paths.media["delay_s"][0] <= before
