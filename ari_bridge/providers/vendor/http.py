"""One vendor by HTTP: a session that keeps its connections, second tries, errors as one line.

A vendor's message is told to the operator, shortened; URLs and headers never are, since keys and callers'
words may be in them. Redirects are not followed: a key would go with them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.providers.vendor.retry import Budget, Refused, Retry, retry_after_s
from ari_bridge.providers.vendor.sse import EventParser, ServerSentEvent, StreamTooLong

log = logging.getLogger(__name__)

CONNECT_S = 3.0
KEEP_ALIVE_S = 60.0
"""How long an idle connection is kept: a caller's next turn finds it warm."""
_SAID_MAX = 200
_ERROR_BYTES = 16_384
_END_S = 0.2
"""How long to wait for the end of a body of which all that matters was read."""
_SECRET_CHARS_MIN = 8


def open_session() -> aiohttp.ClientSession:
    """For one engine; in the loop that will use it. Many calls share it, so connections are not counted."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=300),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        headers={"User-Agent": "ari_bridge"},
        trust_env=True,
    )


class HttpVendor:
    """The requests of one engine. `headers` hold its key. Safe for any number of requests at once."""

    def __init__(
        self, name: str, base_url: str, headers: Mapping[str, str], budget: Budget | None = None
    ) -> None:
        """`name`: what messages call the vendor."""
        self.name, self._headers = name, dict(headers)
        self._base_url = base_url.rstrip("/")
        self._budget = budget or Budget()
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session()
        return self._session

    async def warm(self) -> None:
        """Connect, TLS included; the connection waits for the first request."""
        try:
            async with self.session.head(self._base_url, allow_redirects=False):
                pass
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("%s: not warm: %s", self.name, type(error).__name__)

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: aiohttp.FormData | bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """A successful answer, its body still to come. `body` is sent as JSON. Tried again inside the budget
        as long as no success was answered; leaving the context early closes the connection, which stops the
        vendor. Raises ProviderError, also for what breaks while the body is read."""
        answer = await self._answered(
            method,
            self._base_url + path,
            json=body,
            data=data,
            params=params,
            headers={**self._headers, **(headers or {})},
        )
        try:
            yield answer
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self.broken(error) from None
        finally:
            answer.close()  # of a body that was read to its end, the connection is back in the pool already

    async def _answered(self, method: str, url: str, **what: Any) -> aiohttp.ClientResponse:
        """The first answer that is a success. Raises ProviderError."""
        loop = asyncio.get_running_loop()
        retry = Retry(self._budget, loop.time())
        while True:
            after_s = None
            error: ProviderError
            try:
                answer = await self.session.request(method, url, allow_redirects=False, **what)
                if answer.status < 300:
                    return answer
                async with answer:
                    error = await self._refusal(answer)
                    after_s = retry_after_s(answer.headers.get("Retry-After"))
            except (aiohttp.ClientError, OSError, TimeoutError) as cause:
                error = self.broken(cause)
            pause_s = retry.pause_s(loop.time(), after_s) if error.retryable else None
            if pause_s is None:
                raise error
            log.info("%s; trying again in %.1f s", error, pause_s)
            await asyncio.sleep(pause_s)

    async def finish(self, answer: aiohttp.ClientResponse) -> None:
        """All that matters of the body was read: have its end too, so that the connection can be kept."""
        try:
            async with asyncio.timeout(_END_S):
                await answer.content.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("%s: the end of its answer did not come: %s", self.name, type(error).__name__)

    async def events(self, answer: aiohttp.ClientResponse) -> AsyncGenerator[ServerSentEvent, None]:
        """The server-sent events of an answer. Raises ProviderError."""
        parser = EventParser()
        try:
            async for chunk in answer.content.iter_any():
                for event in parser.feed(chunk):
                    yield event
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self.broken(error) from None
        except StreamTooLong as error:
            raise self.nonsense(str(error)) from None

    def json(self, text: str | bytes) -> Mapping[str, Any]:
        """An object that the vendor sent. Raises ProviderError."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise self.nonsense("no JSON") from None
        if not isinstance(value, dict):
            raise self.nonsense("no JSON object")
        return value

    def said(self, text: str) -> str:
        """A vendor's own words as they may be logged: one short line, without what is secret to us."""
        for value in self._headers.values():
            secret = value.rpartition(" ")[2]
            if len(secret) >= _SECRET_CHARS_MIN:
                text = text.replace(secret, "***")
        return " ".join(text.split())[:_SAID_MAX]

    def nonsense(self, what: str) -> ProviderError:
        return ProviderError(f"{self.name}: cannot understand its answer: {what}", retryable=True)

    def broken(self, error: BaseException) -> ProviderError:
        """What a failed connection says of itself; aiohttp's own texts may hold the URL."""
        match error:
            case aiohttp.ClientConnectorCertificateError():
                return ProviderError(f"{self.name}: its certificate is not valid", retryable=False)
            case aiohttp.InvalidURL():
                return ProviderError(f"{self.name}: base_url is not a URL", retryable=False)
            case aiohttp.ClientConnectorError():
                why = error.os_error.strerror or type(error.os_error).__name__
                return ProviderError(
                    f"{self.name}: cannot be reached: {why}", retryable=True, fault=Fault.UNREACHABLE
                )
        text = f"{self.name}: broke off ({type(error).__name__})"
        return ProviderError(text, retryable=True, fault=Fault.UNREACHABLE)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _refusal(self, answer: aiohttp.ClientResponse) -> Refused:
        said = self.said(said_in(await answer.content.read(_ERROR_BYTES)))
        text = f"{self.name}: answered {answer.status}" + (f": {said}" if said else "")
        return Refused(text, answer.status)


def said_in(body: bytes) -> str:
    """A vendor's own words about an error, one line: the usual places in its JSON; else nothing."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for key in ("error", "detail", "message", "err_msg", "reason"):
        found = value.get(key) if isinstance(value, dict) else None
        while isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return " ".join(found.split())
    return ""
