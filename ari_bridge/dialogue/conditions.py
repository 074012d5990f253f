"""When the next step is due: questions about the dialogue as it stands, which change nothing."""

from __future__ import annotations

from ari_bridge.dialogue.parts import Parts
from ari_bridge.dialogue.turns import Event, State


def due(parts: Parts, now: float) -> Event | None:
    """The table's event that has come true, if any."""
    answer, turn, position = parts.agent.answer, parts.caller.turn, parts.agent.position
    state = parts.turns.state
    match state:
        case State.LISTENING:
            return Event.VOICE_BEGAN if parts.caller.voice.on else None
        case State.CALLER_SPEAKING:
            return None if parts.caller.voice.on else Event.VOICE_ENDED
        case State.CALLER_PAUSED:
            over = now >= parts.turn_end.over_s(parts.caller, parts.weighing.asked)
            return Event.TURN_ENDED if over else None
        case State.THINKING if turn is not None:
            noise = turn.complete and turn.is_noise and parts.agent.is_settled
            return Event.NOTHING_SAID if noise else None
        case State.THINKING if answer is not None and answer.audible:
            return Event.SPEECH_BEGAN
        case State.HELD:
            return _verdict(parts, now)
        case State.PAUSED:
            ends = answer is not None and answer.words_out(position)
            return Event.AGENT_DONE if ends else _verdict(parts, now)
        case State.AGENT_SPEAKING if parts.caller.voice.on and parts.weighing.may_interrupt(state):
            return Event.VOICE_BEGAN  # into words that were protected, and after them
        case State.THINKING | State.AGENT_SPEAKING | State.LEAVING if answer is not None:
            return Event.AGENT_DONE if answer.heard_out(position) else None
    return None


def commit_is_due(parts: Parts) -> bool:
    """The caller's turn is over and understood, and every flush accounted for."""
    turn = parts.caller.turn
    return (
        turn is not None
        and parts.turns.state in (State.THINKING, State.HELD)
        and turn.complete
        and not turn.is_noise
        and parts.agent.is_settled
    )


def answer_is_missing(parts: Parts) -> bool:
    """The model came to nothing."""
    answer = parts.agent.answer
    if answer is None or parts.turns.state not in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
        return False
    return answer.is_missing


def end_is_likely(parts: Parts, now: float) -> bool:
    """The caller's turn may well be over: the model may be asked with the words so far."""
    if parts.turns.state is not State.CALLER_PAUSED or parts.caller.turn is None:
        return False
    likely_s = parts.turn_end.likely_s(parts.caller, parts.weighing.asked)
    return now >= likely_s and parts.agent.is_settled


def _verdict(parts: Parts, now: float) -> Event | None:
    """On the sound over the agent's words; none counts while the dialogue stands aside."""
    if parts.silence.stands_aside:
        return Event.DISMISSED
    return parts.weighing.verdict(parts.turns.state, now)
