"""Take the caller back from hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec


def _spec(context: ActionContext) -> ToolSpec:
    return tool("unhold", "Take the caller back from hold.")


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    await desk.call.unhold()
    desk.talk.take_back()
    return ActionResult("The caller hears you again.")


ACTION = Action(name="unhold", spec=_spec, run=_run, exclusive=True, idempotent=True)
