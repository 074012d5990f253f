"""Hear the caller again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec


def _spec(context: ActionContext) -> ToolSpec:
    return tool("unmute", "Hear the caller again.")


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    await desk.call.unmute()
    return ActionResult("The caller is heard again.")


ACTION = Action(name="unmute", spec=_spec, run=_run, idempotent=True)
