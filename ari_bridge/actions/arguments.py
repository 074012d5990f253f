"""What actions say of their arguments, and how they read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ari_bridge.core.messages import ToolSpec

T = TypeVar("T")


def tool(name: str, description: str, **properties: Mapping[str, Any]) -> ToolSpec:
    """`properties`: JSON Schema of each argument; those without a default are required."""
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": properties,
            "required": [key for key, schema in properties.items() if "default" not in schema],
            "additionalProperties": False,
        },
    )


def one_of(names: Iterable[str], description: str) -> dict[str, Any]:
    return {"type": "string", "enum": sorted(names), "description": description}


def text(description: str, max_length: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": max_length, "description": description}


def chosen(arguments: Mapping[str, Any], key: str, among: Mapping[str, T]) -> tuple[str, T] | None:
    """The entry of `among` that is named; None where there is no such."""
    name = arguments.get(key)
    found = among.get(name) if isinstance(name, str) else None
    return None if found is None else (str(name), found)


def none_such(what: str, among: Iterable[str]) -> str:
    return f"There is no such {what}. {what.capitalize()}s: {', '.join(sorted(among)) or 'none'}."
