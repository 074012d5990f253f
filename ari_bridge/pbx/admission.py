"""Whether one more call is taken: how many there are, how fast they come, whether we are leaving.

The rate is a token bucket (as in RFC 2697): calls take a token each, tokens come at `calls_per_second`,
and a second's worth can be saved up, at least one.
"""

from __future__ import annotations

import math

from ari_bridge.pbx.causes import Cause
from ari_bridge.settings import Settings


class Admission:
    """Time is in seconds, monotonic."""

    def __init__(self, settings: Settings) -> None:
        limits, rows = settings.limits, settings.media.max_calls
        self.max_calls = rows if limits.max_calls is None else min(limits.max_calls, rows)
        self.draining = False
        self._rate_hz = math.inf if limits.calls_per_second is None else limits.calls_per_second
        self._most = max(1.0, self._rate_hz)
        self._tokens = self._most
        self._filled_s = -math.inf

    def refusal(self, calls: int, now: float) -> Cause | None:
        """Why a call that comes now, beside `calls` others, is not taken; None when it is, and counts."""
        if self.draining:
            return Cause.DRAINING
        if self.full(calls):
            return Cause.BUSY
        if self._rate_hz == math.inf:
            return None
        self._tokens = min(self._most, self._tokens + (now - self._filled_s) * self._rate_hz)
        self._filled_s = now
        if self._tokens < 1:
            return Cause.TOO_MANY_PER_SECOND
        self._tokens -= 1
        return None

    def full(self, calls: int) -> bool:
        return calls >= self.max_calls
