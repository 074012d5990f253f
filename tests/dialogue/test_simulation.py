"""Thousands of turns in which everybody misbehaves (simulation.py; 10 000 of them as a script)."""

from __future__ import annotations

import pytest

from tests.dialogue.simulation import simulate


@pytest.mark.parametrize("seed", [0, 100_000])
def test_whatever_happens_effects_happen_once_and_no_call_is_stuck(seed: int) -> None:
    counts = simulate(1200, seed=seed)
    assert counts["effects"] > 200
    assert counts["interruptions"] > 100
