"""The two limits that end a call whatever is said in it."""

from __future__ import annotations

import math

from ari_bridge.dialogue.turns import Event

LAST_WORDS_WITHIN_S = 60.0
"""More than any farewell takes: an engine that hangs must not keep the caller."""


class CallTime:
    def __init__(self, max_duration_s: float) -> None:
        self._max_duration_s = max_duration_s
        self._ends_s = math.inf
        """When the time is up; at infinity again once that is dealt with."""
        self._leaves_by_s = math.inf

    @property
    def next_s(self) -> float:
        return min(self._ends_s, self._leaves_by_s)

    def begin(self, now: float) -> None:
        self._ends_s = now + self._max_duration_s

    def last_words_begin(self, now: float) -> None:
        self._leaves_by_s = now + LAST_WORDS_WITHIN_S

    def due(self, now: float) -> Event | None:
        """A limit that has come; each is told once."""
        if now >= self._leaves_by_s:
            self._leaves_by_s = math.inf
            return Event.OVERDUE
        if now >= self._ends_s:
            self._ends_s = math.inf
            return Event.TIME_UP
        return None
