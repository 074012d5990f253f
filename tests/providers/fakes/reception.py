"""A server of chat completions whose model is the example script: real answers, tools and all, without a
model's weights. `python -m tests.providers.fakes.reception PORT` serves it by itself, without a key."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.providers.llm.script import EXAMPLE
from ari_bridge.providers.llm.script_file import load_script
from ari_bridge.providers.llm.script_talk import answer
from ari_bridge.providers.llm.turns import INTERRUPTED
from tests.providers.fakes.llm_server import Answers, Calls
from tests.providers.fakes.openai_chat import ChatServer

_SCRIPT = load_script(EXAMPLE)
_NOTE = re.compile(r"^\(.*\)$")


def by_the_script(body: Mapping[str, Any]) -> Answers:
    """What the script answers to a request."""
    tools = {tool["function"]["name"] for tool in body.get("tools", ())}
    said = answer(_SCRIPT, list(_history(body["messages"])), tools)
    calls = [Calls(c.call_id, c.name, (json.dumps(dict(c.arguments)),)) for c in said.tool_calls]
    return Answers((*re.findall(r"\S+\s*", said.text), *calls))


def _history(messages: list[dict[str, Any]]) -> Iterator[Message]:
    for index, message in enumerate(messages):
        text = message.get("content") or ""
        match message["role"]:
            case "system":
                yield Message(Role.SYSTEM, text)
            case "user":
                words = [line for line in text.split("\n") if not _NOTE.match(line)]
                if words:
                    yield Message(Role.CALLER, "\n".join(words))
            case "assistant":
                after = next((m for m in messages[index:] if m["role"] == "user"), {"content": ""})
                calls = tuple(
                    ToolCall(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
                    for c in message.get("tool_calls") or ()
                )
                yield Message(Role.AGENT, text, INTERRUPTED in after["content"], calls)
            case "tool":
                yield Message(Role.TOOL, text, tool_call_id=message["tool_call_id"])


async def _serve(port: int) -> None:
    async with ChatServer(by_the_script, port=port, key="").serving() as server:
        print(f'model = "gpt-5.2", base_url = "{server.base_url}"', flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
