"""A whole conversation through HTTP goes as it does with the script itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ari_bridge.core.messages import Message, Role, ToolCall, ToolSpec
from ari_bridge.providers.base import Kind, LanguageModel, TextDelta
from ari_bridge.providers.registry import build
from tests.providers.fakes.language_models import KEY_ENV, served
from tests.providers.fakes.llm_server import KEY
from tests.providers.fakes.reception import by_the_script

TOOLS = [ToolSpec(name, "", {"type": "object"}) for name in ("transfer", "hangup", "look_up")]


async def _round(model: LanguageModel, history: Sequence[Message]) -> tuple[str, tuple[ToolCall, ...]]:
    deltas = [delta async for delta in model.reply(history, TOOLS)]
    calls = tuple(delta for delta in deltas if isinstance(delta, ToolCall))
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)), calls


def test_a_conversation_by_way_of_chat_completions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)
    script = build("script", Kind.LLM, {}, table="providers.script")

    async def main() -> None:
        async with served("openai-chat", by_the_script) as (model, server):
            history = [Message(Role.SYSTEM, "Be kind."), Message(Role.AGENT, "Hello!")]
            rounds = tools = 0
            for number, said in enumerate((*script.phrases, "nothing anybody expects", "[digit 1]")):
                history.append(Message(Role.CALLER, said))
                while True:
                    text, calls = await _round(model, history)
                    expected, wanted = await _round(script, history)
                    assert text == expected
                    assert [(c.name, c.arguments) for c in calls] == [(c.name, c.arguments) for c in wanted]
                    rounds += 1
                    cut = number % 3 == 0 and not calls and len(text.split()) > 3
                    heard = " ".join(text.split()[:3]) if cut else text
                    history.append(Message(Role.AGENT, heard, cut, calls))
                    if not calls:
                        break
                    tools += len(calls)
                    history += [Message(Role.TOOL, "done", tool_call_id=call.call_id) for call in calls]
            assert rounds > 50
            assert tools > 0
            assert len(server.connections) == 1

    asyncio.run(main())
