"""How a caller pauses: running statistics of the pauses inside turns, and of how many there are.

Pauses inside turns are about log-normal (E. Campione, J. Véronis, "A Large-Scale Multilingual Study of Silent
Pause Duration", Speech Prosody 2002): their logarithm has a mean and a deviation, which are kept with an
exponential window, since a caller who starts to read from a letter pauses in another way than before. Until
there is evidence a prior stands in for it, with the weight of a few pauses.
"""

from __future__ import annotations

import math
from statistics import NormalDist

PAUSE_MIN_MS = 100
"""Less is the closure of a consonant."""
PAUSE_MAX_MS = 5000
"""More is not a pause but the caller's attention elsewhere."""
SPREAD = 0.65
"""Deviation of the logarithm before anything is known."""
SPREAD_MIN, SPREAD_MAX = 0.4, 1.0
PRIOR_WEIGHT = 4.0
MEMORY = 20
"""So many of the latest pauses count, about."""
HABIT_WEIGHT = 6.0
HABIT_MAX = math.log(2.5)

_NORMAL = NormalDist()


class Pauses:
    """One caller's, for as long as the call lasts."""

    def __init__(self, median_ms: float) -> None:
        """`median_ms`: of pauses inside turns, before anything is known."""
        self._mean = math.log(median_ms)
        self._variance = SPREAD**2
        self._weight = PRIOR_WEIGHT
        self._inside = self._ends = 0.0

    def went_on(self, after_ms: float) -> None:
        """The caller was silent for so long, and then the same turn went on: also one that had been taken for
        finished."""
        if after_ms < PAUSE_MIN_MS:
            return
        share = 1 / (min(self._weight, MEMORY) + 1)
        surprise = math.log(min(after_ms, PAUSE_MAX_MS)) - self._mean
        self._mean += share * surprise
        self._variance += share * ((1 - share) * surprise**2 - self._variance)
        self._weight += 1
        self._inside = self._forget(self._inside) + 1
        self._ends = self._forget(self._ends)

    def ended(self) -> None:
        """A turn was over."""
        self._inside = self._forget(self._inside)
        self._ends = self._forget(self._ends) + 1

    @staticmethod
    def _forget(count: float) -> float:
        return count * (1 - 1 / MEMORY)

    @property
    def median_ms(self) -> float:
        return math.exp(self._mean)

    @property
    def spread(self) -> float:
        """Deviation of the logarithm."""
        return min(max(math.sqrt(self._variance), SPREAD_MIN), SPREAD_MAX)

    @property
    def log_odds(self) -> float:
        """Of the next pause being inside a turn: how much more than even, in nats. About as many pauses as
        ends are expected of a caller of whom nothing is known."""
        odds = (self._inside + HABIT_WEIGHT) / (self._ends + HABIT_WEIGHT)
        return min(max(math.log(odds), -HABIT_MAX), HABIT_MAX)

    def longer_than_ms(self, share: float) -> float:
        """The length that only this share (0..1) of the pauses exceed; 0.0 for all of them."""
        if share >= 1:
            return 0.0
        return self.median_ms * math.exp(quantile(share) * self.spread)


def quantile(share: float) -> float:
    """Of the standard normal distribution: exceeded by `share` of it."""
    return _NORMAL.inv_cdf(1 - min(max(share, 1e-9), 1 - 1e-9))
