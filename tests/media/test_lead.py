"""The lead finds what nearly all builds need."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.lead import LONG_ENOUGH, START_S, WAKE_UP_S, Lead


@pytest.mark.parametrize("usual_s", [0.0003, 0.0015])
def test_nearly_all_builds_are_done_in_time(usual_s: float) -> None:
    lead, rng = Lead(), np.random.default_rng(3)
    in_time = []
    for _ in range(6000):
        took_s = usual_s + rng.exponential(0.0001)
        in_time.append(took_s + WAKE_UP_S <= lead.seconds)
        lead.took(took_s)
    assert np.mean(in_time[2000:]) == pytest.approx(LONG_ENOUGH, abs=0.01)
    assert usual_s < lead.seconds < usual_s + 0.001, "and nothing waits longer than that"


def test_a_standstill_is_no_reason_to_begin_much_earlier() -> None:
    lead = Lead()
    lead.took(3.0)
    assert lead.seconds == START_S
    for _ in range(1000):
        lead.took(0.0025)
    assert lead.seconds <= 0.0025
