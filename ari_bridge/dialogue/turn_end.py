"""When a silent caller's turn is over, as the settings want it decided."""

from __future__ import annotations

import math

from ari_bridge.dialogue.caller import CallerTurn
from ari_bridge.dialogue.caller_side import CallerSide
from ari_bridge.dialogue.endpoint import EndOfTurn, OpenTurn, Wait
from ari_bridge.dialogue.question import Question

TRANSCRIPT_WAIT_S = 6.0
"""Then what is known of an utterance has to do."""


class TurnEnd:
    """The times of one caller's silences."""

    def __init__(self, policy: EndOfTurn, *, eager: bool) -> None:
        self._policy = policy
        self._eager = eager
        self._pause: int | None = None
        """The pause that a model is to judge."""
        self._ends: float | None = None
        """Its verdict."""

    def pause_began(self, number: int) -> None:
        self._pause, self._ends = number, None

    def judged(self, number: int, ends: float) -> None:
        """By a model; too late where another pause has begun."""
        if number == self._pause:
            self._ends = ends

    def over_s(self, caller: CallerSide, asked: Question) -> float:
        """When the turn is over, should nothing more come."""
        turn = caller.turn
        if turn is None:
            return math.inf
        if caller.keypad.entry:
            return caller.keypad.ends_s
        return turn.last_voiced_s + self._wait(turn, asked).end_ms / 1000

    def likely_s(self, caller: CallerSide, asked: Question) -> float:
        """When its end is likely enough to ask the model, should the words so far be all of it."""
        turn = caller.turn
        if turn is None or not self._eager or not turn.guess or caller.keypad.entry:
            return math.inf
        return turn.last_voiced_s + self._wait(turn, asked).eager_ms / 1000

    def went_on(self, silent_s: float) -> None:
        """The caller spoke again after so long, in the same turn."""
        self._policy.went_on(silent_s * 1000)

    def ended(self) -> None:
        """The answer was heard: the turn was over indeed."""
        self._policy.ended()

    def _wait(self, turn: CallerTurn, asked: Question) -> Wait:
        is_sure = turn.guess == turn.text_so_far
        return self._policy.wait(
            OpenTurn(turn.guess or None, turn.voiced_s, asked, self._ends, is_sure=is_sure)
        )
