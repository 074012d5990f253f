"""Give the call back to the dialplan, after Stasis(): it goes on as written there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import text, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.pbx.causes import Cause

SUMMARY_MAX = 200


def _spec(context: ActionContext) -> ToolSpec:
    return tool(
        "continue_in_dialplan",
        "You are done, and the telephone system goes on with the call. What you say in the same turn is"
        " heard first.",
        summary={**text("What the call was about, in a few words.", SUMMARY_MAX), "default": ""},
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    summary = arguments.get("summary", "")
    printable = "".join(c for c in str(summary) if c.isprintable() and c not in '"$\\{}[],;')
    return ActionResult(
        "The telephone system goes on with the call when your words have been heard.",
        Outcome(Status.COMPLETED, Cause.CONTINUE, variables={"ARIBRIDGESUMMARY": printable[:SUMMARY_MAX]}),
    )


ACTION = Action(name="continue_in_dialplan", spec=_spec, run=_run, idempotent=True)
