"""Sees to it that Asterisk and we agree: what the look finds (resync) is acted upon here.

Who waits in our application and is no call's is, in this order:

    in a dead worker's records     adopted: the call goes on in its next life
    answered by a worker (it has   let go to the dialplan with FAILED, STRANDED: nobody knows what was said,
    the variable ARIBRIDGESTATUS)  and an agent that starts anew would be worse than a person
    neither                        a call that came while nobody listened: taken as if its event had come
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import Enum

from ari_bridge.core.errors import Gone
from ari_bridge.pbx import variables
from ari_bridge.pbx.call import CallInfo, Outcome, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import AriEvent, Channel, ChannelEnded, StasisStart
from ari_bridge.pbx.names import Names
from ari_bridge.pbx.outbound import Outbound
from ari_bridge.pbx.resync import Believed, Findings, compare, look

logger = logging.getLogger(__name__)

STRANDED = Outcome(Status.FAILED, Cause.STRANDED)


class Stance(Enum):
    """What the application is to us."""

    SERVING = "who waits in it is taken"
    LEAVING = "who waits in it goes on in the dialplan"
    REPLACED = "another program has it: only the calls of before are looked after"


class Upkeep:
    """`believed` tells the live calls; `on_event` and `adopt` must only enqueue. `left`: the calls of a dead
    worker, by the caller's channel id."""

    def __init__(
        self,
        client: AriClient,
        names: Names,
        *,
        believed: Callable[[], list[Believed]],
        on_event: Callable[[AriEvent], None],
        adopt: Callable[[StasisStart, CallInfo], None],
        left: Mapping[str, CallInfo],
        outbound: Outbound,
    ) -> None:
        self._client = client
        self._names = names
        self._believed = believed
        self._on_event = on_event
        self._adopt = adopt
        self._left = dict(left)
        self._outbound = outbound
        self.stance = Stance.SERVING
        self._one_at_a_time = asyncio.Lock()

    async def resync(self) -> None:
        """Look, compare, act. Raises AsteriskError; once more is harmless."""
        async with self._one_at_a_time:
            before, placed = self._believed(), self._outbound.channel_ids
            seen = await look(self._client)
            live = {call.call_id for call in self._believed()}
            found = compare(seen, before, self._names, self._client.app, live=live)
            placed_and_gone = [channel_id for channel_id in placed if channel_id not in seen.channels]
            for channel_id in (*found.gone, *placed_and_gone):
                self._on_event(ChannelEnded(channel_id, destroyed=channel_id not in seen.channels))
            for channel in found.entered:
                self._on_event(StasisStart(channel, ()))
            for channel, old_id in found.replaced:
                self._on_event(StasisStart(channel, (), replaces=old_id))
            if self.stance is not Stance.REPLACED:
                await self._clear(found)
                for channel in found.waiting:
                    await self._meet(channel)

    async def _clear(self, found: Findings) -> None:
        for channel_id in found.orphan_channels:
            logger.warning("channel %s was left over; deleted", channel_id)
            await self._client.hang_up(channel_id)
        for bridge_id in found.orphan_bridges:
            logger.warning("bridge %s was left over; deleted", bridge_id)
            await self._client.delete_bridge(bridge_id)

    async def _meet(self, channel: Channel) -> None:
        if any(call.channel_id == channel.id for call in self._believed()):
            return  # its event was faster
        info = self._left.pop(channel.id, None)
        try:
            start = await self._outbound.found(channel)
            if start is None:
                return
            if info is not None and self.stance is Stance.SERVING:
                logger.warning("call %s: its worker died; it goes on here", info.call_id)
                self._adopt(start, info)
            elif await self._is_stranded(channel):
                logger.warning("channel %s waited for nobody; it goes on in the dialplan", channel.id)
                await self._client.set_variables(channel.id, variables.on_leaving("", STRANDED))
                await self._client.continue_in_dialplan(channel.id)
            else:
                logger.warning("channel %s came while nobody listened; it is taken now", channel.id)
                self._on_event(start)
        except Gone:
            return

    async def _is_stranded(self, channel: Channel) -> bool:
        if self.stance is Stance.LEAVING:
            return True
        return bool(await self._client.get_variable(channel.id, variables.STATUS))
