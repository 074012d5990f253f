"""How late packets leave, against the instant they were due: a histogram for each row.

The buckets grow by a fourth root of two, from 1/16 ms to a quarter of a second, so that a quantile is known
within 19 % at any magnitude. The last bucket also holds what was later still.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_FIRST_S = 0.0625e-3
_A_DOUBLING = 4
PACING_BUCKETS = 1 + 12 * _A_DOUBLING


class PacingHistogram:
    """Counts into `counts`, shape (rows, PACING_BUCKETS)."""

    def __init__(self, counts: NDArray[np.uint32]) -> None:
        self._counts = counts.reshape(-1)

    def add(self, slots: NDArray[np.int64], late_s: float) -> None:
        """One packet of each row left that late. A row occurs at most once."""
        self._counts[slots * PACING_BUCKETS + _bucket(late_s)] += 1


def _bucket(late_s: float) -> int:
    """The bucket whose upper edge is the first at or above it."""
    if late_s <= _FIRST_S:
        return 0
    return min(math.ceil(math.log2(late_s / _FIRST_S) * _A_DOUBLING), PACING_BUCKETS - 1)


def quantile_ms(counts: NDArray[np.uint32], share: float) -> float:
    """The lateness that `share` of the packets did not exceed: the upper edge of its bucket. `counts` has
    shape (PACING_BUCKETS,); 0.0 when it is empty."""
    total = int(counts.sum())
    if not total:
        return 0.0
    bucket = int(np.searchsorted(np.cumsum(counts, dtype=np.int64), math.ceil(share * total)))
    return float(_FIRST_S * 1000 * 2 ** (bucket / _A_DOUBLING))
