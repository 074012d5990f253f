"""What an action is: a tool spec, and a pure function from arguments to what is to happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome
from ari_bridge.settings import DestinationSettings


@dataclass(frozen=True, slots=True)
class ActionResult:
    """`result` goes back to the model; an `outcome` ends the conversation once the agent's words of this
    turn have been heard."""

    result: str
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class ActionContext:
    destinations: Mapping[str, DestinationSettings]


@dataclass(frozen=True, slots=True)
class Action:
    """One verb. `spec` may depend on the settings (the destinations a model can choose from); None where
    the verb makes no sense with them. Bad arguments give a result that says so, never an exception."""

    name: str
    spec: Callable[[ActionContext], ToolSpec | None]
    run: Callable[[Mapping[str, Any], ActionContext], ActionResult]
