"""What a model may ask for in one call, tools and actions alike, as the toolbox runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ari_bridge.actions.base import Action, ActionResult, Desk
from ari_bridge.core.errors import AriBridgeError
from ari_bridge.core.messages import Standing, ToolSpec
from ari_bridge.tools.base import Tool
from ari_bridge.tools.running import run

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Did:
    result: ActionResult
    standing: Standing


@dataclass(frozen=True, slots=True)
class Job:
    spec: ToolSpec
    run: Callable[[Mapping[str, Any], str], Awaitable[Did]]
    """(arguments, key of this one effect)"""
    effects: bool = True
    may_repeat: bool = False
    """Twice is as once."""
    fresh: bool = False
    """An earlier result answers nothing: a look-up's, or the state of the call, which may have changed."""
    outlives_call: bool = False
    """Once begun it is seen through, even if the caller hangs up."""


def tool_job(tool: Tool, turn: asyncio.Lock) -> Job:
    """`turn`: what is not parallel waits for it."""

    async def work(arguments: Mapping[str, Any], key: str) -> Did:
        if tool.parallel:
            ran = await run(tool, arguments, key)
        else:
            async with turn:
                ran = await run(tool, arguments, key)
        return Did(ActionResult(ran.text), ran.standing)

    return Job(
        tool.spec,
        work,
        effects=tool.effects,
        may_repeat=tool.may_repeat,
        fresh=not tool.effects,
        outlives_call=tool.effects,
    )


class Actions:
    """The actions of one call; of the exclusive ones, one at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._busy_with = ""

    def job(self, action: Action, spec: ToolSpec) -> Job:
        async def work(arguments: Mapping[str, Any], key: str) -> Did:
            return await self.run(action, arguments)

        return Job(spec, work, may_repeat=action.idempotent, fresh=action.idempotent)

    async def run(self, action: Action, arguments: Mapping[str, Any]) -> Did:
        if not action.exclusive:
            return await self._run(action, arguments)
        if self._busy_with:
            return Did(ActionResult(f"Not now: {self._busy_with} is under way."), Standing.NOT_DONE)
        self._busy_with = action.name
        try:
            return await self._run(action, arguments)
        finally:
            self._busy_with = ""

    async def _run(self, action: Action, arguments: Mapping[str, Any]) -> Did:
        try:
            return Did(await action.run(arguments, self._desk), Standing.DONE)
        except AriBridgeError as error:
            log.warning("%s: %s", action.name, error)
            return Did(ActionResult("That did not work."), Standing.UNKNOWN)
