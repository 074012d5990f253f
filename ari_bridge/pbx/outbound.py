"""Calls that we place: rung here, sorted by the dialplan (AMD), and then ours like any that came in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.names import Names, new_call_id
from ari_bridge.pbx.requests import ControlRequests
from ari_bridge.settings import OutboundSettings

NUMBER = re.compile(r"\+?[0-9]{2,20}")
"""All that may come into an endpoint of the settings."""


async def place(
    client: AriClient, names: Names, outbound: OutboundSettings, number: str, variables: Mapping[str, str]
) -> str:
    """Ring `number`. Returns the id that the call has once it is answered and handed to us; a call that
    nobody answers is the PBX's to record. Raises AsteriskError, and ValueError for what is no number."""
    if not NUMBER.fullmatch(number):
        raise ValueError("number: digits only, with or without a + before them")
    call_id = new_call_id()
    await ControlRequests(client).originate_to_dialplan(
        names.outbound(call_id),
        outbound.endpoint.replace("{number}", number),
        context=outbound.context,
        exten=outbound.exten,
        ring_s=outbound.ring_s,
        caller_id=outbound.caller_id,
        variables={
            **outbound.variables,
            **variables,
            "AI_AGENT": outbound.agent,
            "ARIBRIDGECALLID": call_id,
        },
    )
    return call_id
