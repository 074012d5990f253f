"""Calls that we place, from the request until an agent has them or nobody will.

    RINGING ──answered──▶ SORTING (in the dialplan: AMD) ──Stasis()──▶ an agent's call like any other
       └─ busy, declined, no answer      └─ a machine, or gone            from here on none of ours

They are rung into our own application and sent on to the dialplan when they answer, rather than rung into the
dialplan: so Asterisk tells us from the beginning what becomes of them. Who is not reached is reported, once.
The dialplan tells what AMD() heard by UserEvent(AriBridgeAmd,Status: ...).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from ari_bridge.core.errors import AsteriskError, Gone
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import AmdTold, Channel, ChannelEnded, StasisStart
from ari_bridge.pbx.names import Names, new_call_id
from ari_bridge.pbx.requests import ControlRequests
from ari_bridge.settings import OutboundSettings

logger = logging.getLogger(__name__)

NUMBER = re.compile(r"\+?[0-9]{2,20}")
"""All that may come into an endpoint of the settings."""

PLACED = "placed"
"""First argument of a placed call on its first way into our application; then the table of [outbound]."""

_WHY = {
    0: Cause.NO_ANSWER,
    16: Cause.NO_ANSWER,
    17: Cause.USER_BUSY,
    18: Cause.NO_ANSWER,
    19: Cause.NO_ANSWER,
    21: Cause.REJECTED,
}
"""By Q.850 cause; others are UNREACHABLE."""


class Phase(Enum):
    RINGING = auto()
    SORTING = auto()


@dataclass(slots=True)
class PlacedCall:
    """`number` is personal data."""

    call_id: str
    name: str
    """The table of [outbound] by which it was placed."""
    agent: str
    number: str
    placed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    phase: Phase = Phase.RINGING
    made: bool = False
    """Asterisk has answered to the request: the channel was there."""
    machine: bool = False
    """AMD() heard one."""


NotReached = Callable[[PlacedCall, Cause], Awaitable[None]]


class Outbound:
    """`not_reached` is told of each placed call that no agent ever had; `hold` runs a task to its end."""

    def __init__(
        self,
        client: AriClient,
        names: Names,
        tables: Mapping[str, OutboundSettings],
        not_reached: NotReached,
        hold: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._client = client
        self._names = names
        self._tables = tables
        self._not_reached = not_reached
        self._hold = hold
        self._calls: dict[str, PlacedCall] = {}
        """By channel id."""

    @property
    def under_way(self) -> int:
        """Calls that may yet come to an agent."""
        return len(self._calls)

    @property
    def channel_ids(self) -> list[str]:
        """Those that Asterisk has made."""
        return [channel_id for channel_id, call in self._calls.items() if call.made]

    async def place(self, name: str, number: str, variables: Mapping[str, str]) -> str:
        """Ring `number`. Returns the id that the call has once it is answered and handed to us. Raises
        AsteriskError, and ValueError for what is no number."""
        if not NUMBER.fullmatch(number):
            raise ValueError("number: digits only, with or without a + before them")
        table, call_id = self._tables[name], new_call_id()
        channel_id = self._names.outbound(call_id)
        call = self._calls[channel_id] = PlacedCall(call_id, name, table.agent, number)
        try:
            await ControlRequests(self._client).originate(
                channel_id,
                table.endpoint.replace("{number}", number),
                ring_s=table.ring_s,
                caller_id=table.caller_id,
                app_args=f"{PLACED},{name}",
                variables={
                    **table.variables,
                    **variables,
                    "AI_AGENT": table.agent,
                    "ARIBRIDGECALLID": call_id,
                },
            )
        except BaseException:
            self._calls.pop(channel_id, None)
            self._hold(self._hang_up(channel_id))
            raise
        call.made = True
        return call_id

    async def give_up(self) -> None:
        """Nobody would talk to them: who still rings is hung up."""
        for channel_id, call in list(self._calls.items()):
            if call.phase is Phase.RINGING and self._calls.pop(channel_id, None) is not None:
                await self._hang_up(channel_id)
                await self._report(call, Cause.SHUTDOWN)

    async def close(self) -> None:
        """None comes to an agent any more."""
        await self.give_up()
        for channel_id in list(self._calls):
            await self._report(self._calls.pop(channel_id), Cause.SHUTDOWN)

    # -------------------------------------------------------------- news

    def answered(self, start: StasisStart) -> bool:
        """Whether it is a placed call on its first way in: it goes to the dialplan. Another worker may have
        placed it."""
        if self._names.call_of_outbound(start.channel.id) is None or start.args[:1] != (PLACED,):
            return False
        call = self._calls.get(start.channel.id)
        if call is None or call.phase is Phase.RINGING:
            if call is not None:
                call.phase = Phase.SORTING
            self._hold(self._send_on(start))
        return True

    def taken(self, channel_id: str) -> None:
        """An agent has it."""
        if self._calls.pop(channel_id, None) is not None:
            self._hold(self._stop_watching(channel_id))

    def told(self, event: AmdTold) -> None:
        call = self._calls.get(event.channel_id)
        if call is not None:
            call.machine = event.status == "MACHINE"

    def ended(self, event: ChannelEnded) -> None:
        call = self._calls.get(event.channel_id)
        if call is None or (call.phase is Phase.SORTING and not event.destroyed):
            return  # on its way into the dialplan it leaves our application
        if call.phase is Phase.RINGING and event.cause is None:
            return  # a first word of the end; why it was not answered comes with the last
        del self._calls[event.channel_id]
        if call.phase is Phase.RINGING:
            cause = _WHY.get(event.cause or 0, Cause.UNREACHABLE)
        else:
            cause = Cause.MACHINE if call.machine else Cause.NO_AGENT
        self._hold(self._report(call, cause))

    async def found(self, channel: Channel) -> StasisStart | None:
        """What was missed, of a channel that seems to be in our application. None when nothing was: Asterisk
        16 does not say where a channel is, and counts those we placed as ours all along. Raises Gone."""
        call = self._calls.get(channel.id)
        if call is None or channel.app_name:
            return StasisStart(channel, tuple(channel.app_data.split(",")[1:]))
        if call.phase is Phase.RINGING:
            return StasisStart(channel, (PLACED, call.name)) if channel.state == "Up" else None
        await self._client.answer(channel.id)  # it is Gone unless it has come back to us
        return StasisStart(channel, (f"agent={call.agent}",))

    # -------------------------------------------------------------- its requests

    async def _send_on(self, start: StasisStart) -> None:
        table = self._tables.get(start.args[1] if len(start.args) > 1 else "")
        channel_id = start.channel.id
        try:
            if table is not None:
                await self._client.continue_in_dialplan(
                    channel_id, context=table.context, exten=table.exten, priority=1
                )
                return
            logger.warning("channel %s was placed by an [outbound] that is gone; hung up", channel_id)
        except Gone:
            return
        except AsteriskError as error:
            logger.warning("channel %s was answered, but cannot go on: %s", channel_id, error)
        await self._hang_up(channel_id)

    async def _stop_watching(self, channel_id: str) -> None:
        """Who was rung for an application stays among its channels for ever, and Asterisk 16 cannot tell us
        that it has left it."""
        try:
            await self._client.call(
                "applications",
                "unsubscribe",
                applicationName=self._client.app,
                eventSource=[f"channel:{channel_id}"],
            )
        except AsteriskError as error:
            logger.debug("channel %s is still watched: %s", channel_id, error)

    async def _hang_up(self, channel_id: str) -> None:
        try:
            await self._client.hang_up(channel_id)
        except AsteriskError as error:
            logger.warning("channel %s may be left in Asterisk: %s", channel_id, error)

    async def _report(self, call: PlacedCall, cause: Cause) -> None:
        logger.info("call %s: nobody was reached: %s", call.call_id, cause)
        await self._not_reached(call, cause)


async def unnoted(call: PlacedCall, cause: Cause) -> None:
    """A NotReached that keeps nothing."""
