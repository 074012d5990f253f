"""Chat completions: OpenAI's older protocol, which most servers of language models speak.

OpenAI, Azure OpenAI, Groq, Together, vLLM, llama.cpp, Ollama, LM Studio and many more, by `base_url`.

Source: OpenAI API reference, "Chat" and "Chat streaming" (platform.openai.com/docs/api-reference/chat, as of
November 2026); Azure: learn.microsoft.com/azure/ai-services/openai/reference, api-version 2024-10-21.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ari_bridge.core.messages import ToolCall, ToolSpec
from ari_bridge.providers.base import Kind, Provider, TextDelta, Usage
from ari_bridge.providers.llm.model_options import ModelOptions
from ari_bridge.providers.llm.spoken_thoughts import ThoughtFilter
from ari_bridge.providers.llm.streamed import Delta, Ending, StreamedModel, VendorFault, said
from ari_bridge.providers.llm.thinking import Setting, ladder
from ari_bridge.providers.llm.tool_arguments import as_json, tool_call
from ari_bridge.providers.llm.turns import AgentTurn, CallerTurn, ResultsTurn, Talk, Turn
from ari_bridge.providers.vendor.addresses import HttpUrl
from ari_bridge.providers.vendor.http import HttpVendor

OPENAI = "https://api.openai.com/v1"

LEAST_EFFORTS = ("none", "minimal", "low")
"""`none` came with GPT-5.1, `minimal` with GPT-5; what does not think refuses them all."""
_ENDINGS = {"length": Ending.CUT, "content_filter": Ending.FILTERED}
_OPENAI_KEY, _AZURE_KEY = "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"
_KNOWN = {
    "api.openai.com": ("openai", _OPENAI_KEY),
    "openai.azure.com": ("azure", _AZURE_KEY),
    "services.ai.azure.com": ("azure", _AZURE_KEY),
    "cognitiveservices.azure.com": ("azure", _AZURE_KEY),
    "api.groq.com": ("groq", "GROQ_API_KEY"),
    "api.together.xyz": ("together", "TOGETHER_API_KEY"),
}
"""Whose host it is, and where their own tools look for the key."""


class ChatOptions(ModelOptions):
    base_url: HttpUrl = OPENAI
    api_version: str = ""
    """Azure's, as in "2024-10-21", where the base URL is a deployment's; the key goes into its own header
    then."""


@dataclass(slots=True)
class _CallPieces:
    call_id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ChatReader:
    """Tool calls come in pieces that tell by `index` where they belong, and are whole when the reply ends."""

    usage: Usage = field(default_factory=Usage)
    ending: Ending | None = None
    is_over: bool = False
    """Never before the server's [DONE]: the usage comes behind the last words."""
    _calls: dict[int, list[_CallPieces]] = field(default_factory=dict)
    _thoughts: ThoughtFilter = field(default_factory=ThoughtFilter)

    def read(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        if error := event.get("error"):
            raise _fault(error)
        if usage := event.get("usage"):
            self._count(usage)
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            for text in (delta.get("content"), delta.get("refusal")):
                if text:
                    yield TextDelta(self._thoughts.feed(said(text).text))
            for piece in delta.get("tool_calls") or ():
                self._piece(piece)
            if (reason := choice.get("finish_reason")) and self.ending is None:
                self.ending = _ENDINGS.get(reason, Ending.COMPLETE)
                yield TextDelta(self._thoughts.finish())
                for call in self._in_order():
                    yield tool_call(call.call_id, call.name, call.arguments)

    def _piece(self, piece: Mapping[str, Any]) -> None:
        """Some servers give all calls the same index, and tell them apart by their ids."""
        at, call_id = piece.get("index") or 0, piece.get("id") or ""
        function = piece.get("function") or {}
        calls = self._calls.setdefault(at, [])
        if not calls or (call_id and calls[-1].call_id and call_id != calls[-1].call_id):
            calls.append(_CallPieces(call_id))
        call = calls[-1]
        call.call_id = call.call_id or call_id
        call.name = call.name or function.get("name") or ""
        call.arguments += function.get("arguments") or ""

    def _in_order(self) -> Iterable[_CallPieces]:
        return [call for _, calls in sorted(self._calls.items()) for call in calls]

    def _count(self, usage: Mapping[str, Any]) -> None:
        details = usage.get("prompt_tokens_details") or {}
        self.usage = Usage(
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
            cached_tokens=int(details.get("cached_tokens") or 0),
        )


def _fault(error: Any) -> VendorFault:
    """Of an error that came in the stream; its `code` may be an HTTP status."""
    if not isinstance(error, Mapping):
        return VendorFault(str(error), retryable=True)
    told = f"{error.get('type') or ''} {error.get('code') or ''}"
    is_ours = "invalid" in told or "authentication" in told or " 400" in told
    return VendorFault(str(error.get("message") or "an error"), retryable=not is_ours)


class ChatDialect:
    def __init__(self, options: ChatOptions, vendor: str) -> None:
        self._options = options
        self._limit_name = "max_completion_tokens" if vendor in ("openai", "azure") else "max_tokens"
        self.service = f"{vendor} {options.model}"
        self.path = "/chat/completions"
        if options.api_version:
            self.path += f"?api-version={options.api_version}"

    def body(self, talk: Talk, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        system = [{"role": "system", "content": talk.system}] if talk.system else []
        body: dict[str, Any] = {
            "model": self._options.model,
            "messages": [*system, *(message for turn in talk.turns for message in _messages(turn))],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in tools
            ]
        if self._options.temperature is not None:
            body["temperature"] = self._options.temperature
        if self._options.max_tokens is not None:
            body[self._limit_name] = self._options.max_tokens
        return body

    def reader(self) -> ChatReader:
        return ChatReader()


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    match turn:
        case CallerTurn(text):
            yield {"role": "user", "content": text}
        case AgentTurn(text, ()):
            yield {"role": "assistant", "content": text}
        case AgentTurn(text, calls):
            yield {"role": "assistant", "content": text or None, "tool_calls": [_called(c) for c in calls]}
        case ResultsTurn(results):
            for result in results:
                yield {"role": "tool", "tool_call_id": result.call_id, "content": result.text}


def _called(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": as_json(call.arguments)}
    return {"id": call.call_id, "type": "function", "function": function}


def _thinking(level: str) -> Setting:
    return {"reasoning_effort": level}


def _build(options: ChatOptions) -> StreamedModel:
    """Raises SettingsError. OpenAI's key goes nowhere but to OpenAI."""
    known = (found for host, found in _KNOWN.items() if f".{options.host}".endswith(f".{host}"))
    vendor, key_env = next(known, (options.host, ""))
    if not options.api_key_env:
        options = options.model_copy(update={"api_key_env": key_env})
    key = options.key(needed=bool(options.api_key_env)).get_secret_value()
    is_azure = vendor == "azure" or bool(options.api_version)
    headers = {"api-key": key} if is_azure else {"Authorization": f"Bearer {key}"}
    http = HttpVendor(vendor, options.base_url, headers if key else {})
    dialect = ChatDialect(options, "azure" if is_azure else vendor)
    return StreamedModel(
        http,
        dialect,
        ladder(options.thinking, [_thinking(level) for level in LEAST_EFFORTS], _thinking),
        options.extra_body,
    )


PROVIDER = Provider(
    name="openai-chat",
    kind=Kind.LLM,
    options=ChatOptions,
    build=_build,
    summary="chat completions of OpenAI, Azure, Groq, Together, vLLM, llama.cpp, Ollama, LM Studio, ...",
)
