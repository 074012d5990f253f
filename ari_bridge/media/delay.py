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

Frames leave whole: a packet that begins in the middle of one must have come when the frame begins. So what
helps against jitter is not the delay but the *slack*, the delay less how far into a frame packets begin, and
that changes by whole frames only. The target is led to a delay at which packets begin with frames, with no
less slack than the quantile wants, give or take a tenth (fit_to_frames).

*Drift* is how much faster the sender's clock runs than ours: the least lateness of ten seconds falls by as
much from one ten to the next. It needs no remedy of its own: the delay leaves its target, and is led back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS

REVIEW_S = 0.5
"""How often review() is to be called for a row."""
_WINDOWS = 4
_BUCKETS = 100
_BUCKET_S = 0.005
_QUANTILE = 0.95
_FORGET = 0.983
_START_WEIGHT = 2.0
_FRAME_S = FRAME_MS / 1000
_TOLERANCE = 0.1
"""Of the quantile, within which the slack is left as it is."""
_SETTLED_REVIEWS = 4
"""Before that the delay is not made shorter: two seconds without jitter prove little."""
_DRIFT_REVIEWS = 20
_DRIFT_MAX = 1e-3
"""A path, not a clock, changes by more than 1000 ppm."""
_DRIFT_SMOOTHING = 0.5


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
        # A column each: a packet touches few of them, and gathering records costs ten times as much.
        self._least_s = np.zeros(rows)  # lateness, of the last two seconds, this half second included
        self._least_now_s = np.zeros(rows)  # of this half second
        self._least_before_s = np.zeros((rows, _WINDOWS))  # of each of the last half seconds
        self._least_ten_s = np.zeros(rows)  # of these ten seconds
        self._least_ten_before_s = np.zeros(rows)
        self._worst_s = np.zeros(rows)  # relative delay of this half second
        self._last_s = np.zeros(rows)  # lateness of the packet before
        self._drift_known = np.zeros(rows, dtype=np.bool_)
        self._histogram = np.zeros((rows, _BUCKETS), dtype=np.float32)
        self._wanted_s = np.zeros(rows)  # the quantile
        self._reviews = np.zeros(rows, dtype=np.int64)
        self.jitter_s = np.zeros(rows)
        """Interarrival jitter of each row, RFC 3550 section 6.4.1."""
        self.target_s = np.zeros(rows)
        self.drift = np.zeros(rows)
        """Of the sender's clock: 1e-4 is 100 ppm faster than ours."""

    def start(self, slots: NDArray[np.int64]) -> None:
        """New streams."""
        for least_s in (self._least_s, self._least_now_s, self._least_ten_s, self._least_ten_before_s):
            least_s[slots] = np.inf
        self._least_before_s[slots] = np.inf
        for known in (self._worst_s, self.jitter_s, self.drift, self._histogram, self._reviews):
            known[slots] = 0
        self._drift_known[slots] = False
        self._last_s[slots] = np.nan
        self.target_s[slots] = self._allowed.start_s

    def observe(self, slots: NDArray[np.int64], lateness_s: NDArray[np.float64]) -> None:
        """One packet a row has come."""
        least_s = np.minimum(self._least_s[slots], lateness_s)
        self._least_s[slots] = least_s
        self._least_now_s[slots] = np.minimum(self._least_now_s[slots], lateness_s)
        self._worst_s[slots] = np.maximum(self._worst_s[slots], lateness_s - least_s)
        change_s = np.abs(lateness_s - self._last_s[slots])
        self._last_s[slots] = lateness_s
        jitter_s = self.jitter_s[slots]
        step_s = np.where(change_s < 1.0, change_s - jitter_s, 0.0)  # no NaN, no jump
        self.jitter_s[slots] = jitter_s + step_s / 16

    def shift(self, slot: int, seconds: float) -> None:
        """The play head of a row has moved: from now on packets wait longer by `seconds` (shorter when
        negative)."""
        for lateness_s in (self._least_s, self._least_now_s, self._least_ten_s, self._least_ten_before_s):
            lateness_s[slot] -= seconds
        self._last_s[slot] -= seconds
        self._least_before_s[slot] -= seconds

    def delay_s(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """How long the fastest packet of the last two seconds waited; infinite when none came."""
        delay: NDArray[np.float64] = -self._least_s[slots]
        return np.where(np.isfinite(delay), delay, np.inf)

    def error_s(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """By how much the delay is longer than its target; 0.0 where nothing can be said."""
        error = -self._least_s[slots] - self.target_s[slots]
        known = np.isfinite(error) & ((error < 0) | (self._reviews[slots] >= _SETTLED_REVIEWS))
        return np.where(known, error, 0.0)

    def review(self, slots: NDArray[np.int64]) -> None:
        """Another REVIEW_S has passed: find the target and the drift anew."""
        slots = slots[np.isfinite(self._least_now_s[slots])]
        if not len(slots):
            return
        self._reviews[slots] += 1
        reviews = self._reviews[slots]
        wanted_s = self._quantile_s(slots, self._worst_s[slots], reviews)
        self._wanted_s[slots] = wanted_s
        self.target_s[slots] = np.clip(wanted_s, self._allowed.min_s, self._allowed.max_s)
        self._follow_drift(slots, reviews)
        self._least_before_s[slots, reviews % _WINDOWS] = self._least_now_s[slots]
        recent_s = self._least_before_s[slots]
        recent_s[np.arange(len(slots)), (reviews + 1) % _WINDOWS] = np.inf  # the next one to be filled
        self._least_s[slots] = recent_s.min(axis=1)
        self._least_now_s[slots] = np.inf
        self._worst_s[slots] = 0.0

    def fit_to_frames(self, slots: NDArray[np.int64], beside_s: NDArray[np.float64]) -> None:
        """Move the targets, after a review, to where they are of use. `beside_s` is how far into a frame each
        row's packets begin."""
        known = np.isfinite(self._least_s[slots])
        slots = slots[known]
        slack_s = -self._least_s[slots] - beside_s[known]
        wanted_s = self._wanted_s[slots]
        lacking = np.ceil((wanted_s * (1 - _TOLERANCE) - slack_s) / _FRAME_S)
        spare = np.floor((slack_s - wanted_s * (1 + _TOLERANCE)) / _FRAME_S)
        frames = np.where(lacking > 0, lacking, np.where(spare > 0, -spare, 0.0))
        fitting_s = slack_s + frames * _FRAME_S
        self.target_s[slots] = np.clip(fitting_s, self._allowed.min_s, self._allowed.max_s)

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
        quantile_s: NDArray[np.float64] = (at + inside) * _BUCKET_S
        return quantile_s

    def _follow_drift(self, slots: NDArray[np.int64], reviews: NDArray[np.int64]) -> None:
        """Between two tens the slope of their least lateness is the drift."""
        self._least_ten_s[slots] = np.minimum(self._least_ten_s[slots], self._least_now_s[slots])
        full = slots[reviews % _DRIFT_REVIEWS == 0]
        if not len(full):
            return
        fall_s = self._least_ten_before_s[full] - self._least_ten_s[full]
        slope = fall_s / (_DRIFT_REVIEWS * REVIEW_S)
        clock = np.abs(slope) < _DRIFT_MAX  # an infinite one neither
        rows, slope = full[clock], slope[clock]
        drift = self.drift[rows]
        smoothed = drift + _DRIFT_SMOOTHING * (slope - drift)
        self.drift[rows] = np.where(self._drift_known[rows], smoothed, slope)
        self._drift_known[rows] = True
        self._least_ten_before_s[full] = self._least_ten_s[full]
        self._least_ten_s[full] = np.inf

    @property
    def max_s(self) -> float:
        """The longest delay that is allowed."""
        return self._allowed.max_s
