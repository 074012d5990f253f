"""How long each call's packets should wait: a delay manager over all rows, after NetEQ's.

A packet's *lateness* is its arrival minus the time at which its first sample is to be played: negative while
it waits in the buffer. All lateness of a stream lies on one line, which moves only when the play head does
(shift). So the least lateness of the last two seconds is that of the fastest packet, and

    delay      = -least lateness               how long the fastest packet waits now
    relative   = lateness - least lateness     how much slower a packet was than the fastest

Every half second the worst relative delay enters a histogram of 5 ms buckets that forgets (factor 0.983 a
time, faster in the beginning). Its 95 % quantile is the *target*: what the delay ought to be, within the
operator's bounds. With minimum = maximum the delay is fixed, and only drift is corrected.
(WebRTC's NetEQ: delay_manager.cc, relative_arrival_delay_tracker.cc, histogram.cc.)

*Drift* is how much faster the sender's clock runs than ours: the least lateness of ten seconds falls by as
much from one ten to the next. It needs no remedy of its own: the delay leaves its target, and is led back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REVIEW_S = 0.5
"""How often review() is to be called for a row."""
_WINDOWS = 4
_BUCKETS = 100
_BUCKET_S = 0.005
_QUANTILE = 0.95
_FORGET = 0.983
_START_WEIGHT = 2.0
_SETTLED_REVIEWS = 4
"""Before that the delay is not made shorter: two seconds without jitter prove little."""
_DRIFT_REVIEWS = 20
_DRIFT_MAX = 1e-3
"""A path, not a clock, changes by more than 1000 ppm."""
_DRIFT_SMOOTHING = 0.5

_STATE = np.dtype(
    [
        ("least_s", "f8"),  # of the last two seconds, this half second included
        ("least_now_s", "f8"),  # of this half second
        ("worst_s", "f8"),  # relative delay of this half second
        ("last_s", "f8"),  # lateness of the packet before
        ("jitter_s", "f8"),
        ("target_s", "f8"),
        ("least_ten_s", "f8"),  # of these ten seconds
        ("least_ten_before_s", "f8"),
        ("drift", "f8"),  # 0.0001: the sender's clock is 100 ppm faster than ours
        ("drift_known", "?"),
    ],
    align=True,
)


@dataclass(frozen=True, slots=True)
class DelayRange:
    """What the operator allows, in seconds."""

    start_s: float
    min_s: float
    max_s: float

    @classmethod
    def fixed(cls, delay_s: float) -> DelayRange:
        return cls(delay_s, delay_s, delay_s)


class DelayManager:
    """State of up to `rows` streams. Slots are row numbers, arrays of shape (n,), each slot at most once."""

    def __init__(self, rows: int, allowed: DelayRange) -> None:
        self._allowed = allowed
        self._state = np.zeros(rows, dtype=_STATE)
        self._least_s = np.zeros((rows, _WINDOWS), dtype=np.float64)
        self._histogram = np.zeros((rows, _BUCKETS), dtype=np.float32)
        self._reviews = np.zeros(rows, dtype=np.int64)
        self.jitter_s = self._state["jitter_s"]
        """Interarrival jitter of each row, RFC 3550 section 6.4.1."""
        self.target_s = self._state["target_s"]
        self.drift = self._state["drift"]
        """Of the sender's clock: 1e-4 is 100 ppm faster than ours."""

    def start(self, slots: NDArray[np.int64]) -> None:
        """New streams."""
        fresh = np.zeros(1, dtype=_STATE)
        for field in ("least_s", "least_now_s", "least_ten_s", "least_ten_before_s"):
            fresh[field] = np.inf
        fresh["last_s"] = np.nan
        fresh["target_s"] = self._allowed.start_s
        self._state[slots] = fresh
        self._least_s[slots] = np.inf
        self._histogram[slots] = 0
        self._reviews[slots] = 0

    def observe(self, slots: NDArray[np.int64], lateness_s: NDArray[np.float64]) -> None:
        """One packet a row has come."""
        state = self._state[slots]
        least = np.minimum(state["least_s"], lateness_s)
        state["least_s"] = least
        state["least_now_s"] = np.minimum(state["least_now_s"], lateness_s)
        state["worst_s"] = np.maximum(state["worst_s"], lateness_s - least)
        change = np.abs(lateness_s - state["last_s"])
        state["last_s"] = lateness_s
        state["jitter_s"] += np.where(change < 1.0, (change - state["jitter_s"]) / 16, 0.0)  # no NaN, no jump
        self._state[slots] = state

    def shift(self, slot: int, seconds: float) -> None:
        """The play head of a row has moved: from now on packets wait longer by `seconds` (shorter when
        negative)."""
        for field in ("least_s", "least_now_s", "last_s", "least_ten_s", "least_ten_before_s"):
            self._state[field][slot] -= seconds
        self._least_s[slot] -= seconds

    def delay_s(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """How long the fastest packet of the last two seconds waited; infinite when none came."""
        delay: NDArray[np.float64] = -self._state["least_s"][slots]
        return np.where(np.isfinite(delay), delay, np.inf)

    def error_s(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """By how much the delay is longer than its target; 0.0 where nothing can be said."""
        state = self._state[slots]
        error = -state["least_s"] - state["target_s"]
        known = np.isfinite(error) & ((error < 0) | (self._reviews[slots] >= _SETTLED_REVIEWS))
        return np.where(known, error, 0.0)

    def review(self, slots: NDArray[np.int64]) -> None:
        """Another REVIEW_S has passed: find the target and the drift anew."""
        state = self._state[slots]
        came = np.isfinite(state["least_now_s"])
        if not came.all():
            slots, state = slots[came], state[came]
        if not len(slots):
            return
        self._reviews[slots] += 1
        reviews = self._reviews[slots]
        state["target_s"] = self._quantile_s(slots, state["worst_s"], reviews)
        self._follow_drift(state, reviews)
        self._least_s[slots, reviews % _WINDOWS] = state["least_now_s"]
        recent = self._least_s[slots]
        recent[np.arange(len(slots)), (reviews + 1) % _WINDOWS] = np.inf  # the next one to be filled
        state["least_s"] = recent.min(axis=1)
        state["least_now_s"] = np.inf
        state["worst_s"] = 0.0
        self._state[slots] = state

    def _quantile_s(
        self, slots: NDArray[np.int64], worst_s: NDArray[np.float64], reviews: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Take in the worst delays, and find the target, interpolated within its bucket."""
        bucket = np.minimum(worst_s / _BUCKET_S, _BUCKETS - 1).astype(np.int64)
        keep = np.clip(1 - _START_WEIGHT / (reviews + 1), 0.0, _FORGET).astype(np.float32)
        histogram = self._histogram[slots] * keep[:, None]
        each = np.arange(len(slots))
        histogram[each, bucket] += 1 - keep
        self._histogram[slots] = histogram
        below = np.cumsum(histogram, axis=1)
        wanted = _QUANTILE * below[:, -1]
        at = np.argmax(below >= wanted[:, None], axis=1)
        inside = 1 - (below[each, at] - wanted) / histogram[each, at]
        target: NDArray[np.float64] = (at + inside) * _BUCKET_S
        return np.clip(target, self._allowed.min_s, self._allowed.max_s)

    def _follow_drift(self, state: NDArray[np.void], reviews: NDArray[np.int64]) -> None:
        """In place. Between two tens the slope of their least lateness is the drift."""
        state["least_ten_s"] = np.minimum(state["least_ten_s"], state["least_now_s"])
        full = reviews % _DRIFT_REVIEWS == 0
        if not full.any():
            return
        slope = (state["least_ten_before_s"] - state["least_ten_s"]) / (_DRIFT_REVIEWS * REVIEW_S)
        clock = full & (np.abs(slope) < _DRIFT_MAX)  # an infinite one neither
        smoothed = np.where(
            state["drift_known"], state["drift"] + _DRIFT_SMOOTHING * (slope - state["drift"]), slope
        )
        state["drift"] = np.where(clock, smoothed, state["drift"])
        state["drift_known"] |= clock
        state["least_ten_before_s"] = np.where(full, state["least_ten_s"], state["least_ten_before_s"])
        state["least_ten_s"] = np.where(full, np.inf, state["least_ten_s"])

    @property
    def max_s(self) -> float:
        """The longest delay that is allowed."""
        return self._allowed.max_s
