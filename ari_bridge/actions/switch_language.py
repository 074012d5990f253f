"""Go on in another language: the caller is understood, and the agent speaks, in it from now on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import chosen, none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.core.messages import ToolSpec


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.languages:
        return None
    language = one_of(context.languages, "BCP 47 tag of the language to go on in.")
    return tool(
        "switch_language",
        "Go on in another language when the caller speaks or asks for it. Say what follows in that language.",
        language=language,
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    languages = {tag: tag for tag in desk.context.languages}
    wanted = chosen(arguments, "language", languages)
    if wanted is None:
        return ActionResult(none_such("language", languages))
    desk.talk.switch_language(wanted[0])
    return ActionResult(f"The conversation goes on in {wanted[0]} now. Speak {wanted[0]}.")


ACTION = Action(name="switch_language", spec=_spec, run=_run)
