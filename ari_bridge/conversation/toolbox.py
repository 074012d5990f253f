"""The actions an agent may take, as tools for a model."""

from __future__ import annotations

from collections.abc import Sequence

from ari_bridge.actions.base import Action, ActionContext
from ari_bridge.core.messages import ToolCall, ToolSpec
from ari_bridge.dialogue.signals import ToolReturned
from ari_bridge.pbx.call import Outcome


class Toolbox:
    """Runs them, and keeps the outcome that the first of them decided."""

    def __init__(self, actions: Sequence[Action], context: ActionContext) -> None:
        offered = [(action, action.spec(context)) for action in actions]
        self._context = context
        self._actions = {spec.name: action for action, spec in offered if spec is not None}
        self.specs: tuple[ToolSpec, ...] = tuple(spec for _, spec in offered if spec is not None)
        self.outcome: Outcome | None = None

    def run(self, call: ToolCall) -> ToolReturned:
        action = self._actions.get(call.name)
        if action is None:
            return ToolReturned(call, f"There is no tool {call.name!r}.", decides_outcome=False)
        result = action.run(call.arguments, self._context)
        if self.outcome is None:
            self.outcome = result.outcome
        return ToolReturned(call, result.result, decides_outcome=result.outcome is not None)
