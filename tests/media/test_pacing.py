"""The histogram of lateness: quantiles to within a bucket, at any magnitude."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.pacing import PACING_BUCKETS, PacingHistogram, quantile_ms

BUCKET = 2**0.25


def histogram(late_s: list[float]) -> np.ndarray:
    counts = np.zeros((3, PACING_BUCKETS), dtype=np.uint32)
    pacing = PacingHistogram(counts)
    slots = np.array([0, 2])
    for late in late_s:
        pacing.add(slots, late)
    pacing.flush()
    assert not counts[1].any()
    np.testing.assert_array_equal(counts[0], counts[2])
    return counts[0]


@given(st.lists(st.floats(0.0001, 0.25), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_at_most_a_bucket_too_high(late_s: list[float], share: float) -> None:
    exact_ms = 1000 * sorted(late_s)[int(np.ceil(share * len(late_s))) - 1]
    assert exact_ms / (1 + 1e-9) <= quantile_ms(histogram(late_s), share) <= exact_ms * BUCKET * (1 + 1e-9)


def test_the_ends() -> None:
    assert quantile_ms(histogram([]), 0.99) == 0.0
    assert quantile_ms(histogram([-1e-6, 0.0, 1e-5]), 0.99) == 0.0625
    assert quantile_ms(histogram([60.0]), 0.99) == pytest.approx(256.0)


def test_one_in_a_hundred_does_not_move_the_99th_percentile() -> None:
    assert quantile_ms(histogram([0.0005] * 99 + [0.1]), 0.99) < 0.6
    assert quantile_ms(histogram([0.0005] * 98 + [0.1] * 2), 0.99) > 99
