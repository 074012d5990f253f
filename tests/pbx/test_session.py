"""The call table: what is made is unmade, and the caller is let go, in whatever order things happen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ari_bridge.pbx import orders
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.pbx.orders import (
    Answer,
    CallerLeft,
    CancelHandler,
    CleanUp,
    CreateBridge,
    CreateLeg,
    DeadlinePassed,
    Done,
    Failed,
    HandlerEnded,
    HangUp,
    Inspect,
    Leave,
    LegEntered,
    LegLeft,
    OpenPort,
    ShutDown,
    StartHandler,
    TellCallerGone,
)
from ari_bridge.pbx.session import LEG_ENTERS_WITHIN_S, TABLE, Session, State

COMPLETED = Outcome(Status.COMPLETED, "SAID_ALL")


def run(session: Session, inputs: Iterable[orders.Input], now: float = 0.0) -> list[orders.Command]:
    """Start if need be; the commands of the last input."""
    commands: list[orders.Command] = []
    for event in inputs:
        commands = session.handle(event, now)
    return commands


def talking() -> Session:
    session = Session()
    session.start()
    run(session, [Done(), Done(), Done(), Done(), LegEntered(), Done()])
    assert session.state is State.TALKING
    return session


def test_a_call_that_goes_well() -> None:
    session = Session()
    steps: list[tuple[orders.Input, list[orders.Command]]] = [
        (Done(), [Answer()]),
        (Done(), [CreateLeg()]),
        (Done(), [OpenPort()]),
        (Done(), []),
        (LegEntered(), [CreateBridge()]),
        (Done(), [StartHandler()]),
        (HandlerEnded(COMPLETED), [Leave(COMPLETED)]),
        (Done(), [CleanUp(leg=True, bridge=True, port=True)]),
        (Done(), []),
    ]
    assert session.start() == [Inspect()]
    for event, commands in steps:
        assert session.handle(event, 0.0) == commands
    assert session.state is State.ENDED


@pytest.mark.parametrize("after", [2, 3, 4])
def test_the_leg_may_enter_before_any_answer(after: int) -> None:
    session = Session()
    session.start()
    before: list[orders.Input] = [Done()] * after
    run(session, [*before, LegEntered(), *[Done()] * (5 - after)])
    assert session.state is State.TALKING


def test_a_leg_that_never_enters_ends_in_the_dialplan() -> None:
    session = Session()
    session.start()
    run(session, [Done()] * 4, now=10.0)
    assert session.deadline_s == 10.0 + LEG_ENTERS_WITHIN_S
    assert session.handle(DeadlinePassed(), 10.1) == [], "not yet"
    (leave,) = session.handle(DeadlinePassed(), 10.0 + LEG_ENTERS_WITHIN_S)
    assert leave == Leave(Outcome(Status.FAILED, "MEDIA_LEG_TIMEOUT"))


@pytest.mark.parametrize("requests_answered", range(6))
def test_a_hang_up_during_set_up_waits_for_the_request_that_is_out(requests_answered: int) -> None:
    session = Session()
    session.start()
    answers: list[orders.Input] = [Done(), Done(), Done(), Done(), LegEntered(), Done()]
    run(session, answers[:requests_answered])
    commands = session.handle(CallerLeft(), 0.0)
    if session.state is State.ABANDONING:
        assert commands == [], "a DELETE now could overtake the POST"
        commands = session.handle(Done(), 0.0)
    assert commands == [
        CleanUp(leg=requests_answered >= 2, bridge=requests_answered >= 5, port=requests_answered >= 3)
    ]
    session.handle(Done(), 0.0)
    assert session.state is State.ENDED


def test_a_caller_who_hangs_up_gives_the_handler_time_but_not_for_ever() -> None:
    session = talking()
    assert session.handle(CallerLeft(), 1.0) == [TellCallerGone()]
    assert session.handle(DeadlinePassed(), 6.0) == [CancelHandler()]
    assert session.handle(HandlerEnded(COMPLETED), 6.1) == [CleanUp(leg=True, bridge=True, port=True)]
    assert session.outcome == Outcome(Status.HANGUP, "CALLER")


def test_losing_the_media_leg_hands_the_caller_to_the_dialplan() -> None:
    session = talking()
    assert session.handle(LegLeft(), 0.0) == [CancelHandler()]
    assert session.handle(HandlerEnded(COMPLETED), 0.0) == [Leave(Outcome(Status.FAILED, "MEDIA_LEG_LOST"))]
    assert session.handle(Done(), 0.0) == [CleanUp(leg=False, bridge=True, port=True)]


def test_a_caller_who_cannot_continue_is_hung_up_rather_than_left_in_silence() -> None:
    session = talking()
    assert run(session, [HandlerEnded(COMPLETED), Failed("CONTINUE_FAILED")]) == [HangUp()]


def test_shutting_down_lets_the_caller_go_on() -> None:
    session = talking()
    assert session.handle(ShutDown(), 0.0) == [CancelHandler()]
    assert session.handle(HandlerEnded(COMPLETED), 0.0) == [Leave(Outcome(Status.FAILED, "SHUTDOWN"))]


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(TABLE) == set(State)
    reached = {State.INSPECTING} | {after for row in TABLE.values() for after in row.values()}
    assert reached == set(State)


@dataclasses.dataclass
class Pbx:
    """What exists in the PBX and here: a model on which the commands are carried out."""

    caller: bool = True
    leg: bool = False
    bridge: bool = False
    port: bool = False
    handler: bool = False
    released: int = 0


class Calls(RuleBasedStateMachine):
    """Answers, events and failures in any order, some twice, some never, some for requests that did work
    though their answer said or seemed otherwise."""

    @initialize()
    def begin(self) -> None:
        self.now = 0.0
        self.pbx = Pbx()
        self.session = Session()
        self.out: orders.Command | None = None
        self.refused: set[type[orders.Command]] = set()
        self.carry_out(self.session.start())

    def carry_out(self, commands: list[orders.Command]) -> None:
        for command in commands:
            match command:
                case StartHandler():
                    self.pbx.handler = True
                case CancelHandler() | TellCallerGone():
                    pass
                case _:
                    assert self.out is None, "two requests out at once"
                    self.out = command

    def tell(self, event: orders.Input) -> None:
        self.carry_out(self.session.handle(event, self.now))

    def effect(self, command: orders.Command) -> bool:
        """Do it; whether the PBX could."""
        pbx = self.pbx
        match command:
            case Inspect() | Answer():
                return pbx.caller
            case CreateLeg():
                pbx.leg = True
            case OpenPort():
                pbx.port = True
            case CreateBridge():
                pbx.bridge = True
                return pbx.caller and pbx.leg
            case Leave() | HangUp():
                if not pbx.caller:
                    return False
                pbx.caller = False
                pbx.released += 1
            case CleanUp(leg, bridge, port):
                pbx.leg = pbx.leg and not leg
                pbx.bridge = pbx.bridge and not bridge
                pbx.port = pbx.port and not port
        return True

    @precondition(lambda self: self.out is not None)
    @rule(lost=st.booleans())
    def request_is_carried_out(self, lost: bool) -> None:
        """`lost`: it worked, but the answer did not come."""
        command, self.out = self.out, None
        assert command is not None
        worked = self.effect(command)
        if not worked and isinstance(command, (Inspect, Answer, Leave, HangUp)):
            self.caller_left_is_noticed()
        always = isinstance(command, CleanUp)
        self.tell(Done() if always or (worked and not lost) else Failed("LOST"))

    @precondition(lambda self: self.out is not None and not isinstance(self.out, CleanUp))
    @rule()
    def request_is_refused(self) -> None:
        self.refused.add(type(self.out))
        self.out = None
        self.tell(Failed("REFUSED"))

    @rule()
    def caller_hangs_up(self) -> None:
        self.pbx.caller = False

    @precondition(lambda self: not self.pbx.caller)
    @rule()
    def caller_left_is_noticed(self) -> None:
        self.tell(CallerLeft())

    @precondition(lambda self: self.pbx.leg)
    @rule()
    def leg_enters(self) -> None:
        self.tell(LegEntered())

    @precondition(lambda self: isinstance(self.out, CreateLeg))
    @rule()
    def leg_enters_before_the_answer(self) -> None:
        self.tell(LegEntered())

    @precondition(lambda self: self.pbx.leg)
    @rule()
    def leg_dies(self) -> None:
        self.pbx.leg = False
        self.tell(LegLeft())

    @rule()
    def shut_down(self) -> None:
        self.tell(ShutDown())

    @precondition(lambda self: self.pbx.handler)
    @rule()
    def handler_ends(self) -> None:
        self.pbx.handler = False
        self.tell(HandlerEnded(COMPLETED))

    @rule(seconds=st.sampled_from([0.1, 3.0, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.tell(DeadlinePassed())

    @invariant()
    def nothing_is_left_at_the_end(self) -> None:
        if self.session.state is State.ENDED:
            assert (self.pbx.leg, self.pbx.bridge, self.pbx.port) == (False, False, False)
            assert not self.pbx.caller or {Leave, HangUp} <= self.refused, "a caller was left in silence"

    def teardown(self) -> None:
        """Let all come to its end: answers, the handler, deadlines, the resync that finds a lost end."""
        for _ in range(50):
            if self.session.state is State.ENDED:
                break
            if self.out is not None:
                self.request_is_carried_out(lost=False)
            elif self.session.state is State.AWAITING_LEG:
                self.time_passes(LEG_ENTERS_WITHIN_S)
            elif self.pbx.handler:
                self.handler_ends()
            elif not self.pbx.caller:
                self.caller_left_is_noticed()
            else:
                self.time_passes(5.0)
        assert self.session.state is State.ENDED, self.session.state
        assert self.pbx.released <= 1
        self.nothing_is_left_at_the_end()


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
