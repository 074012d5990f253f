"""Judges a voice over the agent's words by its time, where the engine does not tell what it was.

voice                           engine's protocol               then
----------------------------------------------------------------------------
on for `barge_in_min_ms`        leaves interruptions to us      interruption
on for `barge_in_min_ms`        reserves them to itself         none: it would have told
over for `resume_after_ms`                                      none
"""

from __future__ import annotations

import math

from ari_bridge.conversation.speech.caller_side import CallerSide
from ari_bridge.conversation.speech.turns import Event, State
from ari_bridge.settings import TurnSettings


class Weighing:
    def __init__(self, caller: CallerSide, settings: TurnSettings, *, engine_decides: bool) -> None:
        self._caller, self._settings = caller, settings
        self._engine_decides = engine_decides

    def due_s(self, state: State) -> float:
        """When a voice that has ended is taken for nothing."""
        if state is not State.WEIGHED or self._caller.voice.since_s is not None:
            return math.inf
        return self._caller.voice_ended_s + self._settings.resume_after_ms / 1000

    def verdict(self, now: float) -> Event | None:
        """In WEIGHED; None while it is not clear."""
        voice = self._caller.voice
        if voice.since_s is None:
            return Event.DISMISSED if now >= self.due_s(State.WEIGHED) else None
        if voice.lasted_ms < self._settings.barge_in_min_ms:
            return None
        return Event.DISMISSED if self._engine_decides else Event.CLAIMED
