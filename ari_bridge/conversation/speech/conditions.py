"""Questions about the dialogue beside an engine as it stands, which change nothing."""

from __future__ import annotations

from ari_bridge.conversation.speech.parts import Parts
from ari_bridge.conversation.speech.turns import Event, State


def due(parts: Parts, now: float) -> Event | None:
    """The table's event that has come true, if any."""
    match parts.turns.state:
        case State.SPEAKING | State.WEIGHED if not parts.agent.is_speaking:
            return Event.HEARD_OUT
        case State.WEIGHED:
            return parts.weighing.verdict(now)
        case State.LEAVING if answer_is_over(parts):
            return Event.OVER
    return None


def answer_is_over(parts: Parts) -> bool:
    """All that the agent had to say has been heard, and no more is to be expected by itself."""
    agent = parts.agent
    return not (agent.is_speaking or agent.tools_run or parts.engine.is_awaited)


def is_quiet(parts: Parts) -> bool:
    """Neither side is heard."""
    return parts.turns.state is State.QUIET and not parts.caller.voice.on


def hears_caller(parts: Parts) -> bool:
    """Whether the engine is to get the caller's voice."""
    match parts.turns.state:
        case State.LEAVING | State.ENDED:
            return False
        case State.SPEAKING | State.WEIGHED if not parts.settings.barge_in:
            return False
    return not (parts.silence.stands_aside or parts.silence.keys_diverted)
