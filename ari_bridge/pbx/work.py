"""What the commands of a call's session do to the PBX and the media plane: one method a request.

Each raises AriBridgeError when it did not work, UnknownAgent, or Gone when the channel has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.core.errors import AriBridgeError, AsteriskError, Gone, InternalError
from ari_bridge.media.plane import MediaPlane, MediaPort
from ari_bridge.pbx import formats, variables
from ari_bridge.pbx.call import CallHandler, CallInfo, Outcome, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import Channel, StasisStart
from ari_bridge.pbx.line import CallLine
from ari_bridge.pbx.names import Names
from ari_bridge.pbx.orders import CleanUp
from ari_bridge.pbx.preflight import Abilities
from ari_bridge.pbx.routing import choose_agent, parse_args
from ari_bridge.pbx.wake import Waker
from ari_bridge.settings import Settings

logger = logging.getLogger(__name__)

DELETE_TRIES = 3
DELETE_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all calls of a controller share."""

    settings: Settings
    client: AriClient
    names: Names
    media: MediaPlane
    handler: CallHandler
    abilities: Abilities
    clock: Clock = monotonic_s


class CallWork:
    """The requests of one call, and what they found out: `info` and `port`."""

    def __init__(
        self, around: Surroundings, start: StasisStart, call_id: str, adopted: CallInfo | None = None
    ) -> None:
        life = 1 if adopted is None else adopted.life + 1
        self.call_id = call_id
        self.channel_id = start.channel.id
        self.leg_id = around.names.leg(call_id, life)
        self.bridge_id = around.names.bridge(call_id, life)
        self.info: CallInfo | None = None
        self.port: MediaPort | None = None
        self.line = CallLine(
            around.client,
            around.names,
            call_id,
            start.channel.id,
            leg_id=self.leg_id,
            bridge_id=self.bridge_id,
        )
        self._adopted = None if adopted is None else replace(adopted, channel_id=start.channel.id, life=life)
        self._around = around
        self._client = around.client
        self._start = start
        self._waker = Waker(around.client, needed=around.abilities.sleeps)
        self._answered = False
        self._format = formats.NARROWBAND
        self._peer: tuple[str, int] | None = None

    async def inspect(self) -> None:
        """Choose agent and format. Nothing has been done to the call yet, not even answered."""
        channel, settings = self._start.channel, self._around.settings
        known = dict(channel.variables or {})
        missing = [name for name in (*variables.READ, variables.NATIVE_FORMAT) if name not in known]
        known |= await self._client.get_variables(self.channel_id, missing)
        self._format = formats.choose(
            settings.media.format,
            known.get(variables.NATIVE_FORMAT, ""),
            wideband_possible=self._around.abilities.wideband,
        )
        self.info = self._routed(channel, known) if self._adopted is None else self._readopted(self._adopted)
        logger.info("agent %s, %s", self.info.agent, self._format)

    def _routed(self, channel: Channel, known: Mapping[str, str]) -> CallInfo:
        args = parse_args(self._start.args)
        did = args.get("did", "") or channel.exten
        agent = choose_agent(self._around.settings, args, known, did)
        return CallInfo(
            call_id=self.call_id,
            channel_id=self.channel_id,
            agent=agent,
            did=did,
            caller_number=channel.caller_number,
            caller_name=channel.caller_name,
            args=args,
            variables={name: value for name, value in known.items() if name.startswith("AI_")},
        )

    def _readopted(self, adopted: CallInfo) -> CallInfo:
        """As the dead worker knew it, if its agent is still there."""
        choose_agent(self._around.settings, {"agent": adopted.agent}, {}, adopted.did)
        return adopted

    @property
    def _agent(self) -> str:
        return "" if self.info is None else self.info.agent

    def replace_caller(self, channel: Channel) -> None:
        """The call goes on with another channel in the caller's place."""
        self.channel_id = channel.id
        self.line.caller_is_now(channel.id)
        if self.info is not None:
            self.info = replace(
                self.info,
                channel_id=channel.id,
                caller_number=channel.caller_number,
                caller_name=channel.caller_name,
            )

    async def answer(self) -> None:
        if self._adopted is not None:
            await self.line.undo_earlier()
        await self._client.set_variables(self.channel_id, variables.on_entry(self.call_id, self._agent))
        await self._waker.keep_awake([self.channel_id], self._client.answer(self.channel_id))
        self._answered = True

    async def create_leg(self) -> None:
        leg = await self._client.external_media(
            self.leg_id,
            external_host=self._around.media.address,
            format=self._format,
            call_id=self.call_id,
        )
        if leg.format != self._format:
            logger.warning(
                "media.format: this Asterisk makes %s of %s; the call speaks %s",
                *(leg.format, self._format, leg.format),
            )
            self._format = leg.format
        self._peer = leg.peer

    async def open_port(self) -> None:
        if self._peer is None:
            raise InternalError("a port was ordered before its leg")
        self.port = await self._around.media.open(self._format, self._peer, self.call_id)

    async def create_bridge(self) -> None:
        await self._client.create_bridge(self.bridge_id)
        both = (self.channel_id, self.leg_id)
        await self._waker.keep_awake(both, self._client.add_channels(self.bridge_id, both))

    async def leave(self, outcome: Outcome) -> None:
        """Variables, then on in the dialplan; not with our music in the caller's ear."""
        await self.line.stop_music()
        if outcome.context and not await self._place_exists(outcome):
            logger.warning(
                "the dialplan has no %s,%s,%d (destinations): the caller goes on after Stasis()",
                *(outcome.context, outcome.exten or "s", outcome.priority),
            )
            outcome = Outcome(Status.FAILED, Cause.NO_SUCH_DESTINATION, variables=outcome.variables)
        try:
            await self._client.set_variables(self.channel_id, variables.on_leaving(self.call_id, outcome))
        except Gone:
            raise
        except AsteriskError as error:
            logger.warning("its variables are not set: %s", error)
        await self._client.continue_in_dialplan(
            self.channel_id, context=outcome.context, exten=outcome.exten, priority=outcome.priority
        )
        if not self._answered:  # whoever is has audio, and is in the dialplan already
            await self._waker.wake(self.channel_id)

    async def hang_up(self) -> None:
        await self._client.hang_up(self.channel_id)

    async def clean_up(self, order: CleanUp) -> None:
        steps = []
        if order.leg:
            steps.append(self._insist(self._client.hang_up, self.leg_id))
        if order.bridge:
            steps.append(self._insist(self._client.delete_bridge, self.bridge_id))
        if order.port and self.port is not None:
            steps.append(self.port.close())
        steps.append(self.line.close())
        async with asyncio.TaskGroup() as tasks:
            for step in steps:
                tasks.create_task(step)

    async def _place_exists(self, outcome: Outcome) -> bool:
        """False only where the dialplan says so: `continue` to a missing place hangs the caller up."""
        if not self._around.abilities.dialplan_lookup:
            return True
        try:
            return await self._client.dialplan_has(
                self.channel_id, outcome.context, outcome.exten or "s", outcome.priority
            )
        except Gone:
            raise
        except AsteriskError:
            return True  # in doubt, the agent's word counts

    async def _insist(self, delete: Callable[[str], Awaitable[None]], name: str) -> None:
        """A lost answer must not leave a leg for ever: Asterisk never times one out."""
        for attempt in range(1, DELETE_TRIES + 1):
            try:
                await delete(name)
                return
            except AriBridgeError as error:
                if attempt == DELETE_TRIES:
                    logger.warning("%s may be left in Asterisk: %s", name, error)
                    return
            await asyncio.sleep(DELETE_RETRY_S)
