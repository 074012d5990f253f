"""How long silence lasts before somebody says something: fillers while the caller waits for the agent,
check-ins while the agent waits for the caller. No I/O; time is an argument.

    IDLE       somebody speaks, or nobody is expected to: nothing is timed
    AWAITED    the caller's turn is over and no word of the answer has sounded: after `filler_after_s` a
               *filler* ("one moment"), and another every `filler_every_s`
    LISTENING  the agent has said what it had to say and hears nothing: after `no_input_s` a *check-in* ("are
               you still there?"), one for each phrase there is, and when silence answered the last too, the
               end

A filler waits out a *dwell*: an answer that comes before it needs none, and one said too early makes the
answer later. Whatever sounds from either side starts the silence anew; only a sign of the caller's (voice, a
digit) starts the check-ins anew, so that a caller who has walked away does not keep the line for ever.

The fillers take turns over the whole call: nobody is told "one moment" by the same words twice in a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class PatienceTimes:
    """Seconds; math.inf switches a part off."""

    filler_after_s: float = 1.5
    filler_every_s: float = 6.0
    no_input_s: float = 8.0


class Kind(Enum):
    FILLER = auto()
    """Said while the answer is made, and stopped by its first word."""
    CHECK_IN = auto()
    GIVE_UP = auto()
    """Nobody is there: say the farewell, then end the call."""


@dataclass(frozen=True, slots=True)
class Prompt:
    kind: Kind
    text: str


class _State(Enum):
    IDLE = auto()
    AWAITED = auto()
    LISTENING = auto()


class Patience:
    """Tell it what happens; ask it at next_timer() what to say."""

    def __init__(
        self, times: PatienceTimes, *, fillers: Sequence[str], check_ins: Sequence[str], farewell: str
    ) -> None:
        self._times = times
        self.speak(fillers=fillers, check_ins=check_ins, farewell=farewell)
        self._state = _State.IDLE
        self._since_s = 0.0
        """Since when it has been silent."""
        self._fillers_said = 0
        self._fillers_in_turn = 0
        self._check_ins_said = 0
        self._suspended = False

    def speak(self, *, fillers: Sequence[str], check_ins: Sequence[str], farewell: str) -> None:
        """In these words, from now on."""
        self._fillers, self._check_ins, self._farewell = tuple(fillers), tuple(check_ins), farewell

    # -------------------------------------------------------------- what happens

    def caller_active(self) -> None:
        """Voice or a digit: the caller is there."""
        self._state = _State.IDLE
        self._check_ins_said = 0

    def answer_awaited(self, now: float) -> None:
        """The caller's turn is over, and the agent (or a tool it runs) has not begun to answer. May be told
        again: the first time counts."""
        if self._state is not _State.AWAITED:
            self._state, self._since_s, self._fillers_in_turn = _State.AWAITED, now, 0

    def filler_heard(self, now: float) -> None:
        """Its words have sounded: the silence after it counts from here."""
        if self._state is _State.AWAITED:
            self._since_s = now

    def answered(self) -> None:
        """The answer itself sounds (or the turn was dropped): no more fillers for it."""
        self._state = _State.IDLE

    def listening(self, now: float) -> None:
        """The agent has been heard out, and it is the caller's turn. The first time counts, until something
        else happened."""
        if self._state is not _State.LISTENING:
            self._state, self._since_s = _State.LISTENING, now

    def suspend(self) -> None:
        """Hold, music, another person on the line: silence is nobody's fault."""
        self._suspended = True

    def resume(self, now: float) -> None:
        if self._suspended:
            self._suspended, self._since_s = False, now

    # -------------------------------------------------------------- what follows

    def next_timer(self) -> float:
        """When `due` is to be asked; math.inf when never."""
        if self._suspended:
            return math.inf
        match self._state:
            case _State.AWAITED if self._fillers:
                after = self._times.filler_every_s if self._fillers_in_turn else self._times.filler_after_s
                return self._since_s + after
            case _State.LISTENING:
                return self._since_s + self._times.no_input_s
        return math.inf

    def due(self, now: float) -> Prompt | None:
        """What is to be said now, if anything."""
        if now < self.next_timer():
            return None
        if self._state is _State.AWAITED:
            text = self._fillers[self._fillers_said % len(self._fillers)]
            self._fillers_said += 1
            self._fillers_in_turn += 1
            self._since_s = now
            return Prompt(Kind.FILLER, text)
        self._state = _State.IDLE
        if self._check_ins_said < len(self._check_ins):
            self._check_ins_said += 1
            return Prompt(Kind.CHECK_IN, self._check_ins[self._check_ins_said - 1])
        return Prompt(Kind.GIVE_UP, self._farewell)
