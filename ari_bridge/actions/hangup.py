"""End the call once the farewell has been heard: the dialplan hangs up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.pbx.causes import Cause


def _spec(context: ActionContext) -> ToolSpec:
    return tool("hangup", "End the call. Say goodbye in the same turn: the caller hears it to the end first.")


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    return ActionResult(
        "The call ends when your words have been heard.", Outcome(Status.COMPLETED, Cause.AGENT)
    )


ACTION = Action(name="hangup", spec=_spec, run=_run, idempotent=True)
