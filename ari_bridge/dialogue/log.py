"""The finished turns of a call, for its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ari_bridge.dialogue.answer import Answer
from ari_bridge.dialogue.caller import CallerTurn


class Who(Enum):
    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished turn. Times are monotonic: from first to last voiced frame, or first to last packet."""

    who: Who
    text: str
    start_s: float
    end_s: float
    heard: str | None = None
    """The agent's turns: what of `text` the caller heard."""
    interrupted: bool = False
    latency_ms: dict[str, float] = field(default_factory=dict)


class TurnLog:
    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def caller_said(self, caller: CallerTurn) -> None:
        self.turns.append(Turn(Who.CALLER, caller.text, caller.started_s, caller.last_voiced_s))

    def agent_said(self, answer: Answer, end_s: float, *, interrupted: bool = False) -> None:
        """An answer of which nothing left for the caller is no turn."""
        start_s = answer.first_heard_s
        if start_s is not None:
            latency_ms = answer.waterfall.latency_ms()
            turn = Turn(Who.AGENT, answer.text, start_s, end_s, answer.kept, interrupted, latency_ms)
            self.turns.append(turn)

    def reopen_caller(self) -> Turn:
        """Take back the caller's turn that was logged last: it goes on after all."""
        return self.turns.pop()
