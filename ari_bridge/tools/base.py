"""What a tool is, whatever is behind it.

`effects`, `idempotent` and `parallel` are its author's declaration; `[tools.policy.NAME]` goes over it. On
them rests what may happen twice:

    effects=False       a look-up: any number of times, also before a turn is settled (speculation)
    idempotent=True     twice is as once: tried again after a failure, and after a crash
    neither             once, and never again unless it surely did not happen
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ari_bridge.core.messages import Standing, ToolSpec

TIMEOUT_S = 10.0
RETRIES = 2

Run: TypeAlias = Callable[[Mapping[str, Any], str], Awaitable[str]]
"""(arguments that fit the schema, key of this one effect) -> what the model is told. Raises ToolError. The
key is the same when the same effect is tried again, for services that can tell (Idempotency-Key)."""


@dataclass(frozen=True, slots=True)
class Tool:
    spec: ToolSpec
    run: Run
    effects: bool = True
    idempotent: bool = False
    parallel: bool = False
    """It may run beside others of the same call."""
    timeout_s: float = TIMEOUT_S
    """For all tries together."""
    retries: int = RETRIES

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def may_repeat(self) -> bool:
        return self.idempotent or not self.effects


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a call."""

    text: str
    standing: Standing
