"""How late packets leave, against the instant they were due: a histogram for each row.

The rows of a lot are late together, so a lot's lateness is counted once, and given to its rows now and then.

The buckets grow by a fourth root of two, from 1/16 ms to a quarter of a second, so that a quantile is known
within 19 % at any magnitude. The last bucket also holds what was later still.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_FIRST_S = 0.0625e-3
_A_DOUBLING = 4
PACING_BUCKETS = 1 + 12 * _A_DOUBLING


HELD_BACK = 10
"""Packets of a row at most that are not in its histogram yet: 0.2 s."""


@dataclass(slots=True)
class _LotCounts:
    slots: NDArray[np.int64]
    held_back: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * PACING_BUCKETS)


class PacingHistogram:
    """Counts into `counts`, shape (rows, PACING_BUCKETS)."""

    def __init__(self, counts: NDArray[np.uint32]) -> None:
        self._counts = counts
        self._lots: dict[int, _LotCounts] = {}
        """By the identity of the array of slots, which is kept here, so none can take its place."""

    def add(self, slots: NDArray[np.int64], late_s: float) -> None:
        """One packet of each row left that late. A row occurs at most once, and the array is not changed."""
        lot = self._lots.get(id(slots))
        if lot is None:
            lot = self._lots[id(slots)] = _LotCounts(slots)
        lot.counts[_bucket(late_s)] += 1
        lot.held_back += 1
        if lot.held_back == HELD_BACK:
            self._give(self._lots.pop(id(slots)))

    def flush(self) -> None:
        """Hold nothing back. To be called before rows come or go."""
        for lot in self._lots.values():
            self._give(lot)
        self._lots.clear()

    def _give(self, lot: _LotCounts) -> None:
        self._counts[lot.slots] += np.array(lot.counts, dtype=np.uint32)


_EDGES_S = [_FIRST_S * 2 ** (bucket / _A_DOUBLING) for bucket in range(PACING_BUCKETS - 1)]


def _bucket(late_s: float) -> int:
    """The bucket whose upper edge is the first at or above it."""
    return bisect_left(_EDGES_S, late_s)


def quantile_ms(counts: NDArray[np.uint32], share: float) -> float:
    """The lateness that `share` of the packets did not exceed: the upper edge of its bucket. `counts` has
    shape (PACING_BUCKETS,); 0.0 when it is empty."""
    total = int(counts.sum())
    if not total:
        return 0.0
    bucket = int(np.searchsorted(np.cumsum(counts, dtype=np.int64), math.ceil(share * total)))
    return float(_FIRST_S * 1000 * 2 ** (bucket / _A_DOUBLING))
