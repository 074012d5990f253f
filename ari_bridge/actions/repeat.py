"""What the agent said last, for a caller who did not catch it. A model could tell from its history; the
scripted agent cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec


def _spec(context: ActionContext) -> ToolSpec:
    return tool("repeat", "Get your last words, to say them again to a caller who did not catch them.")


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    return ActionResult(desk.talk.last_words() or "You have not said anything yet.")


ACTION = Action(name="repeat", spec=_spec, run=_run)
