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
from ari_bridge.providers.vendor.retry import Budget, Refused, Retry, retry_after_s

log = logging.getLogger(__name__)

PING_S = 15.0
"""Twice this without an answer, and the connection is dead."""
OPEN_S = 5.0
"""How long a server that can be reached may take to answer the opening handshake."""
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

    @property
    def close_code(self) -> int | None:
        """None while it is open; 0 where the other side gave none."""
        return self._socket.close_code

    async def send_json(self, message: Mapping[str, Any]) -> None:
        """Raises ProviderError."""
        await self.send_text(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    async def send_text(self, message: str) -> None:
        """Raises ProviderError."""
        await self._send(self._socket.send_str(message))

    async def send_bytes(self, message: bytes) -> None:
        """Raises ProviderError."""
        await self._send(self._socket.send_bytes(message))

    async def receive(self) -> Mapping[str, Any] | bytes | None:
        """The next message: a JSON object, or bytes; None when the server closed in good order (1000).
        Raises ProviderError."""
        message = await self.receive_message()
        return self._object(message) if isinstance(message, str) else message

    async def receive_message(self) -> str | bytes | None:
        """The same, for a protocol whose texts are more than JSON. Raises ProviderError."""
        message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                return str(message.data)
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
    retry = Retry(budget or Budget(), asyncio.get_running_loop().time())
    socket = await open_socket(
        session, name, url, retry, headers=headers, params=params, protocols=protocols, ping_s=ping_s
    )
    try:
        yield socket
    finally:
        await socket.close()


async def open_socket(
    session: aiohttp.ClientSession,
    name: str,
    url: str,
    retry: Retry,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    protocols: Sequence[str] = (),
    ping_s: float | None = PING_S,
) -> VendorSocket:
    """As `connected`, for who closes it himself. `retry`: how often, which may go on after the connection."""
    loop = asyncio.get_running_loop()
    error: ProviderError
    while True:
        try:
            async with asyncio.timeout(OPEN_S):
                socket = await session.ws_connect(
                    url,
                    headers=headers,
                    params=params,
                    protocols=protocols,
                    heartbeat=ping_s,
                    max_msg_size=LARGEST_MESSAGE,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                )
            return VendorSocket(name, socket)
        except aiohttp.WSServerHandshakeError as cause:
            error = Refused(f"{name}: answered {cause.status}", cause.status)
            after_s = retry_after_s(cause.headers.get("Retry-After") if cause.headers else None)
        except (aiohttp.ClientError, OSError, TimeoutError) as cause:
            error, after_s = _unreachable(name, cause), None
        pause_s = retry.pause_s(loop.time(), after_s) if error.retryable else None
        if pause_s is None:
            raise error
        log.info("%s; trying again in %.1f s", error, pause_s)
        await asyncio.sleep(pause_s)


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
