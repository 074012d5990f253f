"""Tools that are one HTTP request, declared in the settings.

What a method may do is taken at its word (RFC 9110, 9.2): GET has no effects, PUT and DELETE are idempotent,
POST and PATCH happen once. A request with effects carries an Idempotency-Key, the same in each try.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from ari_bridge.core.errors import ToolError
from ari_bridge.core.messages import ToolSpec
from ari_bridge.tool_settings import HttpToolSettings, read_texts
from ari_bridge.tools.addresses import Guard
from ari_bridge.tools.base import Tool
from ari_bridge.tools.http_client import read_limited, unreachable
from ari_bridge.tools.picking import as_text, pick
from ari_bridge.tools.template import as_text as in_url
from ari_bridge.tools.template import fill, fill_url, names

_MAY_PASS = {408, 425, 429, 500, 502, 503, 504}
_SAID_MAX = 200


def http_tool(name: str, settings: HttpToolSettings, session: aiohttp.ClientSession, guard: Guard) -> Tool:
    """Raises SettingsError where a secret of its headers cannot be had."""
    request = _Request(name, settings, session, guard)
    spec = ToolSpec(name, settings.description, _schema(settings))
    safe = settings.method == "GET"
    return Tool(
        spec,
        request.run,
        effects=not safe,
        idempotent=settings.method in ("GET", "PUT", "DELETE"),
        parallel=safe,
    )


def _schema(settings: HttpToolSettings) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": settings.parameters,
        "required": [name for name, schema in settings.parameters.items() if "default" not in schema],
        "additionalProperties": False,
    }


class _Request:
    def __init__(
        self, name: str, settings: HttpToolSettings, session: aiohttp.ClientSession, guard: Guard
    ) -> None:
        self._settings = settings
        self._session = session
        self._guard = guard
        self._headers = read_texts(settings.headers, f"tools.http.{name}.headers")

    async def run(self, arguments: Mapping[str, Any], key: str) -> str:
        """Raises ToolError."""
        settings = self._settings
        defaults = {n: s["default"] for n, s in settings.parameters.items() if "default" in s}
        values = {**defaults, **arguments}
        url = fill_url(settings.url, values)
        refused = self._guard.literal(urlsplit(url).hostname or "")
        if refused:
            raise ToolError(refused, happened=False)
        target = URL(url, encoded=True)
        query = {name: in_url(value) for name, value in fill(settings.query, values).items()}
        headers = {"Accept": "application/json", **self._headers}
        if settings.method != "GET":
            headers.setdefault("Idempotency-Key", f'"{key}"')
        try:
            async with self._session.request(
                settings.method,
                target.update_query(query) if query else target,
                headers=headers,
                json=self._body(values),
                allow_redirects=False,
            ) as answer:
                return self._read(answer, await read_limited(answer, settings.max_bytes))
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(error) from None

    def _body(self, values: Mapping[str, Any]) -> Any:
        settings = self._settings
        if settings.method == "GET":
            return None
        if settings.body is not None:
            return fill(settings.body, values)
        placed = names(settings.url) | names(settings.query)
        left = {name: value for name, value in values.items() if name not in placed}
        return left or None

    def _read(self, answer: aiohttp.ClientResponse, body: bytes) -> str:
        if 300 <= answer.status < 400:
            raise ToolError("the service points somewhere else, which is not followed.", happened=False)
        if answer.status >= 400:
            raise _refusal(answer.status, body)
        if not body:
            return "Done."
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            if answer.content_type == "text/plain" and not self._settings.pick:
                return as_text(body.decode("utf-8", "replace"))
            raise ToolError("the answer is no JSON.", happened=True) from None
        return as_text(pick(value, self._settings.pick))


def _refusal(status: int, body: bytes) -> ToolError:
    """4xx: the service understood and did not do it. 5xx: nobody knows."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    said = ""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        said = next((str(value[key]) for key in ("detail", "message", "error") if value.get(key)), "")
    text = f"the service answered {status} {phrase}".rstrip() + (f": {said[:_SAID_MAX]}" if said else ".")
    return ToolError(text, happened=status >= 500 or status == 408, retryable=status in _MAY_PASS)
