"""The Gemini API's streamGenerateContent, as server-sent events.

Written from the Gemini API reference, "Generating content", "Function calling", "Thought signatures" and
"Thinking" (ai.google.dev/api/generate-content, ai.google.dev/gemini-api/docs/thought-signatures), v1beta, as
of November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.providers.fakes.llm_server import (
    CACHED_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Answers,
    LanguageModelServer,
    event,
    unanswered,
)

_KEYS = {"contents", "systemInstruction", "tools", "generationConfig", "safetySettings"}
_ENDINGS = {"complete": "STOP", "cut": "MAX_TOKENS", "filtered": "SAFETY"}
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
SEAL = "EjQKMgFyR0pYc2lnbmF0dXJl"
STAND_IN = "skip_thought_signature_validator"


class GeminiServer(LanguageModelServer):
    PATH = "/models/{model}:streamGenerateContent"
    KEY_HEADERS = (("x-goog-api-key", ""),)
    levels = frozenset({"minimal", "low", "medium", "high"})
    """That the model takes; none for one that takes budgets."""

    def frames(self, answer: Answers, body: Mapping[str, Any]) -> list[str]:
        return [event(data) for data in self._chunks(answer)]

    def _chunks(self, answer: Answers) -> Iterator[dict[str, Any]]:
        calls = 0
        for number, part in enumerate(answer.parts, 1):
            if isinstance(part, str):
                content: dict[str, Any] = {"text": part}
            else:
                arguments = "".join(part.pieces)
                try:
                    told = json.loads(arguments or "{}")
                except ValueError:
                    yield _chunk({"finishReason": "MALFORMED_FUNCTION_CALL", "index": 0}, number)
                    return
                content = {"functionCall": {"id": part.call_id, "name": part.name, "args": told}}
                if calls == 0:
                    content["thoughtSignature"] = SEAL
                calls += 1
            yield _chunk({"content": {"parts": [content], "role": "model"}, "index": 0}, number)
        last: dict[str, Any] = {"finishReason": _ENDINGS[answer.ending], "index": 0}
        if answer.ending == "complete":
            last["content"] = {"parts": [{"text": ""}], "role": "model"}
        yield _chunk(last, OUTPUT_TOKENS)

    def error(self, status: int, message: str) -> Any:
        return {"error": {"code": status, "message": message, "status": _STATUS.get(status, "UNAVAILABLE")}}

    def failure(self) -> str:
        return event(self.error(503, "The model is overloaded. Please try again later."))

    def complaint(self, body: Mapping[str, Any]) -> str:
        if unknown := set(body) - _KEYS:
            return f'Invalid JSON payload received. Unknown name "{sorted(unknown)[0]}"'
        thinking = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
        level = thinking.get("thinkingLevel")
        if level is not None and level not in self.levels:
            return "Thinking level is not supported for this model."
        if thinking.get("thinkingBudget") == 0 and self.levels:
            return "Budget 0 is invalid. This model only works in thinking mode."
        contents = body["contents"]
        if not contents or contents[0]["role"] != "user":
            return "Please ensure that the conversation begins with a user turn."
        owed: list[str] = []
        for content in contents:
            parts = content["parts"]
            if not parts or any(part.get("text") == "" for part in parts):
                return "GenerateContentRequest.contents: contents.parts must not be empty."
            results = [part["functionResponse"]["id"] for part in parts if "functionResponse" in part]
            if complaint := unanswered(owed, results):
                return complaint
            calls = [part for part in parts if "functionCall" in part]
            owed = [part["functionCall"]["id"] for part in calls]
            if calls and calls[0].get("thoughtSignature") not in (SEAL, STAND_IN):
                return f"Function call `{calls[0]['functionCall']['name']}` is missing a thought_signature."
        return "" if content["role"] == "user" else "Please ensure that it ends with a user turn."


def _chunk(candidate: dict[str, Any], output_tokens: int) -> dict[str, Any]:
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": output_tokens,
            "totalTokenCount": INPUT_TOKENS + output_tokens,
            "cachedContentTokenCount": CACHED_TOKENS,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT_TOKENS}],
        },
        "modelVersion": "gemini-3-flash",
        "responseId": "wZ0gafm2Bs6",
    }
