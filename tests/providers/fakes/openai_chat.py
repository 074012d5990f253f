"""Chat completions, as OpenAI, vLLM, llama.cpp, Ollama and others stream them.

Written from OpenAI's API reference, "Create chat completion" and "Streaming", and its OpenAPI document
(platform.openai.com/docs/api-reference/chat; github.com/openai/openai-openapi), as of November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.providers.fakes.llm_server import (
    CACHED_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Answers,
    Calls,
    LanguageModelServer,
    event,
    unanswered,
)

_KEYS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "seed",
    "metadata",
}
EFFORTS = {
    "gpt-5": {"minimal", "low", "medium", "high"},
    "gpt-5.2": {"none", "low", "medium", "high", "xhigh"},
    "o4-mini": {"low", "medium", "high"},
}
"""Of the models that think; the others know no effort."""
_ENDINGS = {"cut": "length", "filtered": "content_filter"}


class ChatServer(LanguageModelServer):
    PATH = "/chat/completions"
    KEY_HEADERS = (("Authorization", "Bearer "), ("api-key", ""))
    """OpenAI's, and Azure's."""

    def frames(self, answer: Answers, body: Mapping[str, Any]) -> list[str]:
        calls = [part for part in answer.parts if isinstance(part, Calls)]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
        deltas += [{"content": part} for part in answer.parts if isinstance(part, str)]
        for index, call in enumerate(calls):
            function = {"name": call.name, "arguments": ""}
            begin = {"index": index, "id": call.call_id, "type": "function", "function": function}
            deltas.append({"tool_calls": [begin]})
            deltas += [
                {"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in call.pieces
            ]
        reason = _ENDINGS.get(answer.ending, "tool_calls" if calls else "stop")
        frames = [self._chunk(body, [_choice(delta, None)]) for delta in deltas]
        frames.append(self._chunk(body, [_choice({}, reason)]))
        if (body.get("stream_options") or {}).get("include_usage"):
            frames.append(self._chunk(body, [], usage=_USAGE))
        return [*frames, "data: [DONE]\n\n"]

    def _chunk(self, body: Mapping[str, Any], choices: list[Any], usage: Any = None) -> str:
        return event(
            {
                "id": "chatcmpl-CfQ2fXyZ0v1W9b3",
                "object": "chat.completion.chunk",
                "created": 1763715600,
                "model": body["model"],
                "service_tier": "default",
                "system_fingerprint": "fp_3e1fe2d9d4",
                "choices": choices,
                "usage": usage,
            }
        )

    def error(self, status: int, message: str) -> Any:
        kind = "invalid_request_error" if status < 429 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def failure(self) -> str:
        return event(self.error(500, "The server had an error while processing your request."))

    def complaint(self, body: Mapping[str, Any]) -> str:
        if unknown := set(body) - _KEYS:
            return f"Unrecognized request arguments supplied: {', '.join(sorted(unknown))}"
        effort = body.get("reasoning_effort")
        if effort is not None:
            known = EFFORTS.get(body["model"])
            if known is None:
                return "Unrecognized request argument supplied: reasoning_effort"
            if effort not in known:
                return f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
        if body.get("tools") == []:
            return "[] is too short - 'tools'"
        return _complaint_about(body["messages"])


def _complaint_about(messages: list[dict[str, Any]]) -> str:
    if not messages:
        return "[] is too short - 'messages'"
    owed: list[str] = []
    results: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message["role"] == "tool":
            results.append(message["tool_call_id"])
            continue
        if complaint := unanswered(owed, results):
            return complaint
        owed, results = [call["id"] for call in message.get("tool_calls") or ()], []
        if any(len(call_id) > 40 for call_id in owed):
            return "string too long: 'messages.tool_calls.id'"
        if message["role"] != "end" and message.get("content") is None and not owed:
            return "Invalid value for 'content': expected a string, got null."
    return ""


def _choice(delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


_USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
