"""Hand the caller over to the dialplan at one of the named destinations (a blind transfer).

A model chooses a name; where that leads, only `[destinations]` in the settings says, so no word of a model
or a caller ever reaches a dial string.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.base import Action, ActionContext, ActionResult
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome, Status


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.destinations:
        return None
    return ToolSpec(
        name="transfer",
        description="Connect the caller with somebody else. What you say in the same turn is heard first.",
        parameters={
            "type": "object",
            "properties": {
                "destination": {
                    "type": "string",
                    "enum": sorted(context.destinations),
                    "description": "Whom to connect the caller with.",
                }
            },
            "required": ["destination"],
            "additionalProperties": False,
        },
    )


def _run(arguments: Mapping[str, Any], context: ActionContext) -> ActionResult:
    name = arguments.get("destination")
    destination = context.destinations.get(name) if isinstance(name, str) else None
    if destination is None:
        known = ", ".join(sorted(context.destinations)) or "none"
        return ActionResult(f"There is no such destination. Destinations: {known}.")
    return ActionResult(
        f"The caller is connected with {name} when your words have been heard.",
        Outcome(
            Status.TRANSFER,
            str(name),
            context=destination.context,
            exten=destination.exten,
            priority=destination.priority,
        ),
    )


ACTION = Action(name="transfer", spec=_spec, run=_run)
