"""Record the call on the PBX: start, pause, resume, stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec

STEPS = ("start", "pause", "resume", "stop")


def _spec(context: ActionContext) -> ToolSpec:
    return tool(
        "record",
        "Record the call. Pause while the caller says what must not be kept.",
        step=one_of(STEPS, "What to do."),
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    step = arguments.get("step")
    if step not in STEPS:
        return ActionResult(none_such("step", STEPS))
    call = desk.call
    if step == "start":
        return ActionResult(f"The call is recorded, as {await call.start_recording()}.")
    if not call.recording:
        return ActionResult("The call is not recorded.")
    if step == "pause":
        await call.pause_recording()
        return ActionResult("The recording is paused.")
    if step == "resume":
        await call.resume_recording()
        return ActionResult("The recording goes on.")
    await call.stop_recording()
    return ActionResult("The recording has ended.")


ACTION = Action(name="record", spec=_spec, run=_run, idempotent=True)
