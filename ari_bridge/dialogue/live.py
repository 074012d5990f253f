"""What happens in a call, as it happens: for a terminal, a live page, a test. Text is personal data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class LiveKind(Enum):
    CALL_STARTED = "call started"
    """text: the agent's name"""
    CALLER_SAID = "caller said"
    """text: the final transcript ("" when nothing was understood)"""
    AGENT_SAYS = "agent says"
    """text: a sentence whose audio starts to leave"""
    AGENT_PAUSED = "agent paused"
    AGENT_RESUMED = "agent resumed"
    AGENT_INTERRUPTED = "agent interrupted"
    """text: what of the agent's turn the caller heard"""
    DIGIT = "digit"
    TOOL = "tool"
    """text: the tool's name and result"""
    ANSWER_TIMED = "answer timed"
    """figures: the answer's delays in ms by name (dialogue/latency.py); its first packet has left"""
    CALL_ENDED = "call ended"
    """text: ARIBRIDGESTATUS and ARIBRIDGECAUSE"""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    at_s: float
    """Monotonic."""
    call_id: str
    kind: LiveKind
    text: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


Observer: TypeAlias = Callable[[LiveEvent], None]
