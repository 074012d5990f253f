"""Anthropic Messages: the Claude models.

What stays the same from turn to turn (tools, system, the conversation so far) is marked for Anthropic's
prompt cache, which makes the next turn's first token quicker and its input cheaper.

Source: Claude API reference, "Messages", "Streaming messages", "Prompt caching" and the thinking pages of the
models (platform.claude.com/docs, as of November 2026), anthropic-version 2023-06-01: the version after it,
2026-10-21, takes no temperature, and other servers of this protocol do not know it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from ari_bridge.core.messages import ToolCall, ToolSpec
from ari_bridge.providers.base import Kind, Provider, Usage
from ari_bridge.providers.llm.model_options import ModelOptions
from ari_bridge.providers.llm.streamed import Delta, Ending, StreamedModel, VendorFault, said
from ari_bridge.providers.llm.thinking import Setting, ladder
from ari_bridge.providers.llm.tool_arguments import tool_call
from ari_bridge.providers.llm.turns import AgentTurn, CallerTurn, ResultsTurn, Talk, Turn
from ari_bridge.providers.vendor.addresses import HttpUrl
from ari_bridge.providers.vendor.http import HttpVendor

_VERSION = "2023-06-01"
_LEAST: tuple[Setting, ...] = (
    {"thinking": {"type": "disabled"}},
    {"thinking": {"type": "between_tools"}},
    {"output_config": {"effort": "low"}},
)
"""Some models cannot do without thinking, and some not between tools."""
_ENDINGS = {
    "max_tokens": Ending.CUT,
    "model_context_window_exceeded": Ending.CUT,
    "refusal": Ending.FILTERED,
}
_MAY_PASS = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
_CACHED = {"cache_control": {"type": "ephemeral"}}


class AnthropicOptions(ModelOptions):
    api_key_env: str = "ANTHROPIC_API_KEY"
    base_url: HttpUrl = "https://api.anthropic.com"
    max_tokens: int | None = Field(default=2048, ge=1)
    """Never None: Anthropic wants one."""


@dataclass(slots=True)
class AnthropicReader:
    """A message comes as blocks, one after the other; a tool's arguments in pieces of JSON text."""

    usage: Usage = field(default_factory=Usage)
    ending: Ending | None = None
    is_over: bool = False
    _counts: dict[str, int] = field(default_factory=dict)
    _call: Mapping[str, Any] | None = None
    """The block that is open, if a tool's."""
    _arguments: str = ""

    def read(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        match event["type"]:
            case "message_start":
                self._count(event["message"]["usage"])
            case "content_block_start":
                yield from self._begin(event["content_block"])
            case "content_block_delta":
                yield from self._go_on(event["delta"])
            case "content_block_stop":
                if (call := self._call) is not None:
                    self._call = None
                    yield tool_call(call["id"], call["name"], self._arguments or call.get("input"))
            case "message_delta":
                self._count(event.get("usage") or {})
                if reason := event["delta"].get("stop_reason"):
                    self.ending = _ENDINGS.get(reason, Ending.COMPLETE)
            case "message_stop":
                self.is_over = True
            case "error":
                error = event["error"]
                raise VendorFault(str(error["message"]), retryable=error["type"] in _MAY_PASS)

    def _begin(self, block: Mapping[str, Any]) -> Iterator[Delta]:
        match block["type"]:
            case "text":
                yield said(block["text"])
            case "tool_use":
                self._call, self._arguments = block, ""

    def _go_on(self, delta: Mapping[str, Any]) -> Iterator[Delta]:
        match delta["type"]:
            case "text_delta":
                yield said(delta["text"])
            case "input_json_delta":
                self._arguments += delta["partial_json"]

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Counts are of the whole message so far; those that did not change may be left out."""
        self._counts |= {name: count for name, count in usage.items() if isinstance(count, int)}
        counts = self._counts
        cached = counts.get("cache_read_input_tokens", 0)
        written = counts.get("cache_creation_input_tokens", 0)
        self.usage = Usage(
            counts.get("input_tokens", 0) + cached + written,
            counts.get("output_tokens", 0),
            cached_tokens=cached,
        )


class AnthropicDialect:
    path = "/v1/messages"

    def __init__(self, options: AnthropicOptions) -> None:
        self._options = options
        self.service = f"anthropic {options.model}"

    def body(self, talk: Talk, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        messages = _messages(talk.turns)
        messages[-1]["content"][-1] |= _CACHED
        body: dict[str, Any] = {
            "model": self._options.model,
            "max_tokens": self._options.max_tokens,
            "messages": messages,
            "stream": True,
        }
        if tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
                for tool in tools
            ]
            body["tools"][-1] |= _CACHED
        if talk.system:
            body["system"] = [{"type": "text", "text": talk.system, **_CACHED}]
        if self._options.temperature is not None:
            body["temperature"] = self._options.temperature
        return body

    def reader(self) -> AnthropicReader:
        return AnthropicReader()


def _messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Results and what the caller says after them are one message, the results first."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        role, content = _message(turn)
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += content
        else:
            messages.append({"role": role, "content": content})
    return messages


def _message(turn: Turn) -> tuple[str, list[dict[str, Any]]]:
    match turn:
        case CallerTurn(text):
            return "user", [_text(text)]
        case AgentTurn(text, calls):
            said = [_text(text)] if text else []
            return "assistant", [*said, *map(_tool_use, calls)]
        case ResultsTurn(results):
            return "user", [
                {"type": "tool_result", "tool_use_id": result.call_id, "content": result.text}
                for result in results
            ]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.call_id, "name": call.name, "input": dict(call.arguments)}


def _thinking(level: str) -> Setting:
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": level}}


def _build(options: AnthropicOptions) -> StreamedModel:
    """Raises SettingsError."""
    headers = {"x-api-key": options.key().get_secret_value(), "anthropic-version": _VERSION}
    http = HttpVendor("anthropic", options.base_url, headers)
    thinking = ladder(options.thinking, _LEAST, _thinking)
    return StreamedModel(http, AnthropicDialect(options), thinking, options.extra_body)


PROVIDER = Provider(
    name="anthropic",
    kind=Kind.LLM,
    options=AnthropicOptions,
    build=_build,
    summary="Anthropic Messages: the Claude models",
)
