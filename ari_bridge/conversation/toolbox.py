"""The actions that may be taken in one call: by its agent, as tools for a model, and by others."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ari_bridge.actions.base import Action, ActionResult, Desk
from ari_bridge.core.errors import AriBridgeError
from ari_bridge.core.messages import ToolSpec

log = logging.getLogger(__name__)


class Toolbox:
    """Runs them, and keeps the outcome that the first of them decided."""

    def __init__(self, actions: Sequence[Action], desk: Desk, *, agent_may: Collection[str]) -> None:
        """`agent_may`: names of the actions that are offered to the model."""
        fit = [(action, spec) for action in actions if (spec := action.spec(desk.context)) is not None]
        self._desk = desk
        self._actions = {spec.name: action for action, spec in fit}
        self._busy_with = ""
        self.specs: tuple[ToolSpec, ...] = tuple(spec for _, spec in fit if spec.name in agent_may)
        self.outcome: ActionResult | None = None

    @property
    def names(self) -> Collection[str]:
        """All that can be taken in this call."""
        return self._actions.keys()

    async def run_for_agent(self, name: str, arguments: Mapping[str, Any]) -> ActionResult:
        if not any(spec.name == name for spec in self.specs):
            return ActionResult(f"There is no tool {name!r}.")
        result = await self.run(name, arguments)
        if self.outcome is None and result.outcome is not None:
            self.outcome = result
        return result

    async def run(self, name: str, arguments: Mapping[str, Any]) -> ActionResult:
        """What cannot be done is said in the result. `name` is one of `names`."""
        action = self._actions[name]
        if not action.exclusive:
            return await self._run(action, arguments)
        if self._busy_with:
            return ActionResult(f"Not now: {self._busy_with} is under way.")
        self._busy_with = name
        try:
            return await self._run(action, arguments)
        finally:
            self._busy_with = ""

    async def _run(self, action: Action, arguments: Mapping[str, Any]) -> ActionResult:
        try:
            return await action.run(arguments, self._desk)
        except AriBridgeError as error:
            log.warning("%s: %s", action.name, error)
            return ActionResult("That did not work.")
