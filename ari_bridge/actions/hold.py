"""Let the caller hear music. The dialogue stands still meanwhile; nobody is forgotten there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec


def _spec(context: ActionContext) -> ToolSpec:
    return tool(
        "hold",
        "Put the caller on hold with music, while you do something that takes time. Call unhold before you"
        " speak again.",
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    await desk.talk.put_aside()
    try:
        await desk.call.hold()
    except BaseException:
        desk.talk.take_back()
        raise

    async def enough() -> None:
        await desk.call.unhold()
        desk.talk.take_back()

    desk.talk.at_limit(desk.context.control.hold_limit_s, enough)
    return ActionResult("The caller is on hold and hears music, until you call unhold.")


ACTION = Action(name="hold", spec=_spec, run=_run, exclusive=True, idempotent=True)
