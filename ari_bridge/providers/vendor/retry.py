"""Second tries inside a budget. No I/O.

What may pass by itself is tried again: no connection, 408, 425, 429, 5xx. Waiting grows twofold from try to
try, with full jitter, so that calls that failed together do not come back together (M. Brooker, "Exponential
Backoff And Jitter", AWS Architecture Blog, 2015). A server's Retry-After (RFC 9110, 10.2.3) is kept to, as
far as the budget goes: a caller is waiting, and a pool may have another engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import random

from ari_bridge.core.errors import Fault, ProviderError

_BUSY = frozenset({429, 503, 529})
_MAY_PASS = frozenset({408, 425, 429})


def may_pass(status: int) -> bool:
    """Whether a request that was answered with this HTTP status may work soon."""
    return status in _MAY_PASS or status >= 500


class Refused(ProviderError):
    """The vendor answered with an HTTP status that is no success."""

    def __init__(self, message: str, status: int) -> None:
        fault = Fault.BUSY if status in _BUSY else None
        super().__init__(message, retryable=may_pass(status), fault=fault)
        self.status = status


@dataclass(frozen=True, slots=True)
class Budget:
    tries: int = 3
    total_s: float = 3.0
    """From the first try's begin to the last one's."""
    first_pause_s: float = 0.2


class Retry:
    """The tries of one request. Times in seconds, of one clock."""

    def __init__(self, budget: Budget, now: float, chance: Callable[[], float] = random) -> None:
        """`chance`: 0..1."""
        self._budget, self._began_s, self._chance = budget, now, chance
        self._failed = 0

    def pause_s(self, now: float, retry_after_s: float | None = None) -> float | None:
        """A try has failed: how long to wait before the next; None when it was the last."""
        self._failed += 1
        if self._failed >= self._budget.tries:
            return None
        pause = self._chance() * self._budget.first_pause_s * 2 ** (self._failed - 1)
        if retry_after_s is not None:
            pause = max(pause, retry_after_s)
        return pause if now + pause <= self._began_s + self._budget.total_s else None


def retry_after_s(value: str | None) -> float | None:
    """Of the header's seconds form; the form with a date is left alone (its clock is not ours)."""
    try:
        seconds = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86400 else None
