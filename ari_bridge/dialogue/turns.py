"""Whose turn it is: the state machine of a spoken dialogue, as a table.

The caller always has the right of way. The agent stops at once when the caller's voice is heard, and only
then is it decided what the voice was. Stopping is cheap and reversible (*pause*: the queued audio stays);
throwing the agent's words away is not (*interrupt*), so it waits for a verdict (`interruption.py`). Until
then the voice is a *sound*: it is transcribed, but it is nobody's turn. A cough or an "uh-huh" is dismissed,
and the agent goes on where it stopped, without a lost syllable; else the caller has *claimed* the turn, and
the sound is its beginning.

The states, by what the caller could tell:

    LISTENING        nobody speaks, and the agent has nothing to say
    CALLER_SPEAKING  the caller's voice is heard, an utterance is open at the recogniser
    CALLER_PAUSED    the caller fell silent; once that has lasted (`endpoint.py`) the turn is over
    THINKING         the caller's turn is over and an answer is being made; nothing of it is audible yet
    HELD             as THINKING, but there is a sound: the answer, should it come, is kept from leaving
    AGENT_SPEAKING   the agent's words leave for the caller
    PAUSED           as AGENT_SPEAKING, but there is a sound: the agent is silent until it is judged
    LEAVING          the agent's last words: they are heard to their end, nothing stops them
    ENDED            the conversation is over

The verdict may come late, from a recogniser that takes its time: the agent has gone on, or even come to its
end, when it turns out that the caller did say something. Then it is an interruption still.

A caller who goes on while the agent THINKs had only taken a breath: the answer is cancelled and both parts
become one turn. The same holds when the agent was stopped before a single word of its answer was heard. If a
tool has run for the turn already, that cannot be taken back: the turn stays, and what is said now is a new
one.

When the agent's words end while PAUSED, there is nothing to interrupt any more: the voice is an ordinary
utterance, however short ("yes", said into the agent's last syllable).

A digit interrupts the agent and is a turn of the caller's without a voice: CALLER_PAUSED until it is clear
whether more digits follow (`keypad.py`), which may be at once.

In LISTENING nobody has to speak, but the agent asks after a caller who never does, and leaves in the end.

LEAVING begins when an action has an outcome for the call (a transfer, a hang-up), when the call has lasted as
long as it may or nobody is there and the agent says goodbye, or when a provider failed for good and the agent
says so. Its words are protected, since the outcome follows them whatever the caller says; but they have an
end, whatever happens to the engine that speaks them.

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
    VOICE_ENDED = "it ended"
    CLAIMED = "the sound over the agent's words was the caller's wish to speak"
    DISMISSED = "it was not"
    TURN_ENDED = "the caller's silence has lasted"
    DIGIT_PRESSED = "the caller pressed a digit"
    NOTHING_SAID = "the turn held no words, only noise"
    SPEECH_BEGAN = "the first audio of the answer is queued"
    AGENT_DONE = "the answer is complete, and all of it was heard"
    NO_INPUT = "nobody has said anything for long"
    NOBODY_THERE = "nor answered when asked"
    OUTCOME_GIVEN = "an action decided how the call leaves"
    TIME_UP = "the call has lasted as long as it may"
    FAILED = "a provider failed for good"
    OVERDUE = "the last words take too long"


class Action(Enum):
    OPEN_UTTERANCE = "send the caller's voice to the recogniser, from a little before it began"
    OPEN_SOUND = "the same, for a voice that is nobody's turn yet"
    CLOSE_UTTERANCE = "have the recogniser's final transcript"
    CLOSE_SOUND = "the same, for a sound"
    FORGET_SOUND = "drop the sound, whatever was said in it"
    CLAIM_SOUND = "the sound becomes part of the caller's turn"
    DISMISS_SOUND = "it does not, unless words turn up in it"
    END_TURN = "the caller's turn is closed"
    TAKE_DIGIT = "put the digit into the caller's turn"
    FORGET_TURN = "drop the caller's turn"
    FINISH = "the answer was heard to its end"
    PAUSE = "stop the agent's audio, keeping it"
    RESUME = "let it go on where it stopped"
    INTERRUPT = "drop the answer: its audio, its words not heard, its making"
    CHECK_IN = "ask whether the caller is still there"
    SAY_FAREWELL = "say that nobody seems to be there"
    SAY_GOODBYE = "say that the call has to end"
    APOLOGISE = "say that something went wrong"
    LEAVE = "end the conversation"


@dataclass(frozen=True, slots=True)
class Step:
    state: State
    actions: tuple[Action, ...] = ()


def _to(state: State, *actions: Action) -> Step:
    return Step(state, actions)


def _ends(*first: Action) -> dict[Event, Step]:
    """The two ways in which a call ends without anybody's decision; `first` settles what is under way."""
    return {
        Event.TIME_UP: _to(State.LEAVING, *first, Action.SAY_GOODBYE),
        Event.FAILED: _to(State.LEAVING, *first, Action.APOLOGISE),
    }


_INTERRUPTED_BY_DIGIT = _to(State.CALLER_PAUSED, Action.INTERRUPT, Action.TAKE_DIGIT)
_INTERRUPTED_BY_WORDS = _to(State.CALLER_SPEAKING, Action.INTERRUPT, Action.CLAIM_SOUND)

_WHILE_CALLER_HAS_THE_TURN = {
    Event.DIGIT_PRESSED: _to(State.CALLER_PAUSED, Action.CLOSE_UTTERANCE, Action.TAKE_DIGIT),
    **_ends(Action.CLOSE_UTTERANCE),
}
_WHILE_ANSWER_IS_MADE = {
    Event.CLAIMED: _INTERRUPTED_BY_WORDS,
    Event.AGENT_DONE: _to(State.LISTENING, Action.FINISH),
    Event.OUTCOME_GIVEN: _to(State.LEAVING),
    Event.DIGIT_PRESSED: _INTERRUPTED_BY_DIGIT,
    **_ends(Action.INTERRUPT),
}


def _while_weighed(state: State, if_dismissed: State) -> dict[Event, Step]:
    """HELD and PAUSED, from which a dismissed sound leads back to `if_dismissed`."""
    return {
        Event.VOICE_BEGAN: _to(state, Action.OPEN_SOUND),
        Event.VOICE_ENDED: _to(state, Action.CLOSE_SOUND),
        Event.CLAIMED: _INTERRUPTED_BY_WORDS,
        Event.DISMISSED: _to(if_dismissed, Action.DISMISS_SOUND, Action.RESUME),
        Event.OUTCOME_GIVEN: _to(State.LEAVING, Action.FORGET_SOUND, Action.RESUME),
        Event.DIGIT_PRESSED: _to(
            State.CALLER_PAUSED, Action.FORGET_SOUND, Action.INTERRUPT, Action.TAKE_DIGIT
        ),
        **_ends(Action.FORGET_SOUND, Action.INTERRUPT),
    }


TABLE: Mapping[State, Mapping[Event, Step]] = {
    State.LISTENING: {
        Event.GREETED: _to(State.THINKING),
        Event.VOICE_BEGAN: _to(State.CALLER_SPEAKING, Action.OPEN_UTTERANCE),
        Event.CLAIMED: _to(State.CALLER_SPEAKING, Action.CLAIM_SOUND),
        Event.DIGIT_PRESSED: _to(State.CALLER_PAUSED, Action.TAKE_DIGIT),
        Event.NO_INPUT: _to(State.THINKING, Action.CHECK_IN),
        Event.NOBODY_THERE: _to(State.LEAVING, Action.SAY_FAREWELL),
        **_ends(),
    },
    State.CALLER_SPEAKING: {
        Event.VOICE_ENDED: _to(State.CALLER_PAUSED),
        Event.CLAIMED: _to(State.CALLER_SPEAKING, Action.CLAIM_SOUND),
        **_WHILE_CALLER_HAS_THE_TURN,
    },
    State.CALLER_PAUSED: {
        Event.VOICE_BEGAN: _to(State.CALLER_SPEAKING, Action.OPEN_UTTERANCE),
        Event.CLAIMED: _to(State.CALLER_PAUSED, Action.CLAIM_SOUND),
        Event.TURN_ENDED: _to(State.THINKING, Action.CLOSE_UTTERANCE, Action.END_TURN),
        **_WHILE_CALLER_HAS_THE_TURN,
    },
    State.THINKING: {
        Event.VOICE_BEGAN: _to(State.HELD, Action.PAUSE, Action.OPEN_SOUND),
        Event.NOTHING_SAID: _to(State.LISTENING, Action.FORGET_TURN),
        Event.SPEECH_BEGAN: _to(State.AGENT_SPEAKING),
        **_WHILE_ANSWER_IS_MADE,
    },
    State.HELD: _while_weighed(State.HELD, State.THINKING),
    State.AGENT_SPEAKING: {
        Event.VOICE_BEGAN: _to(State.PAUSED, Action.PAUSE, Action.OPEN_SOUND),
        **_WHILE_ANSWER_IS_MADE,
    },
    State.PAUSED: {
        Event.AGENT_DONE: _to(State.CALLER_SPEAKING, Action.FINISH, Action.RESUME, Action.CLAIM_SOUND),
        **_while_weighed(State.PAUSED, State.AGENT_SPEAKING),
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
