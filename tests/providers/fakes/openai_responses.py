"""OpenAI's Responses, streamed.

Written from OpenAI's API reference, "Create a model response" and "Streaming events", and its OpenAPI
document (platform.openai.com/docs/api-reference/responses-streaming; github.com/openai/openai-openapi), as of
November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from tests.providers.fakes.openai_chat import EFFORTS

_KEYS = {"model", "input", "instructions", "stream", "store", "tools", "temperature", "max_output_tokens"} | {
    "reasoning",
    "metadata",
}


class ResponsesServer(LanguageModelServer):
    PATH = "/responses"
    KEY_HEADERS = (("Authorization", "Bearer "),)

    def frames(self, answer: Answers, body: Mapping[str, Any]) -> list[str]:
        events = self._events(answer, body)
        return [
            event({**data, "sequence_number": number}, data["type"]) for number, data in enumerate(events)
        ]

    def _events(self, answer: Answers, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        begun = _response(body, "in_progress")
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        texts = [part for part in answer.parts if isinstance(part, str)]
        output: list[dict[str, Any]] = []
        if texts:
            at = {"item_id": "msg_68a1", "output_index": 0, "content_index": 0}
            open_item = _message("in_progress", [])
            yield {"type": "response.output_item.added", "output_index": 0, "item": open_item}
            yield {"type": "response.content_part.added", **at, "part": _part("")}
            for text in texts:
                yield {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []}
            whole = "".join(texts)
            yield {"type": "response.output_text.done", **at, "text": whole, "logprobs": []}
            yield {"type": "response.content_part.done", **at, "part": _part(whole)}
            output.append(_message("completed", [_part(whole)]))
            yield {"type": "response.output_item.done", "output_index": 0, "item": output[0]}
        for call in answer.parts:
            if isinstance(call, Calls):
                index = len(output)
                at = {"item_id": f"fc_68a1{index}", "output_index": index}
                item = _call(call, index, "", "in_progress")
                yield {"type": "response.output_item.added", "output_index": index, "item": item}
                for piece in call.pieces:
                    yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
                whole = "".join(call.pieces)
                yield {"type": "response.function_call_arguments.done", **at, "arguments": whole}
                output.append(_call(call, index, whole, "completed"))
                yield {"type": "response.output_item.done", "output_index": index, "item": output[-1]}
        if answer.ending == "complete":
            done = _response(body, "completed") | {"output": output, "usage": _USAGE}
            yield {"type": "response.completed", "response": done}
        else:
            reason = "max_output_tokens" if answer.ending == "cut" else "content_filter"
            done = _response(body, "incomplete") | {"output": output, "usage": _USAGE}
            done["incomplete_details"] = {"reason": reason}
            yield {"type": "response.incomplete", "response": done}

    def error(self, status: int, message: str) -> Any:
        kind = "invalid_request_error" if status < 429 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def failure(self) -> str:
        failed = _response({"model": "gpt-5.2"}, "failed")
        failed["error"] = {"code": "server_error", "message": "The model failed to generate a response."}
        return event({"type": "response.failed", "response": failed, "sequence_number": 9}, "response.failed")

    def complaint(self, body: Mapping[str, Any]) -> str:
        if unknown := set(body) - _KEYS:
            return f"Unknown parameter: '{sorted(unknown)[0]}'."
        effort = (body.get("reasoning") or {}).get("effort")
        if effort is not None and effort not in EFFORTS.get(body["model"], ()):
            return f"Unsupported value: '{effort}' is not supported with the model: 'reasoning.effort'."
        if any("strict" not in tool for tool in body.get("tools", ())):
            return "Missing required parameter: 'tools[0].strict'."
        if not body["input"]:
            return "One of 'input' or 'previous_response_id' must be provided."
        owed = [item["call_id"] for item in body["input"] if item.get("type") == "function_call"]
        results = [item["call_id"] for item in body["input"] if item.get("type") == "function_call_output"]
        return unanswered(owed, results)


def _response(body: Mapping[str, Any], status: str) -> dict[str, Any]:
    return {
        "id": "resp_68a1c0ffee",
        "object": "response",
        "created_at": 1763715600,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }


def _message(status: str, content: list[Any]) -> dict[str, Any]:
    return {"id": "msg_68a1", "type": "message", "status": status, "role": "assistant", "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call(call: Calls, index: int, arguments: str, status: str) -> dict[str, Any]:
    return {
        "id": f"fc_68a1{index}",
        "type": "function_call",
        "status": status,
        "call_id": call.call_id,
        "name": call.name,
        "arguments": arguments,
    }


_USAGE = {
    "input_tokens": INPUT_TOKENS,
    "input_tokens_details": {"cached_tokens": CACHED_TOKENS, "cache_write_tokens": 0},
    "output_tokens": OUTPUT_TOKENS,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
