"""How long the core waits for an engine that is to speak."""

from __future__ import annotations

import math

STALL_S = 10.0
"""An engine that has been told to speak, and has not begun after so long, has failed."""
LAST_WORDS_S = 5.0
"""So long the agent may take to begin its last words."""


class Waits:
    def __init__(self) -> None:
        self._asked_s = math.inf
        self.instruction: str | None = None
        """The one that was given, where the engine was told what to say."""

    @property
    def for_engine(self) -> bool:
        return self._asked_s < math.inf

    def asked(self, now: float, instruction: str | None = None) -> None:
        self._asked_s, self.instruction = now, instruction

    def answered(self) -> None:
        """Or the answer is not wanted any more."""
        self._asked_s, self.instruction = math.inf, None

    def stalls_s(self, *, leaving: bool) -> float:
        """When the engine counts as stalled."""
        return self._asked_s + (LAST_WORDS_S if leaving else STALL_S)
