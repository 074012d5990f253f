"""A circuit breaker: who has failed several times in a row is not asked for a while. No I/O.

    CLOSED ──failures_max failures in a row──▶ OPEN ──rest_s later──▶ HALF_OPEN
      ▲                                         ▲                        │
      └───────────────── success ───────────────┼──────── success ───────┤
                                                └──────── failure ───────┘

Half open, one request at a time is let through to see whether it works again. (M. Nygard, "Release It!",
2nd edition, 2018, chapter 5.)
"""

from __future__ import annotations

from enum import Enum, auto


class BreakerState(Enum):
    CLOSED = auto()
    OPEN = auto()
    HALF_OPEN = auto()


class CircuitBreaker:
    def __init__(self, *, failures_max: int, rest_s: float) -> None:
        self._failures_max, self._rest_s = failures_max, rest_s
        self._failures = 0
        self._open_until_s = 0.0
        self._trying = False

    def state(self, now: float) -> BreakerState:
        if self._failures < self._failures_max:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._open_until_s else BreakerState.HALF_OPEN

    def allows(self, now: float) -> bool:
        """Whether a request may be made."""
        state = self.state(now)
        return state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not self._trying)

    def asked(self, now: float) -> None:
        """A request is being made."""
        self._trying = self.state(now) is BreakerState.HALF_OPEN

    def worked(self) -> None:
        self._failures, self._trying = 0, False

    def failed(self, now: float) -> None:
        self._failures += 1
        self._trying = False
        if self._failures >= self._failures_max:
            self._open_until_s = now + self._rest_s

    def dropped(self) -> None:
        """The request was given up by us: nothing is known of it."""
        self._trying = False
