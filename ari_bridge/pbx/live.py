"""One live call: carries out what its session orders, and is the PbxCall that the handler sees.

All tasks of a call live in one TaskGroup: when `run` returns none of them is left. The answer to a
request, the PBX's events and the handler's end all come through one inbox. It cannot overflow: at most one
request is out, the handler ends once, and of each fact (caller left, leg entered, ...) one notice is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from ari_bridge.core.errors import (
    AriBridgeError,
    AsteriskError,
    Gone,
    InternalError,
    MediaError,
    ProviderError,
    SettingsError,
)
from ari_bridge.media.plane import MediaPort
from ari_bridge.pbx import orders
from ari_bridge.pbx.call import (
    CallerBack,
    CallerGone,
    CallerHeld,
    CallerReplaced,
    CallInfo,
    Digit,
    Outcome,
    PbxEvent,
    Status,
)
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.control import CallControl
from ari_bridge.pbx.events import Channel, StasisStart
from ari_bridge.pbx.party import RungParty
from ari_bridge.pbx.resync import Believed
from ari_bridge.pbx.routing import UnknownAgent
from ari_bridge.pbx.session import Session, State
from ari_bridge.pbx.work import CallWork, Surroundings

logger = logging.getLogger(__name__)

INBOX = 16
EVENTS_WAITING = 64
"""Digits and the like that a handler may leave unread; more are dropped."""

_CAUSES: tuple[tuple[type[AriBridgeError], Cause], ...] = (
    (ProviderError, Cause.PROVIDER_FAILED),
    (MediaError, Cause.MEDIA_FAILED),
    (AsteriskError, Cause.ASTERISK_FAILED),
    (SettingsError, Cause.SETTINGS),
    (AriBridgeError, Cause.INTERNAL),
)
"""ARIBRIDGECAUSE of a handler's error."""

_LEAVING = frozenset(
    {
        State.PARTING,
        State.CANCELLING,
        State.ABANDONING,
        State.LEAVING,
        State.DROPPING,
        State.CLEANING,
        State.ENDED,
    }
)

_Notice = orders.LegEntered | orders.LegLeft | orders.CallerLeft | orders.ShutDown


class LiveCall:
    """A PbxCall. `notice` and `press` only enqueue; `run` returns when nothing of the call is left."""

    def __init__(
        self,
        around: Surroundings,
        start: StasisStart,
        call_id: str,
        refusal: Cause | None = None,
        adopted: CallInfo | None = None,
    ) -> None:
        """`refusal`: why the call is not taken, if it is not. `adopted`: what a worker that died knew."""
        self.refusal = refusal
        self._around = around
        self._work = CallWork(around, start, call_id, adopted)
        self._session = Session()
        self._inbox: asyncio.Queue[orders.Input] = asyncio.Queue(INBOX)
        self._noticed: set[type[_Notice]] = set()
        self._events: asyncio.Queue[PbxEvent] = asyncio.Queue(EVENTS_WAITING + 1)
        self._handler: asyncio.Task[None] | None = None

    # -------------------------------------------------------------- PbxCall

    @property
    def info(self) -> CallInfo:
        if self._work.info is None:
            raise InternalError("a call's info was read before it was routed")
        return self._work.info

    @property
    def port(self) -> MediaPort:
        if self._work.port is None:
            raise InternalError("a call's port was used before it was opened")
        return self._work.port

    @property
    def control(self) -> CallControl:
        return self._work.line

    async def next_event(self) -> PbxEvent:
        return await self._events.get()

    # -------------------------------------------------------------- for the controller

    @property
    def call_id(self) -> str:
        return self._work.call_id

    @property
    def channel_id(self) -> str:
        return self._work.channel_id

    @property
    def leg_id(self) -> str:
        return self._work.leg_id

    def part(self, channel_id: str) -> RungParty | None:
        """Of the other channels that belong to the call."""
        return self._work.line.part(channel_id)

    @property
    def believed(self) -> Believed:
        work, entered = self._work, orders.LegEntered in self._noticed
        return Believed(
            work.call_id,
            work.channel_id,
            work.leg_id,
            work.bridge_id,
            leg_entered=entered,
            part_ids=tuple(work.line.part_ids),
            awaited_ids=(*work.line.awaited_ids, *(() if entered else (work.leg_id,))),
        )

    @property
    def packets(self) -> int:
        """How many the caller's leg has sent so far."""
        port = self._work.port
        return 0 if port is None else port.stats().received

    @property
    def leaving(self) -> bool:
        """The caller's channel is on its way out: a StasisStart of it now is a new call."""
        return self._session.state in _LEAVING or orders.CallerLeft in self._noticed

    def notice(self, event: _Notice) -> None:
        if type(event) not in self._noticed:
            self._noticed.add(type(event))
            self._inbox.put_nowait(event)

    def press(self, digit: str, duration_ms: int) -> None:
        self._tell(Digit(digit, duration_ms, self._around.clock()))

    def hold(self, held: bool) -> None:
        now_s = self._around.clock()
        self._tell(CallerHeld(now_s) if held else CallerBack(now_s))

    def hand_over_to(self, channel: Channel) -> None:
        """The PBX has put `channel` into the caller's place."""
        logger.info("call %s: transferred by the PBX to channel %s", self.call_id, channel.id)
        self._work.replace_caller(channel)
        self._tell(CallerReplaced(self._around.clock()))

    def _tell(self, event: PbxEvent) -> None:
        if self._events.qsize() >= EVENTS_WAITING:
            logger.warning("call %s: events come faster than they are read; one was dropped", self.call_id)
            return
        self._events.put_nowait(event)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._order(self._session.start(self.refusal), tasks)
            while self._session.state is not State.ENDED:
                event = await self._next_input()
                self._order(self._session.handle(event, self._around.clock()), tasks)
            if self._handler is not None:
                self._handler.cancel()  # the session may have given it up; it must not stay behind
        outcome = self._session.outcome
        if outcome is not None:
            logger.info("ended, %s %s", outcome.status.value, outcome.cause)

    # -------------------------------------------------------------- the loop's parts

    async def _next_input(self) -> orders.Input:
        deadline_s = self._session.deadline_s
        if deadline_s is None:
            return await self._inbox.get()
        try:
            async with asyncio.timeout(max(0.0, deadline_s - self._around.clock())):
                return await self._inbox.get()
        except TimeoutError:
            return orders.DeadlinePassed()

    def _order(self, commands: list[orders.Command], tasks: asyncio.TaskGroup) -> None:
        work = self._work
        for command in commands:
            match command:
                case orders.StartHandler():
                    self._handler = tasks.create_task(self._talk(), name=f"call {self.call_id}")
                case orders.CancelHandler():
                    if self._handler is not None:
                        self._handler.cancel()
                case orders.TellCallerGone():
                    self._events.put_nowait(CallerGone(self._around.clock()))
                case orders.Inspect():
                    tasks.create_task(self._request(work.inspect(), Cause.INSPECT_FAILED))
                case orders.Answer():
                    tasks.create_task(self._request(work.answer(), Cause.ANSWER_FAILED))
                case orders.CreateLeg():
                    tasks.create_task(
                        self._request(work.create_leg(), Cause.MEDIA_LEG_FAILED, of_caller=False)
                    )
                case orders.OpenPort():
                    tasks.create_task(
                        self._request(work.open_port(), Cause.MEDIA_PORT_FAILED, of_caller=False)
                    )
                case orders.CreateBridge():
                    tasks.create_task(
                        self._request(work.create_bridge(), Cause.BRIDGE_FAILED, of_caller=False)
                    )
                case orders.Leave(outcome):
                    tasks.create_task(self._request(work.leave(outcome), Cause.ASTERISK_FAILED))
                case orders.HangUp():
                    tasks.create_task(self._request(work.hang_up(), Cause.ASTERISK_FAILED))
                case orders.CleanUp():
                    tasks.create_task(
                        self._request(work.clean_up(command), Cause.ASTERISK_FAILED, of_caller=False)
                    )

    async def _request(
        self, work: Coroutine[Any, Any, None], cause: Cause, *, of_caller: bool = True
    ) -> None:
        """Exactly one Done or Failed comes of it. `of_caller`: what is Gone is the caller's channel."""
        answer: orders.Input = orders.Failed(cause)
        try:
            await work
            answer = orders.Done()
        except UnknownAgent as error:
            logger.warning("%s", error)
            answer = orders.Failed(Cause.UNKNOWN_AGENT)
        except Gone as error:
            logger.debug("%s", error)
            if of_caller:
                self.notice(orders.CallerLeft())
        except AriBridgeError as error:
            logger.warning("%s: %s", cause, error)
        except Exception:  # a supervising root: the session must hear of it, and clean up
            logger.exception("%s", cause)
            answer = orders.Failed(Cause.INTERNAL)
        finally:
            self._inbox.put_nowait(answer)

    async def _talk(self) -> None:
        outcome = Outcome(Status.FAILED, Cause.INTERNAL)
        try:
            outcome = await self._around.handler(self)
        except AriBridgeError as error:
            logger.warning("%s", error)
            outcome = Outcome(
                Status.FAILED, next(cause for kind, cause in _CAUSES if isinstance(error, kind))
            )
        except Exception:  # a supervising root: one call's failure is its own
            logger.exception("the call handler failed")
        finally:
            self._inbox.put_nowait(orders.HandlerEnded(outcome))
