"""Press keys towards the caller's end, as for the menu of a machine that was called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import text, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec

DIGITS = re.compile(r"[0-9*#A-D]{1,32}")


def _spec(context: ActionContext) -> ToolSpec:
    return tool(
        "send_dtmf",
        "Press telephone keys, for example in the menu of a machine.",
        digits={**text("The keys: 0 to 9, * and #.", 32), "pattern": f"^{DIGITS.pattern}$"},
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    digits = arguments.get("digits")
    if not isinstance(digits, str) or not DIGITS.fullmatch(digits):
        return ActionResult("Nothing was pressed: the keys are 0 to 9, *, # and A to D, at most 32 of them.")
    await desk.talk.words_heard()
    await desk.call.send_digits(digits)
    return ActionResult("The keys were pressed.")


ACTION = Action(name="send_dtmf", spec=_spec, run=_run)
