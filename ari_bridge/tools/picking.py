"""The small path that says what of a JSON answer the model gets: `orders.0.status`, `orders.*.id`."""

from __future__ import annotations

import json
from typing import Any

from ari_bridge.core.errors import ToolError

TEXT_MAX = 4000
"""Characters. A model reads every one of them again in each turn that follows."""


def pick(value: Any, path: str) -> Any:
    """Steps are keys, places in a list (from 0), or `*` for all of a list or table. Raises ToolError where
    there is no such place."""
    return _pick(value, path.split(".") if path else [])


def _pick(value: Any, steps: list[str]) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    match value:
        case list() if step == "*":
            return [_pick(item, rest) for item in value]
        case dict() if step == "*":
            return [_pick(item, rest) for item in value.values()]
        case dict() if step in value:
            return _pick(value[step], rest)
        case list() if step.isdigit() and int(step) < len(value):
            return _pick(value[int(step)], rest)
    raise ToolError(f"the answer has no {step!r} where it was expected.", happened=True)


def as_text(value: Any) -> str:
    """As the model reads it: text as it is, else compact JSON; cut when it is too long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]} (cut off: {len(text)} characters)"
