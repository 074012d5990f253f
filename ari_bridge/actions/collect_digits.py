"""Take digits from the caller's keys: a customer's number, a card's, a PIN.

Masked digits (PCI DSS: card data) go from the keypad into one channel variable of the dialplan, and nowhere
else. The model learns how many there were; log, transcript, live events, record and recording learn nothing.
The recording pauses meanwhile, for a phone may send audible tones besides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ari_bridge.actions.arguments import chosen, none_such, one_of, tool
from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk, Keys
from ari_bridge.actions.race import unless
from ari_bridge.core.messages import ToolSpec
from ari_bridge.settings import DigitSettings


def _spec(context: ActionContext) -> ToolSpec | None:
    if not context.digits:
        return None
    return tool(
        "collect_digits",
        "Take digits that the caller types on the telephone's keys. Ask for them in the same turn.",
        digits=one_of(context.digits, "Which digits."),
    )


async def _run(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    choice = chosen(arguments, "digits", desk.context.digits)
    if choice is None:
        return ActionResult(none_such("digit", desk.context.digits).replace("Digits", "Digits to ask for"))
    name, wanted = choice
    was_recording = desk.call.recording and wanted.masked
    if was_recording:
        await desk.call.pause_recording()
    try:
        with desk.talk.keys(secret=wanted.masked) as keys:
            typed = await _typed(keys, wanted, desk)
    finally:
        if was_recording:
            await desk.call.resume_recording()
    if len(typed) < wanted.min:
        return ActionResult(f"The caller typed {len(typed)} digits; {name} needs at least {wanted.min}.")
    if wanted.variable:
        await desk.call.set_secret(wanted.variable, typed)
    if wanted.masked:
        return ActionResult(f"The caller typed {len(typed)} digits. They are kept from you.")
    return ActionResult(f"The caller typed {typed}.")


async def _typed(keys: Keys, wanted: DigitSettings, desk: Desk) -> str:
    """Until the end key, `max` digits, or a pause that is too long."""
    typed = ""
    key = await unless(keys.next(), _silence(wanted, desk))
    while key is not None and key != wanted.end:
        typed += key
        if len(typed) == wanted.max:
            break
        key = await unless(keys.next(), asyncio.sleep(wanted.next_s))
    return typed


async def _silence(wanted: DigitSettings, desk: Desk) -> None:
    """Typing may begin at once; the time for the first digit counts from when the request was heard."""
    await desk.talk.words_heard()
    await asyncio.sleep(wanted.first_s)


ACTION = Action(name="collect_digits", spec=_spec, run=_run, exclusive=True, idempotent=True)
