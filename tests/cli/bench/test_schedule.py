"""What the load process is to send."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.cli.bench.schedule import GRID_S, Impairment, frames_in, plan
from ari_bridge.core.errors import SettingsError


def test_every_call_sends_each_20_ms() -> None:
    schedule = plan(7, 50, Impairment(), np.random.default_rng(1))
    assert len(schedule) == 350
    assert np.all(np.diff(schedule.due_s) >= 0)
    for call in range(7):
        own = schedule.call == call
        assert schedule.frame[own].tolist() == list(range(50))
        assert np.allclose(np.diff(schedule.due_s[own]), 0.02, atol=GRID_S + 1e-9)


def test_impairments_are_what_was_asked_for() -> None:
    schedule = plan(20, 1000, Impairment(loss=0.05, jitter_s=0.03), np.random.default_rng(1))
    assert 0.04 < 1 - len(schedule) / 20_000 < 0.06
    own = np.flatnonzero(schedule.call == 3)
    assert np.any(np.diff(schedule.frame[own]) < 0), "packets overtake each other"
    delay_s = schedule.due_s[own] - schedule.frame[own] * 0.02
    assert float(np.mean(delay_s - delay_s.min())) == pytest.approx(0.03, rel=0.2)


def test_impairments_are_read() -> None:
    assert Impairment.parse("loss=5,jitter=30") == Impairment(0.05, 0.03)
    assert Impairment.parse("") == Impairment()


@pytest.mark.parametrize("text", ["loss", "loss=x", "loss=-1", "loss=101", "los=5", "jitter=nan"])
def test_what_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="--impair"):
        Impairment.parse(text)


def test_no_more_frames_than_can_be_told_apart() -> None:
    with pytest.raises(SettingsError, match="--seconds: at most 153"):
        frames_in(1000)
