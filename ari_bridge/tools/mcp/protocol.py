"""The messages: JSON-RPC 2.0 as MCP uses it. No I/O."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ari_bridge import __version__
from ari_bridge.core.errors import ToolError

VERSION = "2025-06-18"
VERSIONS = (VERSION, "2025-03-26", "2024-11-05")
"""What a server may answer: in what tools need, they are the same."""

_METHOD_NOT_FOUND = -32601
_NOTHING_WAS_DONE = {-32700, -32600, _METHOD_NOT_FOUND, -32602}
"""Parse error, invalid request, method not found, invalid params."""

Json: TypeAlias = dict[str, Any]


class McpGone(ToolError):
    """The connection is lost; a new one may do."""


@dataclass(frozen=True, slots=True)
class McpTool:
    """As the server lists it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read_only: bool
    idempotent: bool


class Requests:
    """Numbers the requests of one connection."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def request(self, method: str, parameters: Json) -> Json:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": parameters}

    def initialize(self) -> Json:
        client = {"name": "ari_bridge", "version": __version__}
        return self.request(
            "initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}
        )

    def list_tools(self, cursor: str) -> Json:
        return self.request("tools/list", {"cursor": cursor} if cursor else {})

    def call_tool(self, name: str, arguments: Mapping[str, Any]) -> Json:
        return self.request("tools/call", {"name": name, "arguments": dict(arguments)})


def notification(method: str, **parameters: Any) -> Json:
    found: Json = {"jsonrpc": "2.0", "method": method}
    return {**found, "params": parameters} if parameters else found


def cancelled(request_id: int) -> Json:
    return notification("notifications/cancelled", requestId=request_id, reason="no longer wanted")


def reply_to(message: Json) -> Json | None:
    """What we owe the server for a message of its own; None for a notification. We are asked for nothing but
    pings, for we have announced no capability."""
    if "id" not in message or "method" not in message:
        return None
    if message["method"] == "ping":
        return {"jsonrpc": "2.0", "id": message["id"], "result": {}}
    error = {"code": _METHOD_NOT_FOUND, "message": "not offered by this client"}
    return {"jsonrpc": "2.0", "id": message["id"], "error": error}


def answers(message: Json, request: Json) -> bool:
    return "method" not in message and message.get("id") == request["id"]


def result_of(response: Json) -> Json:
    """Raises ToolError where the server refused."""
    error = response.get("error")
    if isinstance(error, dict):
        text = " ".join(str(error.get("message", "")).split())[:200]
        raise ToolError(f"the server refused: {text}", happened=error.get("code") not in _NOTHING_WAS_DONE)
    result = response.get("result")
    if not isinstance(result, dict):
        raise ToolError("the server's answer is not of the protocol.", happened=True)
    return result


def agreed_version(result: Json) -> str:
    """The version that the connection is in. Raises ToolError where we do not know it."""
    version = str(result.get("protocolVersion", ""))
    if version not in VERSIONS:
        raise ToolError(f"the server speaks version {version!r}, we {', '.join(VERSIONS)}.", happened=False)
    return version


def tools_of(result: Json) -> list[McpTool]:
    """A page of tools/list. What is no tool is left out."""
    listed = result.get("tools")
    return [
        McpTool(
            item["name"],
            str(item.get("description") or item.get("title") or item["name"]),
            item.get("inputSchema") or {"type": "object"},
            _hint(item, "readOnlyHint"),
            _hint(item, "idempotentHint"),
        )
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]


def _hint(item: Json, name: str) -> bool:
    hints = item.get("annotations")
    return isinstance(hints, dict) and hints.get(name) is True


def content_of(result: Json) -> tuple[str, Any]:
    """What a tool gave: its text, and its structured content if it has any. Raises ToolError for a tool that
    says it failed: it may have done half."""
    blocks = result.get("content")
    text = "\n".join(_text(block) for block in (blocks if isinstance(blocks, list) else []))
    if result.get("isError") is True:
        raise ToolError(text or "the tool failed.", happened=True)
    return text, result.get("structuredContent")


def _text(block: Any) -> str:
    match block:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "resource", "resource": {"text": str(text)}}:
            return text
        case {"type": "resource_link", "uri": uri}:
            return f"(see {uri})"
        case {"type": kind}:
            return f"({kind}, which cannot be told)"
    return ""
