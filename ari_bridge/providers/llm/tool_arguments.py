"""The arguments of a tool call, which models write as JSON text, mostly rightly. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.llm.streamed import VendorFault


def tool_call(call_id: str, name: str, arguments: str) -> ToolCall:
    """Raises VendorFault: a call must not run on half of its arguments; another try may have them whole."""
    if not name:
        raise VendorFault("it called a tool without a name", retryable=True)
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        value = arguments
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise VendorFault(f"it called {name} with arguments that are no JSON object", retryable=True)
    return ToolCall(call_id, name, value)


def as_json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False, default=str)
