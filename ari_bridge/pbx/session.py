"""One call's life in the PBX, as a table. No I/O, no clock: `handle(input, now) -> commands`.

Theory. A call is set up one request at a time. Each state of the set-up has one request out, and its
answer (`Done` or `Failed`) moves the call on. What a request makes may exist from the moment it is sent,
and a request cannot be taken back: so when the call has to end while one is out, the session goes to a
state that only waits for that answer (ABORTING while the caller is still there, ABANDONING when not), and
deletes afterwards. A DELETE sent earlier could overtake the POST, and leave behind for ever what the POST
then makes.

The media leg is the one thing with two births: the answer to its POST, which carries the address of its
RTP, and its own StasisStart, before which it cannot be bridged. They come in any order, so the states from
ORDERING_LEG to OPENING stand twice, the second time (…_ENTERED) with the StasisStart already in. The port is
opened on the answer, not on the StasisStart: RTP has to flow from the leg's first moment, since until it
does Asterisk takes audio from anybody.

    set-up                                       the end
    INSPECTING    agent and format, unanswered   ABORTING    await the request that is out, then LEAVING
    ANSWERING     POST answer                    ABANDONING  the same, caller gone
    ORDERING_LEG  POST externalMedia    (twice)  STOPPING    caller waits, handler cancelled
    OPENING       row in media plane    (twice)  PARTING     caller gone, handler told
    AWAITING_LEG  its StasisStart                CANCELLING  caller gone, handler cancelled
    BRIDGING      POST bridge, addChannel        LEAVING     variables, then continue
                                                 DROPPING    that failed: hang up
    TALKING       the handler has the call       CLEANING    deletes; then ENDED

On entering a state the commands of `_ENTRY` go out; `TABLE` says which input leads where; an input that a
state does not list is a duplicate, or late, and changes nothing. The caller's end is one input, CallerLeft,
whether it was seen as StasisEnd, ChannelDestroyed, a hang-up request, a 404, or missed and found out after a
reconnect. Every state but TALKING ends by itself: its request has a time limit, or it has a deadline.

    caller stays:  every way out passes LEAVING: the dialplan goes on, with ARIBRIDGESTATUS
    caller leaves: no way passes LEAVING
    both:          through CLEANING, with the handler ended (or given up) and no set-up request out
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TypeAlias

from ari_bridge.core.errors import InternalError
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.orders import (
    Answer,
    CallerLeft,
    CancelHandler,
    CleanUp,
    Command,
    CreateBridge,
    CreateLeg,
    DeadlinePassed,
    Done,
    Failed,
    HandlerEnded,
    HangUp,
    Input,
    Inspect,
    Leave,
    LegEntered,
    LegLeft,
    OpenPort,
    ShutDown,
    StartHandler,
    TellCallerGone,
)

LEG_ENTERS_WITHIN_S = 3.0
"""Seen on a live Asterisk: 3 ms at the median, 6 ms at the 99th percentile."""
HANDLER_PARTS_WITHIN_S = 5.0
HANDLER_STOPS_WITHIN_S = 5.0


class State(Enum):
    INSPECTING = auto()
    ANSWERING = auto()
    ORDERING_LEG = auto()
    ORDERING_LEG_ENTERED = auto()
    OPENING = auto()
    OPENING_ENTERED = auto()
    AWAITING_LEG = auto()
    BRIDGING = auto()
    TALKING = auto()
    ABORTING = auto()
    ABANDONING = auto()
    STOPPING = auto()
    PARTING = auto()
    CANCELLING = auto()
    LEAVING = auto()
    DROPPING = auto()
    CLEANING = auto()
    ENDED = auto()


SET_UP = frozenset(
    {
        State.INSPECTING,
        State.ANSWERING,
        State.ORDERING_LEG,
        State.ORDERING_LEG_ENTERED,
        State.OPENING,
        State.OPENING_ENTERED,
        State.AWAITING_LEG,
        State.BRIDGING,
    }
)


# ------------------------------------------------------------------ the table

_S = State
_Row: TypeAlias = Mapping[type[Input], State]


def _asked(done: State) -> dict[type[Input], State]:
    """A set-up state with a request out: success leads to `done`, everything else towards the end."""
    return {
        Done: done,
        Failed: _S.LEAVING,
        CallerLeft: _S.ABANDONING,
        ShutDown: _S.ABORTING,
    }


_LEG_MAY_GO: _Row = {LegLeft: _S.ABORTING}

TABLE: Mapping[State, _Row] = {
    _S.INSPECTING: {**_asked(_S.ANSWERING)},
    _S.ANSWERING: {**_asked(_S.ORDERING_LEG)},
    _S.ORDERING_LEG: {**_asked(_S.OPENING), **_LEG_MAY_GO, LegEntered: _S.ORDERING_LEG_ENTERED},
    _S.ORDERING_LEG_ENTERED: {**_asked(_S.OPENING_ENTERED), **_LEG_MAY_GO},
    _S.OPENING: {**_asked(_S.AWAITING_LEG), **_LEG_MAY_GO, LegEntered: _S.OPENING_ENTERED},
    _S.OPENING_ENTERED: {**_asked(_S.BRIDGING), **_LEG_MAY_GO},
    _S.AWAITING_LEG: {
        LegEntered: _S.BRIDGING,
        LegLeft: _S.LEAVING,
        DeadlinePassed: _S.LEAVING,
        ShutDown: _S.LEAVING,
        CallerLeft: _S.CLEANING,
    },
    _S.BRIDGING: {**_asked(_S.TALKING), **_LEG_MAY_GO},
    _S.TALKING: {
        HandlerEnded: _S.LEAVING,
        LegLeft: _S.STOPPING,
        ShutDown: _S.STOPPING,
        CallerLeft: _S.PARTING,
    },
    _S.ABORTING: {Done: _S.LEAVING, Failed: _S.LEAVING, CallerLeft: _S.ABANDONING},
    _S.ABANDONING: {Done: _S.CLEANING, Failed: _S.CLEANING},
    _S.STOPPING: {HandlerEnded: _S.LEAVING, DeadlinePassed: _S.LEAVING, CallerLeft: _S.CANCELLING},
    _S.PARTING: {HandlerEnded: _S.CLEANING, DeadlinePassed: _S.CANCELLING, ShutDown: _S.CANCELLING},
    _S.CANCELLING: {HandlerEnded: _S.CLEANING, DeadlinePassed: _S.CLEANING},
    _S.LEAVING: {Done: _S.CLEANING, Failed: _S.DROPPING, CallerLeft: _S.ABANDONING},
    _S.DROPPING: {Done: _S.CLEANING, Failed: _S.CLEANING, CallerLeft: _S.ABANDONING},
    _S.CLEANING: {Done: _S.ENDED, Failed: _S.ENDED},
    _S.ENDED: {},
}
"""state -> input -> next state. Staying where one is, with no command, is what is not listed."""

_DEADLINE_S: Mapping[State, float] = {
    _S.AWAITING_LEG: LEG_ENTERS_WITHIN_S,
    _S.PARTING: HANDLER_PARTS_WITHIN_S,
    _S.STOPPING: HANDLER_STOPS_WITHIN_S,
    _S.CANCELLING: HANDLER_STOPS_WITHIN_S,
}


class Session:
    """The table with what it has to remember: the outcome, and what may exist in the PBX and here."""

    def __init__(self) -> None:
        self.state = State.INSPECTING
        self.outcome: Outcome | None = None
        """How the call ends; the first reason to end it wins."""
        self.deadline_s: float | None = None
        """When DeadlinePassed is due."""
        self._leg = self._bridge = self._port = False

    def start(self, refusal: Cause | None = None) -> list[Command]:
        """What comes first. A refused call is not inspected or answered: it leaves at once."""
        if refusal is not None:
            self.state = State.LEAVING
            self.outcome = Outcome(Status.FAILED, refusal)
        return list(_ENTRY[self.state](self))

    def handle(self, event: Input, now: float) -> list[Command]:
        """What `event` makes necessary. `now` in seconds, monotonic."""
        if isinstance(event, DeadlinePassed) and (self.deadline_s is None or now < self.deadline_s):
            return []
        before, after = self.state, TABLE[self.state].get(type(event))
        self._remember(event, before)
        if after is None:
            return []
        self.state = after
        if _same_wait(before, after):
            return []
        wait_s = _DEADLINE_S.get(after)
        self.deadline_s = None if wait_s is None else now + wait_s
        commands = list(_ENTRY[after](self))
        self._note(commands)
        return commands

    def _remember(self, event: Input, state: State) -> None:
        if isinstance(event, LegLeft):
            self._leg = False
        if self.outcome is not None or state is State.ENDED:
            return
        match event:
            case HandlerEnded(outcome):
                self.outcome = outcome
            case CallerLeft():
                self.outcome = Outcome(Status.HANGUP, Cause.CALLER)
            case Failed(cause):
                self.outcome = Outcome(Status.FAILED, cause)
            case LegLeft() if state in SET_UP or state is State.TALKING:
                self.outcome = Outcome(Status.FAILED, Cause.MEDIA_LEG_LOST)
            case ShutDown():
                self.outcome = Outcome(Status.FAILED, Cause.SHUTDOWN)
            case DeadlinePassed():
                self.outcome = Outcome(Status.FAILED, Cause.MEDIA_LEG_TIMEOUT)

    def _note(self, commands: list[Command]) -> None:
        """What is ordered may exist from now on; what CleanUp was ordered for is settled."""
        for command in commands:
            match command:
                case CreateLeg():
                    self._leg = True
                case OpenPort():
                    self._port = True
                case CreateBridge():
                    self._bridge = True
                case CleanUp():
                    self._leg = self._bridge = self._port = False

    def leave(self) -> Leave:
        if self.outcome is None:
            raise InternalError("a call is to leave, and nothing was remembered of why")
        return Leave(self.outcome)

    def clean_up(self) -> CleanUp:
        return CleanUp(self._leg, self._bridge, self._port)


def _same_wait(before: State, after: State) -> bool:
    """Only the leg's StasisStart was noted: the request that was out still is."""
    return (before, after) in (
        (State.ORDERING_LEG, State.ORDERING_LEG_ENTERED),
        (State.OPENING, State.OPENING_ENTERED),
    )


_ENTRY: Mapping[State, Callable[[Session], tuple[Command, ...]]] = {
    _S.INSPECTING: lambda _: (Inspect(),),
    _S.ANSWERING: lambda _: (Answer(),),
    _S.ORDERING_LEG: lambda _: (CreateLeg(),),
    _S.ORDERING_LEG_ENTERED: lambda _: (),
    _S.OPENING: lambda _: (OpenPort(),),
    _S.OPENING_ENTERED: lambda _: (OpenPort(),),
    _S.AWAITING_LEG: lambda _: (),
    _S.BRIDGING: lambda _: (CreateBridge(),),
    _S.TALKING: lambda _: (StartHandler(),),
    _S.ABORTING: lambda _: (),
    _S.ABANDONING: lambda _: (),
    _S.STOPPING: lambda _: (CancelHandler(),),
    _S.PARTING: lambda _: (TellCallerGone(),),
    _S.CANCELLING: lambda _: (CancelHandler(),),
    _S.LEAVING: lambda session: (session.leave(),),
    _S.DROPPING: lambda _: (HangUp(),),
    _S.CLEANING: lambda session: (session.clean_up(),),
    _S.ENDED: lambda _: (),
}
"""What goes out on entering a state."""
