"""What only one vendor has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.core.messages import Message, Role, ToolCall, ToolSpec
from ari_bridge.providers.base import Kind, TextDelta, Usage
from ari_bridge.providers.llm.anthropic import AnthropicReader
from ari_bridge.providers.llm.openai_chat import ChatReader
from ari_bridge.providers.llm.openai_responses import ResponsesReader
from ari_bridge.providers.llm.streamed import Ending
from ari_bridge.providers.registry import build
from tests.providers.fakes.gemini import SEAL, STAND_IN
from tests.providers.fakes.language_models import KEY_ENV, served
from tests.providers.fakes.llm_server import CACHED_TOKENS, INPUT_TOKENS, KEY, Answers, Calls, Refuses

HELLO = [Message(Role.SYSTEM, "Be kind."), Message(Role.CALLER, "Hello.")]
BOOK = ToolSpec("book", "Book a slot.", {"type": "object"})
HANGUP = ToolSpec("hangup", "End the call.", {"type": "object"})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def _build(name: str, **options: Any) -> Any:
    return build(name, Kind.LLM, {"model": "m", **options}, table="providers.brain")


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        (
            "openai-chat",
            {},
            "providers.brain.api_key_file: there is no key; name a file, or set OPENAI_API_KEY",
        ),
        ("openai-chat", {"base_url": "https://api.groq.com/openai/v1"}, "set GROQ_API_KEY"),
        ("openai-chat", {"base_url": "https://r.openai.azure.com/openai/v1"}, "set AZURE_OPENAI_API_KEY"),
        ("anthropic", {}, "set ANTHROPIC_API_KEY"),
        ("anthropic", {"model": ""}, "providers.brain.model: "),
        ("gemini", {"base_url": "generativelanguage.googleapis.com"}, "providers.brain.base_url: is no URL"),
        ("gemini", {"base_url": "https://me:secret@x/v1"}, "base_url: a key does not belong there"),
        ("openai-responses", {"api_key": "sk-1"}, "providers.brain.api_key: unknown key"),
        ("openai-responses", {"temperature": 7}, "providers.brain.temperature: "),
        ("openai-chat", {"max_tokens": 0}, "providers.brain.max_tokens: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name: str, options: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _build(name, **options)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_of_one_s_own_needs_no_key_and_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)  # OpenAI's key is nobody else's business

    async def main() -> None:
        async with served("openai-chat", api_key_env="") as (llm, _):
            with pytest.raises(ProviderError, match=r"127\.0\.0\.1: answered 401: .*\[\]"):
                await anext(llm.reply(HELLO, ()))

    asyncio.run(main())


def test_a_key_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")

    async def main() -> None:
        async with served("openai-chat", api_key_file=tmp_path / "key") as (llm, _):
            assert await anext(llm.reply(HELLO, ()))

    asyncio.run(main())


def test_azure_has_a_version_and_a_header_of_its_own() -> None:
    async def main() -> None:
        async with served("openai-chat", api_version="2024-10-21", max_tokens=50) as (llm, server):
            assert await anext(llm.reply(HELLO, ()))
            assert server.headers[-1]["api-key"] == KEY
            assert "Authorization" not in server.headers[-1]
            assert server.queries[-1] == {"api-version": "2024-10-21"}
            assert server.bodies[-1]["max_completion_tokens"] == 50

    asyncio.run(main())


@pytest.mark.parametrize("name", ["anthropic", "gemini", "openai-chat", "openai-responses"])
def test_options_reach_the_body_and_more_can_be_said_there(name: str) -> None:
    extra = {"generationConfig": {"seed": 7}} if name == "gemini" else {"metadata": {"user_id": "7"}}

    async def main() -> None:
        options = {"temperature": 0.3, "max_tokens": 99, "extra_body": extra}
        async with served(name, **options) as (llm, server):
            assert await anext(llm.reply(HELLO, ()))
            body = server.bodies[-1]
            places = {**body, **body.get("generationConfig", {})}
            assert places["temperature"] == 0.3
            assert 99 in (places.get(n) for n in ("max_tokens", "max_output_tokens", "maxOutputTokens"))
            assert places.get("seed") == 7 or places.get("metadata") == {"user_id": "7"}

    asyncio.run(main())


# ------------------------------------------------------------------ chat completions


def _read(reader: Any, *events: Any) -> list[Any]:
    deltas = [delta for event in events for delta in reader.read(event)]
    return [delta for delta in deltas if delta != TextDelta("")]


def _chunk(delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def test_azure_s_first_chunk_and_a_server_s_thoughts_are_nothing() -> None:
    reader = ChatReader()
    azure = {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
    thought = _chunk({"role": "assistant", "content": None, "reasoning_content": "Hm."})
    assert _read(reader, azure, thought, _chunk({"content": "Yes"})) == [TextDelta("Yes")]


def _call_of(
    index: int | None, call_id: str | None, name: str | None, arguments: str | None
) -> dict[str, Any]:
    piece: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    if index is not None:
        piece["index"] = index
    if call_id is not None:
        piece["id"] = call_id
    return _chunk({"tool_calls": [piece]})


@pytest.mark.parametrize(
    "events",
    [
        # As OpenAI does; interleaved; all with one index and whole, as Ollama did; without any; with every id
        # repeated.
        [_call_of(0, "a", "f", ""), _call_of(0, None, None, '{"n":1}'), _call_of(1, "b", "g", "")],
        [_call_of(0, "a", "f", '{"n"'), _call_of(1, "b", "g", None), _call_of(0, None, None, ":1}")],
        [_call_of(0, "a", "f", '{"n":1}'), _call_of(0, "b", "g", "{}")],
        [_call_of(None, "a", "f", '{"n":1}'), _call_of(None, "b", "g", "null")],
        [_call_of(0, "a", "f", '{"n"'), _call_of(0, "a", "f", ":1}"), _call_of(1, "b", "g", " ")],
    ],
)
def test_tool_calls_as_servers_differ_in_sending_them(events: list[Any]) -> None:
    reader = ChatReader()
    assert _read(reader, *events) == []
    assert _read(reader, _chunk({}, "tool_calls")) == [ToolCall("a", "f", {"n": 1}), ToolCall("b", "g", {})]


def test_a_call_without_an_id_gets_one() -> None:
    reader = ChatReader()
    _read(reader, _call_of(0, "", "f", "{}"))
    (call,) = _read(reader, _chunk({}, "stop"))
    assert len(call.call_id) > 10


def test_half_a_character_is_not_passed_on() -> None:
    assert _read(ChatReader(), _chunk({"content": "a\ud83d\0b"})) == [TextDelta("ab")]


def test_refusals_are_spoken() -> None:
    assert _read(ChatReader(), _chunk({"refusal": "I cannot."})) == [TextDelta("I cannot.")]
    event = {"type": "response.refusal.delta", "delta": "I cannot."}
    assert _read(ResponsesReader(), event) == [TextDelta("I cannot.")]


def test_a_key_in_an_error_is_not_shown_in_the_middle_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with served(
            "openai-chat", Answers(junk_at=1, junk=json.dumps({"error": {"message": KEY}}))
        ) as (
            llm,
            _,
        ):
            with pytest.raises(ProviderError) as caught:
                await anext(llm.reply(HELLO, ()))
            assert str(caught.value) == "127.0.0.1: ***"

    asyncio.run(main())


# ------------------------------------------------------------------ Responses


def test_responses_stores_nothing() -> None:
    async def main() -> None:
        async with served("openai-responses") as (llm, server):
            assert await anext(llm.reply(HELLO, [BOOK]))
            assert server.bodies[-1]["store"] is False
            assert server.bodies[-1]["instructions"] == "Be kind."

    asyncio.run(main())


# ------------------------------------------------------------------ Anthropic


def test_anthropic_s_cache_has_tools_system_and_the_talk_so_far() -> None:
    async def main() -> None:
        async with served("anthropic") as (llm, server):
            assert await anext(llm.reply(HELLO, [BOOK, HANGUP]))
            body = server.bodies[-1]
            marked = [*body["tools"], *body["system"], *body["messages"][-1]["content"]]
            assert ["cache_control" in block for block in marked] == [False, True, True, True]

    asyncio.run(main())


def test_anthropic_tells_the_input_s_cost_before_the_end() -> None:
    async def main() -> None:
        async with served("anthropic", Answers(stalls_at=5)) as (llm, server):
            reply = llm.reply(HELLO, ())
            assert isinstance(await anext(reply), TextDelta)
            assert await anext(reply) == Usage(INPUT_TOKENS, 1, "anthropic claude-haiku-4-5", CACHED_TOKENS)
            await reply.aclose()
            await server.nobody_is_served()

    asyncio.run(main())


def test_anthropic_s_thoughts_are_not_spoken_and_new_blocks_are_passed_over() -> None:
    reader = AnthropicReader()
    events = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "something_new"},
        {"type": "message_delta", "delta": {"stop_reason": "refusal"}},
    ]
    assert _read(reader, *events) == []
    assert reader.ending is Ending.FILTERED


# ------------------------------------------------------------------ Gemini


def _history(*calls: ToolCall) -> list[Message]:
    results = [Message(Role.TOOL, "done", tool_call_id=call.call_id) for call in calls]
    return [*HELLO, Message(Role.AGENT, "", tool_calls=calls), *results]


def _seals(body: Mapping[str, Any]) -> list[str | None]:
    parts = [part for content in body["contents"] for part in content["parts"]]
    return [part.get("thoughtSignature") for part in parts if "functionCall" in part]


def test_gemini_gets_its_seals_back_or_a_stand_in() -> None:
    async def main() -> None:
        both = Answers((Calls("1", "book", ("{}",)), Calls("2", "hangup", ("{}",))))
        async with served("gemini", both, Answers()) as (llm, server):
            calls = [delta async for delta in llm.reply(HELLO, [BOOK, HANGUP]) if isinstance(delta, ToolCall)]
            for history in (_history(*calls), _history(ToolCall("of another vendor's", "book", {}))):
                assert [delta async for delta in llm.reply(history, [BOOK])]
            assert [_seals(body) for body in server.bodies[1:]] == [[SEAL, None], [STAND_IN]]

    asyncio.run(main())


def test_gemini_s_older_models_know_no_seals() -> None:
    async def main() -> None:
        async with served("gemini", Refuses(500), model="gemini-2.5-flash") as (llm, server):
            with pytest.raises(ProviderError, match="missing a thought_signature"):
                await anext(llm.reply(_history(ToolCall("a", "book", {})), [BOOK]))
            assert _seals(server.bodies[-1]) == [None]

    asyncio.run(main())


def test_gemini_s_prompt_filter_and_thoughts() -> None:
    async def main() -> None:
        blocked = json.dumps({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        thought = json.dumps({"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}}]})
        acts = (Answers(("a", "b"), junk_at=0, junk=blocked), Answers(("a", "b"), junk_at=0, junk=thought))
        async with served("gemini", *acts) as (llm, _):
            with pytest.raises(ProviderError, match="content filter"):
                await anext(llm.reply(HELLO, ()))
            texts = [delta.text async for delta in llm.reply(HELLO, ()) if isinstance(delta, TextDelta)]
            assert texts == ["b"]

    asyncio.run(main())
