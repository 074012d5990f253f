"""OpenAI's Responses, its protocol for newer models. Nothing is stored there (`store: false`): the history is
ours.

Source: OpenAI API reference, "Responses" and "Streaming events" (platform.openai.com/docs/api-reference/
responses, as of November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ari_bridge.core.messages import ToolSpec
from ari_bridge.providers.base import Kind, Provider, Usage
from ari_bridge.providers.llm.model_options import ModelOptions
from ari_bridge.providers.llm.openai_chat import LEAST_EFFORTS, OPENAI
from ari_bridge.providers.llm.streamed import Delta, Ending, StreamedModel, VendorFault, said
from ari_bridge.providers.llm.thinking import Setting, ladder
from ari_bridge.providers.llm.tool_arguments import as_json, tool_call
from ari_bridge.providers.llm.turns import AgentTurn, CallerTurn, ResultsTurn, Talk, Turn
from ari_bridge.providers.vendor.addresses import HttpUrl
from ari_bridge.providers.vendor.http import HttpVendor

_MAY_PASS = frozenset({"server_error", "rate_limit_exceeded"})


class ResponsesOptions(ModelOptions):
    api_key_env: str = "OPENAI_API_KEY"
    base_url: HttpUrl = OPENAI


@dataclass(slots=True)
class ResponsesReader:
    usage: Usage = field(default_factory=Usage)
    ending: Ending | None = None

    @property
    def is_over(self) -> bool:
        return self.ending is not None

    def read(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        match event["type"]:
            case "response.output_text.delta" | "response.refusal.delta":
                yield said(event["delta"])
            case "response.output_item.done":
                item = event["item"]
                if item["type"] == "function_call":
                    yield tool_call(item["call_id"], item["name"], item["arguments"])
            case "response.completed":
                self._ended(event["response"], Ending.COMPLETE)
            case "response.incomplete":
                reason = (event["response"].get("incomplete_details") or {}).get("reason")
                self._ended(event["response"], Ending.FILTERED if reason == "content_filter" else Ending.CUT)
            case "response.failed":
                raise _fault(event["response"].get("error") or {})
            case "error":
                raise _fault(event.get("error") or event)

    def _ended(self, response: Mapping[str, Any], ending: Ending) -> None:
        self.ending = ending
        usage = response.get("usage") or {}
        details = usage.get("input_tokens_details") or {}
        self.usage = Usage(
            int(usage.get("input_tokens") or 0),
            int(usage.get("output_tokens") or 0),
            cached_tokens=int(details.get("cached_tokens") or 0),
        )


def _fault(error: Mapping[str, Any]) -> VendorFault:
    return VendorFault(
        str(error.get("message") or "an error"), retryable=error.get("code") in (None, *_MAY_PASS)
    )


class ResponsesDialect:
    path = "/responses"

    def __init__(self, options: ResponsesOptions) -> None:
        self._options = options
        self.service = f"openai {options.model}"

    def body(self, talk: Talk, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._options.model,
            "input": [item for turn in talk.turns for item in _items(turn)],
            "stream": True,
            "store": False,
        }
        if talk.system:
            body["instructions"] = talk.system
        if tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    "strict": False,  # strict schemas are a small part of JSON Schema
                }
                for tool in tools
            ]
        if self._options.temperature is not None:
            body["temperature"] = self._options.temperature
        if self._options.max_tokens is not None:
            body["max_output_tokens"] = self._options.max_tokens
        return body

    def reader(self) -> ResponsesReader:
        return ResponsesReader()


def _items(turn: Turn) -> Iterator[dict[str, Any]]:
    match turn:
        case CallerTurn(text):
            yield {"role": "user", "content": text}
        case AgentTurn(text, calls):
            if text:
                yield {"role": "assistant", "content": text}
            for call in calls:
                yield {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.name,
                    "arguments": as_json(call.arguments),
                }
        case ResultsTurn(results):
            for result in results:
                yield {"type": "function_call_output", "call_id": result.call_id, "output": result.text}


def _thinking(level: str) -> Setting:
    return {"reasoning": {"effort": level}}


def _build(options: ResponsesOptions) -> StreamedModel:
    """Raises SettingsError."""
    key = options.key().get_secret_value()
    http = HttpVendor("openai", options.base_url, {"Authorization": f"Bearer {key}"})
    thinking = ladder(options.thinking, [_thinking(level) for level in LEAST_EFFORTS], _thinking)
    return StreamedModel(http, ResponsesDialect(options), thinking, options.extra_body)


PROVIDER = Provider(
    name="openai-responses",
    kind=Kind.LLM,
    options=ResponsesOptions,
    build=_build,
    summary="OpenAI Responses",
)
