"""Where a tool's arguments go in a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ari_bridge.core.errors import ToolError
from ari_bridge.tool_settings import PLACEHOLDER


def names(text: object) -> set[str]:
    """The arguments that a template, or a table of them, has a place for."""
    return set(PLACEHOLDER.findall(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)))


def fill_url(url: str, arguments: Mapping[str, Any]) -> str:
    """Percent-encoded, all but letters, digits and -._~ (RFC 3986, 2.3): no argument can add a path segment,
    a query or a host. Raises ToolError for one that is no text, or that changes the path all the same."""
    head, mark, query = url.partition("?")
    segments = [_segment(part, arguments) for part in head.split("/")]
    return (
        "/".join(segments) + mark + PLACEHOLDER.sub(lambda m: quote(_text(arguments, m[1]), safe=""), query)
    )


def _segment(template: str, arguments: Mapping[str, Any]) -> str:
    filled = PLACEHOLDER.sub(lambda found: quote(_text(arguments, found[1]), safe=""), template)
    if filled != template and filled in ("", ".", ".."):
        raise ToolError(f"{', '.join(sorted(names(template)))} cannot be {filled!r}.", happened=False)
    return filled


def _text(arguments: Mapping[str, Any], name: str) -> str:
    return as_text(arguments.get(name))


def as_text(value: object) -> str:
    """A value as it stands in a URL: text as it is, an argument that was left out as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def fill(template: Any, arguments: Mapping[str, Any]) -> Any:
    """A JSON value with its arguments. Text that is one placeholder becomes the argument itself (a number
    stays one); a key whose argument was left out is left out."""
    match template:
        case dict():
            return {
                key: fill(value, arguments)
                for key, value in template.items()
                if not _left_out(value, arguments)
            }
        case list():
            return [fill(value, arguments) for value in template]
        case str():
            whole = PLACEHOLDER.fullmatch(template)
            if whole is not None:
                return arguments.get(whole[1])
            return PLACEHOLDER.sub(lambda found: _text(arguments, found[1]), template)
    return template


def _left_out(value: object, arguments: Mapping[str, Any]) -> bool:
    whole = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return whole is not None and whole[1] not in arguments
