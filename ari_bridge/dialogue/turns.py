"""Whose turn it is: the state machine of a spoken dialogue, as a table.

The caller always has the right of way. The agent stops at once when the caller's voice is heard, and only
then is it decided what the voice was. Stopping is cheap and reversible (*pause*: the queued audio stays);
throwing the agent's words away is not (*interrupt*), so it waits until the voice has lasted
`barge_in_min_ms`. A cough or an "uh-huh" is shorter, and the agent goes on where it stopped, without a lost
syllable.

The states, by what the caller could tell:

    LISTENING        nobody speaks, and the agent has nothing to say
    CALLER_SPEAKING  the caller's voice is heard, an utterance is open at the recogniser
    CALLER_PAUSED    the caller fell silent; after `end_of_turn_ms` the turn is over, until then it goes on
    THINKING         the caller's turn is over and an answer is being made; nothing of it is audible yet
    HELD             as THINKING, but voice has begun: the answer, should it come, is kept from leaving
    AGENT_SPEAKING   the agent's words leave for the caller
    PAUSED           as AGENT_SPEAKING, but voice has begun: the agent is silent until it is decided
    LEAVING          the agent's last words: they are heard to their end, nothing stops them
    ENDED            the conversation is over

A caller who goes on while the agent THINKs had only taken a breath: the answer is cancelled and both parts
become one turn. The same holds when the agent was stopped before a single word of its answer was heard. If a
tool has run for the turn already, that cannot be taken back: the turn stays, and what is said now is a new
one.

When the agent's words end while PAUSED, there is nothing to interrupt any more: the voice is an ordinary
utterance, however short ("yes", said into the agent's last syllable).

A digit is a whole turn in itself: it ends the caller's turn at once and interrupts the agent.

LEAVING begins when an action has an outcome for the call (a transfer, a hang-up), when the call has lasted as
long as it may and the agent says goodbye, or when a provider failed for good and the agent says so. Its words
are protected, since the outcome follows them whatever the caller says; but they have an end, whatever happens
to the engine that speaks them.

A pair that is not in the table means: nothing happens. Events come from outside at any time (a digit in
LEAVING, say), and the table is the one place that says which of them matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    LISTENING = "listening"
    CALLER_SPEAKING = "caller speaking"
    CALLER_PAUSED = "caller paused"
    THINKING = "thinking"
    HELD = "held"
    AGENT_SPEAKING = "agent speaking"
    PAUSED = "paused"
    LEAVING = "leaving"
    ENDED = "ended"


class Event(Enum):
    GREETED = "the agent has a greeting to say"
    VOICE_BEGAN = "the caller's voice began"
    VOICE_LASTED = "it has lasted barge_in_min_ms"
    VOICE_ENDED = "it ended"
    TURN_ENDED = "end_of_turn_ms of silence after it"
    DIGIT_PRESSED = "the caller pressed a digit"
    NOTHING_SAID = "the turn held no words, only noise"
    SPEECH_BEGAN = "the first audio of the answer is queued"
    AGENT_DONE = "the answer is complete, and all of it was heard"
    OUTCOME_GIVEN = "an action decided how the call leaves"
    TIME_UP = "the call has lasted as long as it may"
    FAILED = "a provider failed for good"
    OVERDUE = "the last words take too long"


class Action(Enum):
    OPEN_UTTERANCE = "send the caller's voice to the recogniser, from a little before it began"
    CLOSE_UTTERANCE = "have the recogniser's final transcript"
    TAKE_DIGIT = "put the digit into the caller's turn"
    FORGET_TURN = "drop the caller's turn"
    FINISH = "the answer was heard to its end"
    PAUSE = "stop the agent's audio, keeping it"
    RESUME = "let it go on where it stopped"
    INTERRUPT = "drop the answer: its audio, its words not heard, its making"
    SAY_GOODBYE = "say that the call has to end"
    APOLOGISE = "say that something went wrong"
    LEAVE = "end the conversation"


@dataclass(frozen=True, slots=True)
class Step:
    state: State
    actions: tuple[Action, ...] = ()


def _to(state: State, *actions: Action) -> Step:
    return Step(state, actions)


_DIGIT = Event.DIGIT_PRESSED
_TAKE = Action.TAKE_DIGIT


def _ends(*first: Action) -> dict[Event, Step]:
    """The two ways in which a call ends without anybody's decision; `first` settles what is under way."""
    return {
        Event.TIME_UP: _to(State.LEAVING, *first, Action.SAY_GOODBYE),
        Event.FAILED: _to(State.LEAVING, *first, Action.APOLOGISE),
    }


_ENDS_WHILE_OPEN = _ends(Action.CLOSE_UTTERANCE)
_ENDS_WITH_ANSWER = _ends(Action.INTERRUPT)

TABLE: Mapping[State, Mapping[Event, Step]] = {
    State.LISTENING: {
        Event.GREETED: _to(State.THINKING),
        Event.VOICE_BEGAN: _to(State.CALLER_SPEAKING, Action.OPEN_UTTERANCE),
        _DIGIT: _to(State.THINKING, _TAKE),
        **_ends(),
    },
    State.CALLER_SPEAKING: {
        Event.VOICE_ENDED: _to(State.CALLER_PAUSED),
        _DIGIT: _to(State.THINKING, Action.CLOSE_UTTERANCE, _TAKE),
        **_ENDS_WHILE_OPEN,
    },
    State.CALLER_PAUSED: {
        Event.VOICE_BEGAN: _to(State.CALLER_SPEAKING),
        Event.TURN_ENDED: _to(State.THINKING, Action.CLOSE_UTTERANCE),
        _DIGIT: _to(State.THINKING, Action.CLOSE_UTTERANCE, _TAKE),
        **_ENDS_WHILE_OPEN,
    },
    State.THINKING: {
        Event.VOICE_BEGAN: _to(State.HELD, Action.PAUSE),
        Event.NOTHING_SAID: _to(State.LISTENING, Action.FORGET_TURN),
        Event.SPEECH_BEGAN: _to(State.AGENT_SPEAKING),
        Event.AGENT_DONE: _to(State.LISTENING, Action.FINISH),
        Event.OUTCOME_GIVEN: _to(State.LEAVING),
        _DIGIT: _to(State.THINKING, Action.INTERRUPT, _TAKE),
        **_ENDS_WITH_ANSWER,
    },
    State.HELD: {
        Event.VOICE_LASTED: _to(State.CALLER_SPEAKING, Action.INTERRUPT, Action.OPEN_UTTERANCE),
        Event.VOICE_ENDED: _to(State.THINKING, Action.RESUME),
        Event.OUTCOME_GIVEN: _to(State.LEAVING, Action.RESUME),
        _DIGIT: _to(State.THINKING, Action.INTERRUPT, _TAKE),
        **_ENDS_WITH_ANSWER,
    },
    State.AGENT_SPEAKING: {
        Event.VOICE_BEGAN: _to(State.PAUSED, Action.PAUSE),
        Event.AGENT_DONE: _to(State.LISTENING, Action.FINISH),
        Event.OUTCOME_GIVEN: _to(State.LEAVING),
        _DIGIT: _to(State.THINKING, Action.INTERRUPT, _TAKE),
        **_ENDS_WITH_ANSWER,
    },
    State.PAUSED: {
        Event.VOICE_LASTED: _to(State.CALLER_SPEAKING, Action.INTERRUPT, Action.OPEN_UTTERANCE),
        Event.VOICE_ENDED: _to(State.AGENT_SPEAKING, Action.RESUME),
        Event.AGENT_DONE: _to(State.CALLER_SPEAKING, Action.FINISH, Action.RESUME, Action.OPEN_UTTERANCE),
        Event.OUTCOME_GIVEN: _to(State.LEAVING, Action.RESUME),
        _DIGIT: _to(State.THINKING, Action.INTERRUPT, _TAKE),
        **_ENDS_WITH_ANSWER,
    },
    State.LEAVING: {
        Event.AGENT_DONE: _to(State.ENDED, Action.FINISH, Action.LEAVE),
        Event.FAILED: _to(State.ENDED, Action.INTERRUPT, Action.LEAVE),
        Event.OVERDUE: _to(State.ENDED, Action.INTERRUPT, Action.LEAVE),
    },
    State.ENDED: {},
}


class Turns:
    """The table, and where we are in it."""

    def __init__(self) -> None:
        self.state = State.LISTENING

    def on(self, event: Event) -> tuple[Action, ...]:
        """Move on; return what is to be done, in order."""
        step = TABLE[self.state].get(event)
        if step is None:
            return ()
        self.state = step.state
        return step.actions
