"""Bring a third party into the call: caller, agent and they hear each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions import people
from ari_bridge.actions.arguments import chosen, none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.control import PartyLost


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.telephones:
        return None
    return tool(
        "conference",
        "Call somebody and bring them into this call, with you and the caller.",
        destination=one_of(context.telephones, "Whom to call."),
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    choice = chosen(arguments, "destination", desk.context.telephones)
    if choice is None:
        return ActionResult(none_such("destination", desk.context.telephones))
    name, place = choice
    person = await desk.call.ring(place.endpoint, within_s=place.ring_s)
    try:
        await person.answered()
        await person.join()
    except PartyLost as error:
        return ActionResult(people.lost(name, error.why))
    except BaseException:
        await person.hang_up()
        raise
    return ActionResult(f"{name} is in the call now.")


ACTION = Action(name="conference", spec=_spec, run=_run, exclusive=True)
