"""One connection to a vendor by WebSocket: opened with second tries, all its failures as ProviderError."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.providers.vendor.retry import Budget, Retry, refusal, retry_after_s

log = logging.getLogger(__name__)

PING_S = 15.0
"""Twice this without an answer, and the connection is dead."""
CLOSE_S = 0.5
LARGEST_MESSAGE = 16 * 2**20
_REASON_MAX = 200
_POLICY = 1008
"""Close code: what we sent is against the server's policy (a key, a parameter): RFC 6455, 7.4.1."""


class VendorSocket:
    """An open connection. One reader; any number of senders."""

    def __init__(self, name: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.name, self._socket = name, socket

    @property
    def closed(self) -> bool:
        """By us or, as far as was read, by the server."""
        return self._socket.closed

    async def send_json(self, message: Mapping[str, Any]) -> None:
        """Raises ProviderError."""
        await self._send(
            self._socket.send_str(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        )

    async def send_bytes(self, message: bytes) -> None:
        """Raises ProviderError."""
        await self._send(self._socket.send_bytes(message))

    async def receive(self) -> Mapping[str, Any] | bytes | None:
        """The next message: a JSON object, or bytes; None when the server closed in good order (1000).
        Raises ProviderError."""
        message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                return self._object(message.data)
            case aiohttp.WSMsgType.BINARY:
                return bytes(message.data)
        if self._socket.close_code == aiohttp.WSCloseCode.OK:
            return None
        raise self._closed(str(message.extra or ""))

    async def close(self) -> None:
        await self._socket.close()

    def _object(self, text: str) -> Mapping[str, Any]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ProviderError(f"{self.name}: sent no JSON", retryable=True) from None
        if not isinstance(value, dict):
            raise ProviderError(f"{self.name}: sent no JSON object", retryable=True)
        return value

    async def _send(self, sending: Any) -> None:
        try:
            await sending
        except (aiohttp.ClientError, OSError):
            raise self._closed("") from None

    def _closed(self, reason: str) -> ProviderError:
        code = self._socket.close_code
        said = f": {' '.join(reason.split())[:_REASON_MAX]}" if reason else ""
        text = f"{self.name}: closed the connection ({code or 'broken'}){said}"
        if code == _POLICY:
            return ProviderError(text, retryable=False)
        return ProviderError(text, retryable=True, fault=Fault.UNREACHABLE)


@asynccontextmanager
async def connected(
    session: aiohttp.ClientSession,
    name: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    protocols: Sequence[str] = (),
    budget: Budget | None = None,
    ping_s: float | None = PING_S,
) -> AsyncGenerator[VendorSocket, None]:
    """A connection, closed with the context. `ping_s` None: for servers that answer no pings.

    Raises ProviderError: cannot be reached inside the budget, or refused."""
    loop = asyncio.get_running_loop()
    retry = Retry(budget or Budget(), loop.time())
    while True:
        try:
            socket = await session.ws_connect(
                url,
                headers=headers,
                params=params,
                protocols=protocols,
                heartbeat=ping_s,
                max_msg_size=LARGEST_MESSAGE,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
            )
            break
        except aiohttp.WSServerHandshakeError as cause:
            error = refusal(f"{name}: answered {cause.status}", cause.status)
            after_s = retry_after_s(cause.headers.get("Retry-After") if cause.headers else None)
        except (aiohttp.ClientError, OSError, TimeoutError) as cause:
            error, after_s = _unreachable(name, cause), None
        pause_s = retry.pause_s(loop.time(), after_s) if error.retryable else None
        if pause_s is None:
            raise error
        log.info("%s; trying again in %.1f s", error, pause_s)
        await asyncio.sleep(pause_s)
    try:
        yield VendorSocket(name, socket)
    finally:
        await socket.close()


def _unreachable(name: str, error: BaseException) -> ProviderError:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return ProviderError(f"{name}: its certificate is not valid", retryable=False)
        case aiohttp.InvalidURL():
            return ProviderError(f"{name}: its address is not a URL", retryable=False)
        case aiohttp.ClientConnectorError():
            why = error.os_error.strerror or type(error.os_error).__name__
            return ProviderError(f"{name}: cannot be reached: {why}", retryable=True, fault=Fault.UNREACHABLE)
    text = f"{name}: broke off ({type(error).__name__})"
    return ProviderError(text, retryable=True, fault=Fault.UNREACHABLE)
