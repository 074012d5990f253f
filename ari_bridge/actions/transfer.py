"""Hand the caller over to the dialplan at a named destination: a blind transfer, a queue, a mailbox.

A model chooses a name; where that leads, only `[destinations]` in the settings says, so no word of a model
or a caller ever reaches a dial string.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import chosen, none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome, Status


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.destinations:
        return None
    return tool(
        "transfer",
        "Connect the caller with somebody else. What you say in the same turn is heard first.",
        destination=one_of(context.destinations, "Whom to connect the caller with."),
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    places = desk.context.destinations
    choice = chosen(arguments, "destination", places)
    if choice is None:
        return ActionResult(none_such("destination", places))
    name, place = choice
    if not await desk.call.has_place(place.context, place.exten, place.priority):
        return ActionResult(f"The caller cannot be connected with {name}: the dialplan has no such place.")
    return ActionResult(
        f"The caller is connected with {name} when your words have been heard.",
        Outcome(
            Status.TRANSFER,
            name,
            context=place.context,
            exten=place.exten,
            priority=place.priority,
            variables=place.variables,
        ),
    )


ACTION = Action(name="transfer", spec=_spec, run=_run, idempotent=True)
