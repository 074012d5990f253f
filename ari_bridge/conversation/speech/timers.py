"""What the clock brings about beside an engine: limits of the call, silences that last, stalls."""

from __future__ import annotations

import math

from ari_bridge.conversation.speech import conditions
from ari_bridge.conversation.speech.endings import Endings
from ari_bridge.conversation.speech.floor import Floor
from ari_bridge.conversation.speech.parts import Parts
from ari_bridge.conversation.speech.turns import Event, State
from ari_bridge.dialogue import turns as cascade
from ari_bridge.dialogue.patience import Kind, Prompt


class Timers:
    def __init__(self, parts: Parts, floor: Floor, endings: Endings) -> None:
        self._parts, self._floor, self._endings = parts, floor, endings

    def next_s(self) -> float | None:
        """When to ring next."""
        state, parts = self._floor.state, self._parts
        if state is State.ENDED:
            return None
        due_s = min(
            parts.call_time.next_s,
            self._silence_due_s,
            parts.weighing.due_s(state),
            parts.caller.entry_over_s,
            parts.tools.due_s,
            self._stalls_s,
            parts.agent.gap_due_s,
        )
        return due_s if due_s < math.inf else None

    def ring(self, now: float) -> None:
        """Do what has come due; keys, tools and voices are looked at after every event anyway."""
        parts = self._parts
        while (event := parts.call_time.due(now)) is not None:
            if event is cascade.Event.TIME_UP:
                self._endings.time_up(now)
            else:
                self._floor.fire(Event.OVER, now)
        if now >= self._silence_due_s:
            self._prompt(parts.silence.prompt(now), now)
        if now >= parts.agent.gap_due_s:
            parts.agent.look_for_gap()
        if now >= self._stalls_s:
            self._endings.stalled(now)

    @property
    def _silence_due_s(self) -> float:
        return self._parts.silence.due_s(is_quiet=conditions.is_quiet(self._parts))

    @property
    def _stalls_s(self) -> float:
        return self._parts.engine.stalls_s(leaving=self._floor.state is State.LEAVING)

    def _prompt(self, prompt: Prompt | None, now: float) -> None:
        """Somebody has waited for long enough."""
        if prompt is None:
            return
        if prompt.kind is Kind.GIVE_UP:
            self._endings.nobody_there(prompt.text, now)
            return
        self._parts.agent.filler_comes = prompt.kind is Kind.FILLER
        self._parts.engine.say(prompt.text, now)
