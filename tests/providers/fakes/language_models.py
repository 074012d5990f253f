"""The vendors' language models, each before its fake server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from ari_bridge.providers.base import Kind
from ari_bridge.providers.llm.streamed import StreamedModel
from ari_bridge.providers.registry import build
from tests.providers.fakes.anthropic import AnthropicServer
from tests.providers.fakes.gemini import GeminiServer
from tests.providers.fakes.llm_server import Act, LanguageModelServer
from tests.providers.fakes.openai_chat import ChatServer
from tests.providers.fakes.openai_responses import ResponsesServer

SERVERS: dict[str, type[LanguageModelServer]] = {
    "anthropic": AnthropicServer,
    "gemini": GeminiServer,
    "openai-chat": ChatServer,
    "openai-responses": ResponsesServer,
}
MODELS = {
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-3-flash",
    "openai-chat": "gpt-5.2",
    "openai-responses": "gpt-5.2",
}
KEY_ENV = "KEY_OF_THE_TESTS"


def build_model(name: str, base_url: str, **options: Any) -> StreamedModel:
    table = {"model": MODELS[name], "base_url": base_url, "api_key_env": KEY_ENV} | options
    model = build(name, Kind.LLM, table, table=f"providers.{name}")
    assert isinstance(model, StreamedModel)
    return model


@asynccontextmanager
async def served(
    name: str, *acts: Act, **options: Any
) -> AsyncGenerator[tuple[StreamedModel, LanguageModelServer], None]:
    """The model and its server, closed in this order."""
    async with SERVERS[name](*acts).serving() as server:
        model = build_model(name, **{"base_url": server.base_url} | options)
        try:
            yield model, server
        finally:
            await model.close()
