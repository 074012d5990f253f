"""Ask somebody first, then connect the caller with them.

    caller hears music ── ring ── briefing ── accept digit ── the dialplan connects the two
                            │         │             │
                  busy, no answer, hangs up,  declines, no decision; caller or supervisor calls the agent back
                            └─────────┴─────────────┘
                     the agent is back on the line, and says so

The agent's own voice briefs: while the caller is on hold, agent and the asked have the call's bridge for
themselves. The connection is the dialplan's (Bridge() in `control.join_context`): it lasts however this
process fares.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ari_bridge.actions import people
from ari_bridge.actions.arguments import chosen, none_such, one_of, text, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.actions.race import unless
from ari_bridge.core.errors import AriBridgeError, AsteriskError
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.pbx.control import Lost, Party, PartyLost
from ari_bridge.settings import DestinationSettings

BRIEFING_MAX = 500
INVITATION = "Press {accept} to take the call, or {decline} to decline."


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.telephones:
        return None
    return tool(
        "attended_transfer",
        "Ask somebody whether they take the call, and connect the caller if so. The caller hears music"
        " meanwhile; what you say in the same turn is heard first. If they do not take it, you are back with"
        " the caller: say so.",
        destination=one_of(context.telephones, "Whom to ask."),
        briefing=text("What they should know of caller and matter, as you would say it.", BRIEFING_MAX),
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    choice = chosen(arguments, "destination", desk.context.telephones)
    if choice is None:
        return ActionResult(none_such("destination", desk.context.telephones))
    name, place = choice
    join = desk.context.control.join_context
    if not await desk.call.has_place(join, "s"):
        return ActionResult(f"Nobody can be connected: the dialplan has no {join},s,1.")
    briefing = str(arguments.get("briefing", ""))[:BRIEFING_MAX]
    await desk.talk.put_aside()
    try:
        await desk.call.hold()
        person = await _willing(desk, place, briefing)
        await desk.call.stop_music()
        variables = {**place.variables, "ARIBRIDGEPEER": person.hand_over()}
        outcome = Outcome(Status.TRANSFER, name, context=join, exten="s", variables=variables)
        return ActionResult(f"{name} takes the call.", outcome, at_once=True)
    except (PartyLost, _Recalled, AriBridgeError) as error:
        await desk.call.unhold()
        desk.talk.take_back()
        match error:
            case PartyLost():
                return ActionResult(people.lost(name, error.why))
            case _Recalled():
                return ActionResult(f"The caller is back with you, and was not connected with {name}.")
        raise


class _Recalled(Exception):
    """The agent is wanted back."""


async def _willing(desk: Desk, place: DestinationSettings, briefing: str) -> Party:
    """Raises PartyLost, and _Recalled when the caller's cancel key or a supervisor ends the asking."""
    person = await unless(_ask(desk, place, briefing), desk.talk.recalled(), _cancel_key(desk))
    if person is None:
        raise _Recalled
    return person


async def _cancel_key(desk: Desk) -> None:
    with desk.talk.keys(secret=False) as keys:
        while await keys.next() != desk.context.control.cancel_digit:
            pass


async def _ask(desk: Desk, place: DestinationSettings, briefing: str) -> Party:
    """Somebody who has said yes, and waits alone. Raises PartyLost."""
    try:
        person = await desk.call.ring(place.endpoint, within_s=place.ring_s)
    except AsteriskError:
        raise PartyLost(Lost.NO_ANSWER) from None
    try:
        await person.answered()
        await person.join()
        await _decided(desk, person, briefing)
        await person.leave()
    except BaseException:
        await person.hang_up()
        raise
    return person


async def _decided(desk: Desk, person: Party, briefing: str) -> None:
    """Returns when they accept; they need not hear the briefing out. Raises PartyLost."""
    accepts = await unless(_accepts(desk, person), _patience(desk, briefing))
    if accepts is None:
        raise PartyLost(Lost.NO_ANSWER)
    if not accepts:
        raise PartyLost(Lost.DECLINED)


async def _accepts(desk: Desk, person: Party) -> bool:
    control = desk.context.control
    while True:
        digit = await person.digit()
        if digit in (control.accept_digit, control.decline_digit):
            return digit == control.accept_digit


async def _patience(desk: Desk, briefing: str) -> None:
    control = desk.context.control
    invitation = INVITATION.format(accept=control.accept_digit, decline=control.decline_digit)
    await desk.talk.say(f"{briefing} {invitation}".strip())
    await asyncio.sleep(control.answer_s)


ACTION = Action(name="attended_transfer", spec=_spec, run=_run, exclusive=True, idempotent=True)
