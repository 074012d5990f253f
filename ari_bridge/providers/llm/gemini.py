"""Google Gemini, by the Gemini API's own protocol.

Gemini 3 seals each step of tool calls with a *thought signature*, and refuses a history in which it is
missing. It travels with the call (`ToolCall.seal`); where it got lost, or another vendor's model made the
call, Google's documented stand-in takes its place.

Source: Gemini API reference, "Generating content" (streamGenerateContent), "Thought signatures" and
"Thinking" (ai.google.dev/api/generate-content, ai.google.dev/gemini-api/docs, v1beta, as of November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ari_bridge.core.messages import ToolCall, ToolSpec
from ari_bridge.providers.base import Kind, Provider, Usage
from ari_bridge.providers.llm.model_options import ModelOptions
from ari_bridge.providers.llm.streamed import Delta, Ending, StreamedModel, VendorFault, said
from ari_bridge.providers.llm.thinking import Setting, ladder
from ari_bridge.providers.llm.tool_arguments import tool_call
from ari_bridge.providers.llm.turns import AgentTurn, CallerTurn, ResultsTurn, Talk, Turn
from ari_bridge.providers.vendor.addresses import HttpUrl
from ari_bridge.providers.vendor.http import HttpVendor
from ari_bridge.providers.vendor.retry import may_pass

NO_SEAL = "skip_thought_signature_validator"
"""Google's own stand-in for a signature that is not there."""
_WITHOUT_SEALS = ("gemini-1", "gemini-2", "gemma")
_FAILED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "OTHER",
        "FINISH_REASON_UNSPECIFIED",
    }
)
_ENDINGS = {"STOP": Ending.COMPLETE, "MAX_TOKENS": Ending.CUT, "CONTINUATION": Ending.CUT}
"""All others are a filter's: SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII, LANGUAGE, ..."""


class GeminiOptions(ModelOptions):
    api_key_env: str = "GEMINI_API_KEY"
    base_url: HttpUrl = "https://generativelanguage.googleapis.com/v1beta"


@dataclass(slots=True)
class GeminiReader:
    """Each event is a piece of the response; a tool call comes whole, and all counts are of the response."""

    usage: Usage = field(default_factory=Usage)
    ending: Ending | None = None

    @property
    def is_over(self) -> bool:
        return self.ending is not None

    def read(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        if error := event.get("error"):
            raise VendorFault(str(error["message"]), retryable=may_pass(int(error.get("code") or 500)))
        if usage := event.get("usageMetadata"):
            self._count(usage)
        if (event.get("promptFeedback") or {}).get("blockReason"):
            self.ending = Ending.FILTERED
        for candidate in event.get("candidates") or ():
            for part in (candidate.get("content") or {}).get("parts") or ():
                yield from self._part(part)
            if reason := candidate.get("finishReason"):
                if reason in _FAILED:
                    raise VendorFault(f"it failed to answer ({reason})", retryable=True)
                self.ending = _ENDINGS.get(reason, Ending.FILTERED)

    def _part(self, part: Mapping[str, Any]) -> Iterator[Delta]:
        if part.get("thought"):
            return
        if text := part.get("text"):
            yield said(text)
        if call := part.get("functionCall"):
            yield tool_call(call.get("id"), call["name"], call.get("args"), part.get("thoughtSignature", ""))

    def _count(self, usage: Mapping[str, Any]) -> None:
        def count(*names: str) -> int:
            return sum(int(usage.get(name) or 0) for name in names)

        self.usage = Usage(
            count("promptTokenCount", "toolUsePromptTokenCount"),
            count("candidatesTokenCount", "thoughtsTokenCount"),
            cached_tokens=count("cachedContentTokenCount"),
        )


class GeminiDialect:
    def __init__(self, options: GeminiOptions) -> None:
        self._options = options
        self._needs_seals = not options.model.startswith(_WITHOUT_SEALS)
        self.service = f"gemini {options.model}"
        self.path = f"/models/{options.model}:streamGenerateContent?alt=sse"

    def body(self, talk: Talk, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        generation: dict[str, Any] = {}
        if self._options.temperature is not None:
            generation["temperature"] = self._options.temperature
        if self._options.max_tokens is not None:
            generation["maxOutputTokens"] = self._options.max_tokens
        body: dict[str, Any] = {
            "contents": [self._content(turn) for turn in talk.turns],
            "generationConfig": generation,
        }
        if talk.system:
            body["systemInstruction"] = {"parts": [{"text": talk.system}]}
        if tools:
            declarations = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "parametersJsonSchema": dict(tool.parameters),
                }
                for tool in tools
            ]
            body["tools"] = [{"functionDeclarations": declarations}]
        return body

    def reader(self) -> GeminiReader:
        return GeminiReader()

    def _content(self, turn: Turn) -> dict[str, Any]:
        match turn:
            case CallerTurn(text):
                return {"role": "user", "parts": [{"text": text}]}
            case AgentTurn(text, calls):
                words = [{"text": text}] if text else []
                return {"role": "model", "parts": [*words, *self._calls(calls)]}
            case ResultsTurn(results):
                parts = [
                    {
                        "functionResponse": {
                            "id": result.call_id,
                            "name": result.name,
                            "response": {"output": result.text},
                        }
                    }
                    for result in results
                ]
                return {"role": "user", "parts": parts}

    def _calls(self, calls: Sequence[ToolCall]) -> Iterator[dict[str, Any]]:
        """Of calls made together, the first has the seal."""
        for number, call in enumerate(calls):
            part: dict[str, Any] = {
                "functionCall": {"id": call.call_id, "name": call.name, "args": dict(call.arguments)}
            }
            seal = call.seal or (NO_SEAL if number == 0 and self._needs_seals else "")
            if seal:
                part["thoughtSignature"] = seal
            yield part


def _level(level: str) -> Setting:
    return {"generationConfig": {"thinkingConfig": {"thinkingLevel": level}}}


def _budget(tokens: int) -> Setting:
    return {"generationConfig": {"thinkingConfig": {"thinkingBudget": tokens}}}


_LEAST = (_level("minimal"), _level("low"), _budget(0), _budget(128))
"""Levels are Gemini 3's; of the models before, only the smaller ones can do without thinking."""


def _build(options: GeminiOptions) -> StreamedModel:
    """Raises SettingsError."""
    http = HttpVendor("gemini", options.base_url, {"x-goog-api-key": options.key().get_secret_value()})
    thinking = ladder(options.thinking, _LEAST, _level)
    return StreamedModel(http, GeminiDialect(options), thinking, options.extra_body)


PROVIDER = Provider(
    name="gemini",
    kind=Kind.LLM,
    options=GeminiOptions,
    build=_build,
    summary="Google Gemini",
)
