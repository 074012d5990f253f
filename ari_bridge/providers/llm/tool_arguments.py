"""Tool calls as models write them: the arguments in JSON, mostly rightly. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.llm.streamed import VendorFault


def tool_call(call_id: Any, name: Any, arguments: Any, seal: Any = "") -> ToolCall:
    """A call from what the vendor told of it. `arguments`: JSON text, or an object. A call without an id gets
    one.

    Raises VendorFault: a call must not run on half of its arguments, and another try may have them whole;
    TypeError: something has another type than the vendor's.
    """
    if not isinstance(call_id, str | None) or not isinstance(name, str) or not isinstance(seal, str):
        raise TypeError("no text")
    value = arguments
    if isinstance(arguments, str):
        try:
            value = json.loads(arguments) if arguments.strip() else None
        except (ValueError, RecursionError):
            raise _unusable(name) from None
    if not isinstance(value, Mapping | None):
        raise _unusable(name)
    return ToolCall(call_id or f"call_{uuid4().hex[:24]}", name, value or {}, seal)


def as_json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False, default=str)


def _unusable(name: str) -> VendorFault:
    return VendorFault(f"it called {name!r} with arguments that are no JSON object", retryable=True)
