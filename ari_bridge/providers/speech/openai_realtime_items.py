"""Conversation items of OpenAI's Realtime API, made of a history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ari_bridge.core import messages as m


def items(history: Sequence[m.Message]) -> Iterator[dict[str, Any]]:
    """In order. What was interrupted holds only what was heard."""
    for message in history:
        match message.role:
            case m.Role.SYSTEM:
                yield text_item("system", message.text)
            case m.Role.CALLER:
                yield text_item("user", message.text)
            case m.Role.AGENT:
                if message.text:
                    yield text_item("assistant", message.text)
                for call in message.tool_calls:
                    yield {
                        "type": "function_call",
                        "call_id": call.call_id,
                        "name": call.name,
                        "arguments": json.dumps(dict(call.arguments), ensure_ascii=False),
                    }
            case m.Role.TOOL:
                yield result_item(message.tool_call_id, message.text)


def text_item(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def result_item(call_id: str, output: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}
