"""Let a supervisor listen to a call, or whisper to the agent. For people; no agent needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions import people
from ari_bridge.actions.arguments import chosen, none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.control import Ear, PartyLost

_MODES = {"listen": Ear.LISTEN, "whisper": Ear.WHISPER}


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.telephones:
        return None
    return tool(
        "supervise",
        "Let a supervisor listen to this call; with whisper, they also speak to the agent, unheard by the"
        " caller.",
        destination=one_of(context.telephones, "Whom to call."),
        mode={**one_of(_MODES, "What they may do."), "default": "listen"},
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    choice = chosen(arguments, "destination", desk.context.telephones)
    if choice is None:
        return ActionResult(none_such("destination", desk.context.telephones))
    name, place = choice
    mode = chosen({"mode": "listen", **arguments}, "mode", _MODES)
    if mode is None:
        return ActionResult(none_such("mode", _MODES))
    try:
        await desk.call.let_listen(place.endpoint, mode[1], within_s=place.ring_s)
    except PartyLost as error:
        return ActionResult(people.lost(name, error.why))
    return ActionResult(f"{name} hears the call now.")


ACTION = Action(name="supervise", spec=_spec, run=_run)
