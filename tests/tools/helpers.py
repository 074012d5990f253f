"""Tools and settings for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ari_bridge.core.messages import ToolSpec
from ari_bridge.settings import Settings
from ari_bridge.tools.base import Tool


def tool(
    run: Callable[[Mapping[str, Any], str], Awaitable[str]], name: str = "book", **declared: Any
) -> Tool:
    schema = {"type": "object", "properties": {"people": {"type": "integer"}}, "required": ["people"]}
    return Tool(ToolSpec(name, "Book a table.", schema), run, **declared)


def settings(tools: dict[str, Any], /, **agent: Any) -> Settings:
    return Settings(agents={"sales": agent}, tools=tools)
