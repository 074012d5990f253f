"""What the clock brings about: limits of the call, silences that last, turns that are over."""

from __future__ import annotations

import math

from ari_bridge.dialogue.floor import Floor
from ari_bridge.dialogue.parts import Parts
from ari_bridge.dialogue.patience import Kind, Prompt
from ari_bridge.dialogue.turn_end import TRANSCRIPT_WAIT_S
from ari_bridge.dialogue.turns import Event, State


class Timers:
    def __init__(self, parts: Parts, floor: Floor) -> None:
        self._parts, self._floor = parts, floor

    def next_s(self, now: float) -> float | None:
        """When to ring next."""
        state, parts = self._floor.state, self._parts
        if state is State.ENDED:
            return None
        due_s = min(
            parts.call_time.next_s,
            parts.silence.due_s(state, voice_on=parts.caller.voice.on),
            self._turn_due_s(now),
            parts.weighing.due_s(state),
            parts.caller.cut_s if state is State.CALLER_SPEAKING else math.inf,
        )
        return due_s if due_s < math.inf else None

    def ring(self, now: float) -> None:
        """Fire what has come due; the ends of turns and sounds are conditions that the session looks at."""
        parts = self._parts
        while (event := parts.call_time.due(now)) is not None:
            self._floor.fire(event, now)
        if now >= parts.silence.due_s(self._floor.state, voice_on=parts.caller.voice.on):
            self._prompt(parts.silence.prompt(now), now)
        if self._floor.state is State.CALLER_SPEAKING and now >= parts.caller.cut_s:
            parts.caller.cut_utterance(now)
        if parts.caller.turn is not None:
            parts.caller.turn.give_up_waiting(TRANSCRIPT_WAIT_S, now)

    def _turn_due_s(self, now: float) -> float:
        """When something is to happen to the caller's turn."""
        parts, turn = self._parts, self._parts.caller.turn
        if turn is None:
            return math.inf
        owed_s = turn.owed_since_s + TRANSCRIPT_WAIT_S
        if self._floor.state is not State.CALLER_PAUSED:
            return owed_s
        asked = parts.weighing.asked
        over_s = parts.turn_end.over_s(parts.caller, asked)
        likely_s = parts.turn_end.likely_s(parts.caller, asked)
        return min(owed_s, likely_s if now < likely_s < over_s else over_s)

    def _prompt(self, prompt: Prompt | None, now: float) -> None:
        """Somebody has waited for long enough."""
        if prompt is None:
            return
        if prompt.kind is Kind.FILLER:
            self._parts.agent.fill(prompt.text)
            return
        self._parts.own_words.prompt = prompt.text
        self._floor.fire(Event.NO_INPUT if prompt.kind is Kind.CHECK_IN else Event.NOBODY_THERE, now)
