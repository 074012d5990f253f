"""Comfort noise: as loud as announced, or as the line."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.comfort import LISTEN_EVERY, LOUDEST_DBOV, ComfortNoise, amplitude

ROW = np.array([1])


def noise() -> ComfortNoise:
    comfort = ComfortNoise(3, np.random.default_rng(5))
    comfort.open(1)
    return comfort


def frame(rms: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, rms, (1, 160)).astype(np.int16)


def loudness(comfort: ComfortNoise) -> float:
    return float(np.std(np.concatenate([comfort.make(ROW, 160) for _ in range(50)])))


def test_a_row_of_which_nothing_is_known_is_silent() -> None:
    assert loudness(noise()) == 0


@pytest.mark.parametrize("level", [50, 60, 70])
def test_the_announced_level_is_made(level: int) -> None:
    comfort = noise()
    comfort.announce(1, np.array([level, 99, 98], dtype=np.uint8))
    assert loudness(comfort) == pytest.approx(amplitude(-level), rel=0.05)


@pytest.mark.parametrize("payload", [[0], [5], [128]])
def test_nobody_can_announce_a_roar(payload: list[int]) -> None:
    comfort = noise()
    comfort.announce(1, np.array(payload, dtype=np.uint8))
    comfort.announce(1, np.zeros(0, dtype=np.uint8))
    assert loudness(comfort) == pytest.approx(amplitude(LOUDEST_DBOV), rel=0.05)


def test_the_floor_is_the_pauses_not_the_voice() -> None:
    comfort = noise()
    for number in range(400 // LISTEN_EVERY):  # 8 s: 1 s of voice, 0.5 s of pause
        speaking = number * LISTEN_EVERY % 75 < 50
        comfort.listen(ROW, frame(3000 if speaking else 25, number))
    assert loudness(comfort) < 40
    assert comfort.quiet(ROW, frame(25, 1001))[0]
    assert not comfort.quiet(ROW, frame(300, 1001))[0]


def test_audio_ends_what_was_announced() -> None:
    comfort = noise()
    comfort.announce(1, np.array([45], dtype=np.uint8))
    comfort.listen(ROW, frame(10))
    assert loudness(comfort) < 15
