"""The fake servers themselves: the vendors' own clients understand them, and find in them what was meant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types as gemini

from tests.providers.fakes.anthropic import AnthropicServer
from tests.providers.fakes.gemini import SEAL, GeminiServer
from tests.providers.fakes.llm_server import (
    CACHED_TOKENS,
    INPUT_TOKENS,
    KEY,
    OUTPUT_TOKENS,
    Answers,
    Calls,
    Refuses,
)
from tests.providers.fakes.openai_chat import ChatServer
from tests.providers.fakes.openai_responses import ResponsesServer

BOOK = Calls("call_1", "book", ('{"da', 'y": "Tue', 'sday"}'))
ANSWER = Answers(("Good ", "morning, ", "今日は", BOOK, Calls("call_2", "hangup", ("{}",))))
DAY = {"type": "object", "properties": {"day": {"type": "string"}}}
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
"""google-genai makes a session of its own kind."""

Talks = Callable[[str], Coroutine[Any, Any, None]]


async def _chat(base_url: str) -> None:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=1) as client:
        async with client.chat.completions.stream(
            model="gpt-5.2",
            messages=[{"role": "user", "content": "Hello"}],
            tools=[{"type": "function", "function": {"name": "book", "parameters": DAY}}],
            stream_options={"include_usage": True},
        ) as stream:
            whole = await stream.get_final_completion()
        message = whole.choices[0].message
        assert message.content == "Good morning, 今日は"
        called = [
            (call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()
        ]
        assert called == [("book", {"day": "Tuesday"}), ("hangup", {})]
        assert whole.usage is not None
        assert whole.usage.completion_tokens == OUTPUT_TOKENS


async def _responses(base_url: str) -> None:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=1) as client:
        async with client.responses.stream(
            model="gpt-5.2",
            input=[{"role": "user", "content": "Hello"}],
            tools=[{"type": "function", "name": "book", "parameters": DAY, "strict": False}],
        ) as stream:
            whole = await stream.get_final_response()
        assert whole.output_text == "Good morning, 今日は"
        called = [(i.name, json.loads(i.arguments)) for i in whole.output if i.type == "function_call"]
        assert called == [("book", {"day": "Tuesday"}), ("hangup", {})]
        assert whole.usage is not None
        assert whole.usage.input_tokens == INPUT_TOKENS


async def _anthropic(base_url: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=base_url, api_key=KEY, max_retries=1) as client:
        async with client.messages.stream(
            model="claude-haiku-4-5",
            max_tokens=100,
            messages=[{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
            tools=[{"name": "book", "input_schema": DAY}],
        ) as stream:
            whole = await stream.get_final_message()
        assert [b.text for b in whole.content if b.type == "text"] == ["Good morning, 今日は"]
        called = [(b.name, b.input) for b in whole.content if b.type == "tool_use"]
        assert called == [("book", {"day": "Tuesday"}), ("hangup", {})]
        assert whole.stop_reason == "tool_use"
        assert whole.usage.cache_read_input_tokens == CACHED_TOKENS
        assert whole.usage.output_tokens == OUTPUT_TOKENS


async def _gemini(base_url: str) -> None:
    options = gemini.HttpOptions(base_url=base_url, api_version="", retry_options=None)
    client = genai.Client(api_key=KEY, http_options=options).aio
    try:
        chunks = [
            chunk
            async for chunk in await client.models.generate_content_stream(
                model="gemini-3-flash",
                contents="Hello",
                config=gemini.GenerateContentConfig(
                    tools=[gemini.Tool(function_declarations=[gemini.FunctionDeclaration(name="book")])]
                ),
            )
        ]
    finally:
        await client.aclose()
    parts = [part for chunk in chunks for part in chunk.parts or ()]
    assert "".join(part.text or "" for part in parts) == "Good morning, 今日は"
    calls = [part for part in parts if part.function_call]
    called = [(c.function_call.name, c.function_call.args) for c in calls if c.function_call]
    assert called == [("book", {"day": "Tuesday"}), ("hangup", {})]
    assert calls[0].thought_signature is not None
    assert len(calls[0].thought_signature) == len(SEAL) * 3 // 4
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.candidates_token_count == OUTPUT_TOKENS


@pytest.mark.parametrize(
    ("server", "talk"),
    [
        (ChatServer, _chat),
        (ResponsesServer, _responses),
        (AnthropicServer, _anthropic),
        (GeminiServer, _gemini),
    ],
)
def test_the_vendor_s_own_client_understands_it(server: type[Any], talk: Talks) -> None:
    async def main() -> None:
        async with server(ANSWER).serving() as serving:
            await talk(serving.base_url)
            assert len(serving.bodies) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("server", "talk", "error"),
    [
        (ChatServer, _chat, openai.RateLimitError),
        (ResponsesServer, _responses, openai.RateLimitError),
        (AnthropicServer, _anthropic, anthropic.RateLimitError),
        (GeminiServer, _gemini, genai.errors.ClientError),
    ],
)
def test_it_refuses_as_the_vendor_does(server: type[Any], talk: Talks, error: type[Exception]) -> None:
    async def main() -> None:
        async with server(Refuses(429, "Slow down.", {"retry-after-ms": "1"})).serving() as serving:
            with pytest.raises(error, match="Slow down"):
                await talk(serving.base_url)

    asyncio.run(main())
