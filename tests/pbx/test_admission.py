"""Whether one more call is taken, with the clock turned by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.pbx.admission import Admission
from ari_bridge.pbx.causes import Cause
from ari_bridge.settings import LimitSettings, MediaSettings, Settings


def admission(rows: int = 256, **limits: float) -> Admission:
    return Admission(
        Settings(media=MediaSettings(max_calls=rows), limits=LimitSettings.model_validate(limits))
    )


def test_without_limits_the_media_planes_rows_are_one() -> None:
    door = admission(rows=2)
    assert door.refusal(1, 0.0) is None
    assert door.refusal(2, 0.0) is Cause.BUSY


@pytest.mark.parametrize(("rows", "wanted", "most"), [(10, 3, 3), (3, 10, 3)])
def test_the_lower_limit_counts(rows: int, wanted: int, most: int) -> None:
    door = admission(rows, max_calls=wanted)
    assert door.refusal(most - 1, 0.0) is None
    assert door.refusal(most, 0.0) is Cause.BUSY
    assert door.max_calls == most


def test_a_seconds_worth_may_come_at_once_and_then_so_many_a_second() -> None:
    door = admission(calls_per_second=3)
    burst = [door.refusal(0, 100.0) for _ in range(4)]
    assert burst == [None, None, None, Cause.TOO_MANY_PER_SECOND]
    assert door.refusal(0, 100.3) is Cause.TOO_MANY_PER_SECOND
    assert door.refusal(0, 100.34) is None
    assert door.refusal(0, 100.35) is Cause.TOO_MANY_PER_SECOND


def test_less_than_one_a_second() -> None:
    door = admission(calls_per_second=0.5)
    assert door.refusal(0, 0.0) is None
    assert door.refusal(0, 1.9) is Cause.TOO_MANY_PER_SECOND
    assert door.refusal(0, 2.1) is None


def test_whoever_leaves_takes_nobody() -> None:
    door = admission()
    door.draining = True
    assert door.refusal(0, 0.0) is Cause.DRAINING


@given(
    st.lists(st.floats(0, 2), max_size=60),
    st.sampled_from([0.5, 1.0, 2.5, 10.0]),
)
def test_the_rate_holds_over_every_stretch_of_time(pauses: Sequence[float], rate_hz: float) -> None:
    door = admission(calls_per_second=rate_hz)
    now, taken = 50.0, []
    for pause_s in pauses:
        now += pause_s
        if door.refusal(0, now) is None:
            taken.append(now)
    burst = max(1.0, rate_hz)
    for first, from_s in enumerate(taken):
        for last, to_s in enumerate(taken[first:], first):
            assert last - first + 1 <= burst + (to_s - from_s) * rate_hz + 1e-6
