"""Speak slower or faster, as the caller asks: from the next sentence on, until it is changed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import chosen, none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec

PACES: Mapping[str, float] = {"slow": 0.75, "normal": 1.0, "fast": 1.25}


def _spec(context: ActionContext) -> ToolSpec:
    pace = one_of(PACES, "How fast you speak from your next sentence on.")
    return tool("speaking_pace", "Speak slower or faster when the caller asks for it.", pace=pace)


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    wanted = chosen(arguments, "pace", PACES)
    if wanted is None:
        return ActionResult(none_such("pace", PACES))
    name, pace = wanted
    desk.talk.set_pace(pace)
    return ActionResult(f"You speak at a {name} pace now.")


ACTION = Action(name="speaking_pace", spec=_spec, run=_run)
