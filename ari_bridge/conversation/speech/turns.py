"""Whose turn it is beside an engine that takes turns itself, as a table.

The engine hears the caller and decides when to answer; what is left to us is what the caller hears. As in the
cascade, a voice over the agent's words *pauses* them at once, which costs nothing if it was a cough: the
audio stays queued. What the voice was is told by the engine (it hears that the caller began, or wants its
audio cleared), or by time: a voice that lasts is an interruption, unless the engine's protocol reserves that
to itself. Then the audio is *cut*: dropped, and the engine told what was heard of it.

    QUIET      nothing of the agent is queued
    SPEAKING   the agent's audio leaves
    WEIGHED    it is paused, while it is not clear what the voice is
    LEAVING    the agent's last words: nothing stops them, and the engine hears silence meanwhile
    ENDED      the conversation is over

In QUIET nobody need speak: the caller may be silent, the engine may be making its answer, a tool may run. A
pair that is not in the table means: nothing happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    QUIET = "quiet"
    SPEAKING = "speaking"
    WEIGHED = "weighed"
    LEAVING = "leaving"
    ENDED = "ended"


class Event(Enum):
    AUDIO_CAME = "the agent has something to say"
    VOICE_BEGAN = "the caller's voice is heard over the agent's words"
    CLAIMED = "it is the caller's turn"
    DISMISSED = "the voice was nothing"
    HEARD_OUT = "all that the agent had to say has left"
    DECIDED = "the call ends once the agent's words have been heard"
    CUT_SHORT = "the call ends with words that come now, whatever is being said"
    OVER = "the last words have been heard, or take too long"


class Action(Enum):
    PAUSE = "stop the agent's audio, keeping it"
    RESUME = "let it go on where it stopped"
    CUT = "drop it, and tell the engine what was heard"
    LEAVE = "end the conversation"


@dataclass(frozen=True, slots=True)
class Step:
    state: State
    actions: tuple[Action, ...] = ()


def _to(state: State, *actions: Action) -> Step:
    return Step(state, actions)


TABLE: Mapping[State, Mapping[Event, Step]] = {
    State.QUIET: {
        Event.AUDIO_CAME: _to(State.SPEAKING),
        Event.CLAIMED: _to(State.QUIET, Action.CUT),
        Event.DECIDED: _to(State.LEAVING),
        Event.CUT_SHORT: _to(State.LEAVING, Action.CUT),
    },
    State.SPEAKING: {
        Event.VOICE_BEGAN: _to(State.WEIGHED, Action.PAUSE),
        Event.CLAIMED: _to(State.QUIET, Action.CUT),
        Event.HEARD_OUT: _to(State.QUIET),
        Event.DECIDED: _to(State.LEAVING),
        Event.CUT_SHORT: _to(State.LEAVING, Action.CUT),
    },
    State.WEIGHED: {
        Event.CLAIMED: _to(State.QUIET, Action.CUT),
        Event.DISMISSED: _to(State.SPEAKING, Action.RESUME),
        Event.HEARD_OUT: _to(State.QUIET, Action.RESUME),
        Event.DECIDED: _to(State.LEAVING, Action.RESUME),
        Event.CUT_SHORT: _to(State.LEAVING, Action.CUT),
    },
    State.LEAVING: {
        Event.OVER: _to(State.ENDED, Action.CUT, Action.LEAVE),
    },
    State.ENDED: {},
}


class Turns:
    """The table, and where we are in it."""

    def __init__(self) -> None:
        self.state = State.QUIET

    def on(self, event: Event) -> tuple[Action, ...]:
        """Move on; return what is to be done, in order."""
        step = TABLE[self.state].get(event)
        if step is None:
            return ()
        self.state = step.state
        return step.actions
