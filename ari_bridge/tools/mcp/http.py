"""MCP over Streamable HTTP: each message is a POST, and its response a JSON object or a stream of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from ari_bridge.core.errors import ToolError
from ari_bridge.tools.addresses import Guard
from ari_bridge.tools.http_client import read_limited, unreachable
from ari_bridge.tools.mcp.protocol import Json, McpGone, answers, cancelled, reply_to
from ari_bridge.tools.mcp.sse import EventStream

SESSION = "Mcp-Session-Id"
FAREWELL_S = 2.0


class HttpTransport:
    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        session: aiohttp.ClientSession,
        guard: Guard,
        max_bytes: int,
    ) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._headers = {**headers, "Accept": "application/json, text/event-stream"}
        self._session = session
        self._guard = guard
        self._max_bytes = max_bytes
        self._tasks: set[asyncio.Task[None]] = set()

    async def request(self, message: Json) -> Json:
        async with aclosing(self._exchange(message)) as messages:
            async for found in messages:
                if answers(found, message):
                    return found
                reply = reply_to(found)
                if reply is not None:
                    self._start(self.notify(reply))
        raise McpGone("the server broke off.", happened=True, retryable=True)

    async def notify(self, message: Json) -> None:
        async with aclosing(self._exchange(message)) as messages:
            async for _ in messages:
                pass

    def cancel(self, request: Json) -> None:
        self._start(self.notify(cancelled(request["id"])))

    def agreed(self, version: str) -> None:
        self._headers["MCP-Protocol-Version"] = version

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if SESSION in self._headers:
            self._start(self._end_session())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    # -------------------------------------------------------------- requests

    async def _exchange(self, message: Json) -> AsyncGenerator[Json, None]:
        """POST a message; the messages that come back. Raises ToolError."""
        refused = self._guard.literal(self._host)
        if refused:
            raise ToolError(refused, happened=False)
        try:
            async with self._session.post(
                self._url, json=message, headers=self._headers, allow_redirects=False
            ) as response:
                self._check(response)
                if SESSION in response.headers:
                    self._headers[SESSION] = response.headers[SESSION]
                if response.content_type == "text/event-stream":
                    async for text in self._events(response):
                        yield _message(text)
                elif body := await read_limited(response, self._max_bytes):
                    yield _message(body)
        except (aiohttp.ClientError, OSError) as error:
            lost = unreachable(error)
            raise McpGone(str(lost), happened=lost.happened, retryable=lost.retryable) from None

    def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 404 and SESSION in self._headers:
            raise McpGone("the server has forgotten us.", happened=False, retryable=True)
        if 300 <= response.status < 400:
            raise ToolError("the server points somewhere else, which is not followed.", happened=False)
        if response.status >= 400:
            raise ToolError(f"the server answered {response.status}.", happened=response.status >= 500)

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncGenerator[str, None]:
        stream, size = EventStream(), 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_bytes:
                raise ToolError(f"the answer is longer than {self._max_bytes} bytes.", happened=True)
            for text in stream.feed(chunk):
                yield text

    async def _end_session(self) -> None:
        async with self._session.delete(self._url, headers=self._headers, allow_redirects=False):
            pass

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background; what fails there is nobody's loss."""

        async def quietly() -> None:
            with suppress(ToolError, aiohttp.ClientError, OSError):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _message(text: str | bytes) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("the server's answer is not of the protocol.", happened=True)
    return found
