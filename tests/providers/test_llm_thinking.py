"""As little thinking as the model lets us ask for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role
from ari_bridge.providers.llm.thinking import Ladder
from tests.providers.fakes.gemini import GeminiServer
from tests.providers.fakes.language_models import KEY_ENV, served
from tests.providers.fakes.llm_server import KEY

HELLO = [Message(Role.CALLER, "Hello.")]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)


def _asked(body: dict[str, Any]) -> object:
    config = body.get("generationConfig", {}).get("thinkingConfig")
    found = (body.get("reasoning_effort"), body.get("reasoning"), body.get("thinking"), config)
    return next((item for item in found if item is not None), body.get("output_config"))


@pytest.mark.parametrize(
    ("name", "model", "least"),
    [
        ("openai-chat", "gpt-5.2", "none"),
        ("openai-chat", "gpt-5", "minimal"),
        ("openai-chat", "o4-mini", "low"),
        ("openai-chat", "gpt-4.1-mini", None),
        ("openai-responses", "gpt-5", {"effort": "minimal"}),
        ("openai-responses", "gpt-4.1-mini", None),
        ("anthropic", "claude-haiku-4-5", {"type": "disabled"}),
        ("anthropic", "claude-sonnet-5-5", {"type": "between_tools"}),
        ("anthropic", "claude-opus-5-5", {"effort": "low"}),
        ("gemini", "gemini-3-flash", {"thinkingLevel": "minimal"}),
    ],
)
def test_the_least_that_a_model_accepts_is_found_once(name: str, model: str, least: object) -> None:
    async def main() -> None:
        async with served(name, model=model) as (llm, server):
            for _ in range(2):
                assert [delta async for delta in llm.reply(HELLO, ())]
            assert _asked(server.bodies[-1]) == least
            assert _asked(server.bodies[-2]) == least

    asyncio.run(main())


@pytest.mark.parametrize(
    ("levels", "least"), [({"low", "high"}, {"thinkingLevel": "low"}), (set(), {"thinkingBudget": 0})]
)
def test_gemini_s_models_differ(levels: set[str], least: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GeminiServer, "levels", levels)

    async def main() -> None:
        async with served("gemini") as (llm, server):
            assert [delta async for delta in llm.reply(HELLO, ())]
            assert _asked(server.bodies[-1]) == least

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("openai-chat", "high"),
        ("openai-responses", {"effort": "high"}),
        ("gemini", {"thinkingLevel": "high"}),
    ],
)
def test_more_is_to_be_had(name: str, asked: object) -> None:
    async def main() -> None:
        async with served(name, thinking="high") as (llm, server):
            assert [delta async for delta in llm.reply(HELLO, ())]
            assert _asked(server.bodies[-1]) == asked
        async with served(name, thinking="default") as (llm, server):
            assert [delta async for delta in llm.reply(HELLO, ())]
            assert _asked(server.bodies[-1]) is None

    asyncio.run(main())


def test_a_level_that_the_model_lacks_is_an_error_that_names_it() -> None:
    async def main() -> None:
        async with served("openai-chat", thinking="enormous") as (llm, server):
            with pytest.raises(ProviderError, match="does not support 'enormous'"):
                await anext(llm.reply(HELLO, ()))
            assert len(server.bodies) == 1

    asyncio.run(main())


def test_calls_that_were_refused_together_climb_one_step() -> None:
    steps = ({"effort": "none"}, {"effort": "minimal"}, {"effort": "low"}, {})
    ladder = Ladder(steps)
    first = ladder.setting
    assert ladder.refused(first, 400, "effort 'none' is not supported")
    assert ladder.refused(first, 400, "effort 'none' is not supported")
    assert ladder.setting == steps[1]
    assert not ladder.refused(steps[1], 401, "no key, whatever you think")
    assert not ladder.refused(steps[1], 400, "the history is too long")
    assert not ladder.refused(steps[-1], 400, "effort")
