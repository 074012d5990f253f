"""What a process that died left in Asterisk, which would otherwise stay for ever: media legs, bridges, and
callers who wait in Stasis for nobody.

Only while our events WebSocket is not open: then no call can be on its way in whose StasisStart is yet to
be read, and whoever waits is really stranded.
"""

from __future__ import annotations

import logging
from collections.abc import Container

from ari_bridge.core.errors import Gone
from ari_bridge.pbx import variables
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import Channel
from ari_bridge.pbx.names import Names

logger = logging.getLogger(__name__)

STRANDED = Outcome(Status.FAILED, "STRANDED")


async def sweep(client: AriClient, names: Names, live: Container[str]) -> None:
    """Delete legs and bridges of no live call (by call id or caller's channel id), and send stranded callers
    on in the dialplan. Raises AsteriskError; sweeping again is harmless."""
    for channel in await client.channels():
        call_id = names.owner(channel.id)
        if call_id is not None:
            if call_id not in live:
                logger.warning("channel %s was left over; deleted", channel.id)
                await client.hang_up(channel.id)
        elif waits_in(channel, client.app) and channel.id not in live:
            logger.warning("channel %s waited for nobody; it goes on in the dialplan", channel.id)
            await _release(client, channel.id)
    for bridge_id in await client.bridges():
        call_id = names.owner(bridge_id)
        if call_id is not None and call_id not in live:
            logger.warning("bridge %s was left over; deleted", bridge_id)
            await client.delete_bridge(bridge_id)


def waits_in(channel: Channel, app: str) -> bool:
    """Whether the dialplan put this channel into Stasis(app, ...). Not known on Asterisk 16."""
    return channel.app_name == "Stasis" and channel.app_data.partition(",")[0].strip() == app


async def _release(client: AriClient, channel_id: str) -> None:
    try:
        await client.set_variables(channel_id, variables.on_leaving("", STRANDED))
        await client.continue_in_dialplan(channel_id)
    except Gone:
        return
