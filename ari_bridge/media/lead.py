"""How long before they are due packets are built.

Building takes more or less long, as the number of rows and the state of the processor's caches have it, and
that is not to be heard. But what is built early waits, and holds no audio that came later: so the lead is no
longer than LONG_ENOUGH of the builds need. It follows that quantile by stochastic approximation (Robbins and
Monro, 1951): a step up for each build that took longer, a smaller one down for each that did not.
"""

from __future__ import annotations

LONG_ENOUGH = 0.98
START_S = 0.0008
WAKE_UP_S = 0.0001
"""How late we may be when we begin."""
_SHORTEST_S, _LONGEST_S = 0.0001, 0.0025
_STEP_S = 0.00005


class Lead:
    def __init__(self) -> None:
        self.seconds = START_S

    def took(self, seconds: float) -> None:
        """How long a build took. More than the longest lead is a standstill, of which nothing is to be
        learnt."""
        if seconds > _LONGEST_S:
            return
        longer = seconds + WAKE_UP_S > self.seconds
        step_s = _STEP_S * (LONG_ENOUGH if longer else LONG_ENOUGH - 1)
        self.seconds = min(max(self.seconds + step_s, _SHORTEST_S), _LONGEST_S)
