"""End an attended transfer that is under way: the caller is back with the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.telephones:
        return None
    return tool("recall", "End an attended transfer that is under way, and be back with the caller.")


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    desk.talk.recall()
    return ActionResult("The agent was called back.")


ACTION = Action(name="recall", spec=_spec, run=_run, idempotent=True)
