"""The Wyoming protocol: events with a payload, over TCP.

An event is a line of JSON with its type, small data, and the lengths of what follows: more data as JSON, and
a payload of bytes. (github.com/OHF-Voice/wyoming, protocol 1.x.)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.vendor.http import CONNECT_S

LARGEST_PART = 4 * 2**20


@dataclass(frozen=True, slots=True)
class WyomingEvent:
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class WyomingServer:
    """`name`: what messages call it."""

    name: str
    host: str
    port: int

    @classmethod
    def at(cls, name: str, uri: str) -> WyomingServer:
        """ "tcp://HOST:PORT". Raises SettingsError, beginning with the option `uri`."""
        parts = urlsplit(uri)
        with suppress(ValueError):
            if parts.scheme == "tcp" and parts.hostname and parts.port:
                return cls(name, parts.hostname, parts.port)
        raise SettingsError(f"uri: must be tcp://HOST:PORT, not {uri!r}")

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[WyomingConnection, None]:
        """Closed with the context, at once. Raises ProviderError."""
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError) as error:
            why = error.strerror or type(error).__name__
            raise ProviderError(f"{self.name}: cannot be reached: {why}", retryable=True) from None
        try:
            yield WyomingConnection(self.name, reader, writer)
        finally:
            writer.transport.abort()


class WyomingConnection:
    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name, self._reader, self._writer = name, reader, writer

    async def send(self, event: WyomingEvent) -> None:
        """Raises ProviderError."""
        data = json.dumps(event.data, ensure_ascii=False).encode()
        head = {"type": event.type, "data_length": len(data), "payload_length": len(event.payload)}
        try:
            self._writer.writelines((json.dumps(head).encode(), b"\n", data, event.payload))
            await self._writer.drain()
        except OSError as error:
            raise self._broken(error) from None

    async def receive(self) -> WyomingEvent:
        """The next event. Raises ProviderError, for an end of the connection and the server's errors too."""
        try:
            line = await self._reader.readuntil(b"\n")
            head = self._object(line)
            more = await self._part(head, "data_length")
            payload = await self._part(head, "payload_length")
        except asyncio.LimitOverrunError:
            raise self._nonsense("a line without end") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise self._broken(error) from None
        data = head.get("data") or {}
        if not isinstance(head.get("type"), str) or not isinstance(data, dict):
            raise self._nonsense("no event")
        if more:
            data = {**data, **self._object(more)}
        if head["type"] == "error":
            said = " ".join(str(data.get("text", "")).split())[:200]
            raise ProviderError(f"{self._name}: {said or 'an error'}", retryable=True)
        return WyomingEvent(head["type"], data, payload)

    async def _part(self, head: Mapping[str, Any], length_name: str) -> bytes:
        length = head.get(length_name) or 0
        if not isinstance(length, int) or not 0 <= length <= LARGEST_PART:
            raise self._nonsense(f"a wrong {length_name}")
        return await self._reader.readexactly(length)

    def _object(self, text: bytes) -> dict[str, Any]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise self._nonsense("no JSON") from None
        if not isinstance(value, dict):
            raise self._nonsense("no JSON object")
        return value

    def _nonsense(self, what: str) -> ProviderError:
        return ProviderError(f"{self._name}: sent what cannot be understood: {what}", retryable=True)

    def _broken(self, error: Exception) -> ProviderError:
        return ProviderError(f"{self._name}: broke off ({type(error).__name__})", retryable=True)
