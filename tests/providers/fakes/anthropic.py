"""Anthropic Messages, streamed.

Written from the Claude API reference, "Create a Message", "Streaming messages" and "Errors"
(platform.claude.com/docs/en/api/messages, .../build-with-claude/streaming), anthropic-version 2023-06-01 and
2026-10-21, which differ in nothing that is used here but the temperature, as of November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
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

_KEYS = {"model", "max_tokens", "messages", "system", "stream", "tools", "temperature", "thinking"} | {
    "output_config",
    "metadata",
}
THINKING = {
    "claude-haiku-4-5": {"disabled", "enabled"},
    "claude-sonnet-5-5": {"adaptive", "between_tools"},
    "claude-opus-5-5": {"adaptive"},
}
_ENDINGS = {"cut": "max_tokens", "filtered": "refusal"}
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
_CACHE_MARKS_MAX = 4


class AnthropicServer(LanguageModelServer):
    PATH = "/v1/messages"
    KEY_HEADERS = (("x-api-key", ""), ("Authorization", "Bearer "))

    def frames(self, answer: Answers, body: Mapping[str, Any]) -> list[str]:
        return [event(data, data["type"]) for data in self._events(answer, body)]

    def _events(self, answer: Answers, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        usage = {
            "input_tokens": INPUT_TOKENS - CACHED_TOKENS - 4,
            "cache_creation_input_tokens": 4,
            "cache_read_input_tokens": CACHED_TOKENS,
            "output_tokens": 1,
            "service_tier": "standard",
        }
        message = {
            "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        yield {"type": "message_start", "message": message}
        texts = [part for part in answer.parts if isinstance(part, str)]
        calls = [part for part in answer.parts if isinstance(part, Calls)]
        if texts:
            block: dict[str, Any] = {"type": "text", "text": ""}
            yield {"type": "content_block_start", "index": 0, "content_block": block}
            yield {"type": "ping"}
            for text in texts:
                delta: dict[str, Any] = {"type": "text_delta", "text": text}
                yield {"type": "content_block_delta", "index": 0, "delta": delta}
            yield {"type": "content_block_stop", "index": 0}
        for index, call in enumerate(calls, 1 if texts else 0):
            block = {"type": "tool_use", "id": call.call_id, "name": call.name, "input": {}}
            yield {"type": "content_block_start", "index": index, "content_block": block}
            for piece in ("", *call.pieces):
                delta = {"type": "input_json_delta", "partial_json": piece}
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        reason = _ENDINGS.get(answer.ending, "tool_use" if calls else "end_turn")
        end = {"stop_reason": reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": OUTPUT_TOKENS}}
        yield {"type": "message_stop"}

    def error(self, status: int, message: str) -> Any:
        kind = _KINDS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeq"}

    def failure(self) -> str:
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return event({"type": "error", "error": error}, "error")

    def complaint(self, body: Mapping[str, Any]) -> str:
        if unknown := set(body) - _KEYS:
            return f"{sorted(unknown)[0]}: Extra inputs are not permitted"
        if "max_tokens" not in body:
            return "max_tokens: Field required"
        kind = (body.get("thinking") or {}).get("type")
        if kind is not None and kind not in THINKING[body["model"]]:
            return f'"thinking.type.{kind}" is not supported for this model.'
        marked = [*body.get("system", ()), *body.get("tools", ())]
        for message in body["messages"]:
            marked += message["content"]
        if sum("cache_control" in block for block in marked) > _CACHE_MARKS_MAX:
            return "A maximum of 4 blocks with cache_control may be provided."
        return _complaint_about(body["messages"])


def _complaint_about(messages: list[dict[str, Any]]) -> str:
    roles = [message["role"] for message in messages]
    if not roles or roles[0] != "user":
        return 'messages: first message must use the "user" role'
    if roles[-1] != "user":
        return "This model does not support assistant message prefill."
    if any(first == second for first, second in pairwise(roles)):
        return "messages: roles must alternate"
    owed: list[str] = []
    for message in messages:
        blocks = message["content"]
        if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            return "messages: text content blocks must contain non-whitespace text"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if complaint := unanswered(owed, results):
            return complaint
        if any(block["type"] == "tool_result" for block in blocks[len(results) :]):
            return "messages: tool_result blocks must come first"
        owed = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return ""
