"""The delay manager: what it makes of packets' lateness."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.delay import REVIEW_S, DelayManager, DelayRange

ROWS = 50
SLOTS = np.arange(ROWS)
PACKET_S = 0.02
WIDE = DelayRange(0.04, 0.005, 0.4)


def fed(
    jitter_s: np.ndarray, allowed: DelayRange = WIDE, drift: float = 0.0, lead_s: float = 0.1
) -> DelayManager:
    """After packets that wait `lead_s` but for their jitter, of shape (packets, ROWS)."""
    manager = DelayManager(ROWS, allowed)
    manager.start(SLOTS)
    for number, jitter in enumerate(jitter_s):
        manager.observe(SLOTS, jitter - lead_s - drift * number * PACKET_S)
        if (number + 1) % round(REVIEW_S / PACKET_S) == 0:
            manager.review(SLOTS)
    return manager


def exponential(mean_s: float, seconds: float) -> np.ndarray:
    return np.random.default_rng(2).exponential(mean_s, (round(seconds / PACKET_S), ROWS))


def test_the_delay_is_that_of_the_fastest_packet() -> None:
    manager = fed(exponential(0.008, 4))
    assert manager.delay_s(SLOTS) == pytest.approx(0.1, abs=0.001)


def test_the_target_covers_nearly_all_packets_and_no_more() -> None:
    target = fed(exponential(0.008, 60)).target_s
    assert 0.04 < np.mean(target) < 0.056
    assert np.exp(-target / 0.008).mean() < 0.005


@pytest.mark.parametrize(
    "allowed", [DelayRange(0.04, 0.03, 0.2), DelayRange.fixed(0.06), DelayRange(0.02, 0, 0.02)]
)
def test_the_target_keeps_to_what_is_allowed(allowed: DelayRange) -> None:
    for mean_s in (0.0, 0.1):
        target = fed(exponential(mean_s, 10), allowed).target_s
        assert np.all((target >= allowed.min_s) & (target <= allowed.max_s))


def test_jitter_that_ends_is_forgotten_within_a_minute_or_two() -> None:
    calm = np.zeros((round(90 / PACKET_S), ROWS))
    target = fed(np.concatenate([exponential(0.03, 20), calm])).target_s
    assert np.all(target < 0.02)


@pytest.mark.parametrize("drift", [-2e-4, 0.0, 5e-5, 2e-4])
def test_drift_is_measured(drift: float) -> None:
    manager = fed(exponential(0.003, 60), drift=drift)
    assert manager.drift.mean() == pytest.approx(drift, abs=5e-6)


def test_a_slower_path_is_no_drift() -> None:
    jitter = exponential(0.001, 60)
    jitter[1400:] += 0.08
    assert np.abs(fed(jitter).drift).max() < 2e-5


def test_jitter_is_that_of_rfc_3550() -> None:
    jitter_s = exponential(0.005, 20)
    expected, last = np.zeros(ROWS), jitter_s[0]
    for now in jitter_s[1:]:
        expected += (np.abs(now - last) - expected) / 16
        last = now
    assert fed(jitter_s).jitter_s == pytest.approx(expected)


def test_a_moved_play_head_changes_the_delay_and_nothing_else() -> None:
    moved, still = fed(exponential(0.005, 10)), fed(exponential(0.005, 10))
    moved.shift(3, 0.02)
    assert moved.delay_s(SLOTS)[3] == pytest.approx(still.delay_s(SLOTS)[3] + 0.02)
    moved.observe(SLOTS, np.where(SLOTS == 3, -0.12, -0.1))
    still.observe(SLOTS, np.full(ROWS, -0.1))
    assert moved.jitter_s == pytest.approx(still.jitter_s)
    moved.review(SLOTS)
    still.review(SLOTS)
    assert moved.target_s == pytest.approx(still.target_s)


def test_a_silent_row_is_left_alone() -> None:
    manager = fed(exponential(0.005, 10))
    before = manager.target_s.copy()
    for _ in range(10):
        manager.review(SLOTS)
    assert np.array_equal(manager.target_s, before)
    manager.start(SLOTS)
    assert np.all(np.isinf(manager.delay_s(SLOTS)))
    assert np.all(manager.error_s(SLOTS) == 0)


@pytest.mark.parametrize(("beside_s", "lead_s"), [(0.0, 0.1), (0.0125, 0.1), (0.0175, 0.03), (0.0, 0.018)])
def test_the_target_is_fit_to_frames(beside_s: float, lead_s: float) -> None:
    """Packets that begin beside a frame must have come when it begins: that time must suffice."""
    manager = fed(exponential(0.008, 60), lead_s=lead_s)
    wanted_s = manager.target_s.copy()
    manager.fit_to_frames(SLOTS, np.full(ROWS, beside_s))
    slack_s = manager.target_s  # at the target packets begin with frames
    assert np.all(slack_s >= 0.89 * wanted_s)
    assert np.all(slack_s <= 1.1 * wanted_s + 0.02)
    frames = (slack_s - (manager.delay_s(SLOTS) - beside_s)) / 0.02
    assert frames == pytest.approx(np.rint(frames), abs=1e-6), "only whole frames change it"


def test_a_fixed_delay_is_not_fit_to_frames() -> None:
    manager = fed(exponential(0.008, 10), DelayRange.fixed(0.06))
    manager.fit_to_frames(SLOTS, np.full(ROWS, 0.0125))
    assert np.all(manager.target_s == 0.06)
