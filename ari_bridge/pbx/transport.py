"""The HTTP client that aioari talks through: ours, because of what aioswagger11's own lacks.

aioari builds every URL from the `basePath` that Asterisk writes into its api-docs, which is always plain
`http://` and whatever host Asterisk believes in. Here each URL is cut behind `/ari/` and put on the base
that the settings name, so TLS and reverse proxies work. The password travels in the Authorization header
only, of REST requests and of the events WebSocket alike; a query string ends up in logs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from yarl import URL

from ari_bridge.core.errors import (
    AsteriskRefused,
    AsteriskUnreachable,
    ConnectionBroke,
    RequestFailed,
    SettingsError,
)
from ari_bridge.settings import AsteriskSettings

POOL_SIZE = 16
"""Asterisk's HTTP server drops connection 101 (http.conf, sessionlimit)."""
KEEPALIVE_S = 8.0
"""Asterisk closes an idle connection after 15 s (http.conf, session_keep_alive): be well ahead of it."""
PING_S = 2.5
"""A WebSocket ping after this long without a word; a pong must follow within half of it. So a connection that
died in silence is found out within 3.75 s."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read whole. aioari asks for `status` and `text()`."""

    status: int
    body: str

    async def text(self) -> str:
        return self.body


class AriTransport:
    """aioswagger11's HttpClient interface: request(), ws_connect(), close()."""

    def __init__(self, settings: AsteriskSettings) -> None:
        """Must be made inside a running loop. Raises SettingsError for a secret or CA that cannot be used."""
        self._base = settings.url
        self._timeout_s = settings.request_timeout_s
        if ":" in settings.username:
            raise SettingsError("asterisk.username: must hold no ':'")
        login = base64.b64encode(f"{settings.username}:{settings.secret()}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._tls = _tls_context(settings)
        self._retired: set[asyncio.Task[None]] = set()
        self._session = self._new_session()

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=POOL_SIZE, keepalive_timeout=KEEPALIVE_S, ssl=self._tls),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def renew(self) -> None:
        """Use no connection from before for a new request: whatever killed the events' one may have killed
        them all, and a request on a dead one waits for its whole time limit. Requests that are out go on."""
        task = asyncio.create_task(self._retire(self._session))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)
        self._session = self._new_session()

    async def _retire(self, session: aiohttp.ClientSession) -> None:
        try:
            await asyncio.sleep(self._timeout_s)
        finally:
            await session.close()

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Response:
        """Raises AsteriskUnreachable (ConnectionBroke: it may have been done), AsteriskRefused, or
        RequestFailed (status 0: no answer in time).

        `timeout_s`: instead of the settings' limit.
        """
        target = self._rewrite(url, params)
        what = f"{method} {target.path}"
        limit_s = timeout_s or self._timeout_s
        try:
            async with self._session.request(
                method,
                target,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit_s),
            ) as answer:
                response = Response(answer.status, await answer.text(errors="replace"))
        except TimeoutError:
            raise RequestFailed(f"{what}: no answer within {limit_s:g} s", status=0) from None
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from None
        if response.status in (401, 403):
            raise self._refused(response)
        if not 200 <= response.status < 300:
            raise RequestFailed(
                f"{what}: {response.status} {_message(response.body)}".rstrip(), status=response.status
            )
        return response

    async def ws_connect(
        self, url: str, params: Mapping[str, object] | None = None
    ) -> aiohttp.ClientWebSocketResponse:
        """Raises AsteriskUnreachable, AsteriskRefused or RequestFailed."""
        target = self._rewrite(url, params)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._session.ws_connect(target, heartbeat=PING_S, max_msg_size=0)
        except TimeoutError:
            raise RequestFailed(
                f"GET {target.path}: no answer within {self._timeout_s:g} s", status=0
            ) from None
        except aiohttp.WSServerHandshakeError as error:
            if error.status in (401, 403):
                raise self._refused(Response(error.status, "")) from None
            raise RequestFailed(
                f"GET {target.path}: {error.status}, no WebSocket: is res_http_websocket.so loaded?",
                status=error.status,
            ) from None
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from None

    async def close(self) -> None:
        for task in tuple(self._retired):
            task.cancel()
        await asyncio.gather(*self._retired, return_exceptions=True)
        await self._session.close()

    def _rewrite(self, url: str, params: Mapping[str, object] | None) -> URL:
        """`url` on the configured base. The path is quoted already, but with '+' for a blank."""
        resource = urlsplit(url).path.rpartition("/ari/")[2].replace("+", "%20")
        given = {key: _text(value) for key, value in (params or {}).items()}
        query = f"?{urlencode(given, quote_via=quote)}" if given else ""
        return URL(f"{self._base}/ari/{resource}{query}", encoded=True)

    def _refused(self, response: Response) -> AsteriskRefused:
        if response.status == 401:
            return AsteriskRefused(
                f"asterisk.username, asterisk.password: {self._base} refused them (401):"
                " compare with the user's section in ari.conf"
            )
        why = _message(response.body) or "forbidden"
        return AsteriskRefused(
            f"asterisk.username: {self._base} answered 403 ({why}):"
            " ari.conf must give this user read_only=no, and an acl that lets this host in"
        )

    def _unreachable(self, error: aiohttp.ClientError) -> AsteriskUnreachable | AsteriskRefused:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            reason = error.certificate_error
            why = reason.verify_message if isinstance(reason, ssl.SSLCertVerificationError) else str(reason)
            return AsteriskRefused(
                f"asterisk.url: the certificate of {self._base} is not trusted ({why}):"
                " name its CA in asterisk.tls_ca_file"
            )
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            return AsteriskUnreachable(
                f"asterisk.url: {self._base} does not speak TLS; should it be http://?"
            )
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return AsteriskUnreachable(f"asterisk.url: there is no host {error.host!r}")
        if isinstance(error, aiohttp.ClientConnectorError):
            return AsteriskUnreachable(
                f"asterisk.url: nothing answers at {self._base}: is Asterisk running and http.conf enabled?"
            )
        if isinstance(error, aiohttp.ClientResponseError):
            return AsteriskUnreachable(f"asterisk.url: what answers at {self._base} does not speak HTTP")
        return ConnectionBroke(f"asterisk.url: the connection to {self._base} broke off")


def _tls_context(settings: AsteriskSettings) -> ssl.SSLContext | bool:
    if not settings.url.startswith("https://"):
        return True
    context = ssl.create_default_context()
    if settings.tls_ca_file is not None:
        try:
            context.load_verify_locations(settings.tls_ca_file)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror or "not a PEM certificate"
            raise SettingsError(f"asterisk.tls_ca_file: {settings.tls_ca_file}: {why}") from None
    return context


def _text(value: object) -> str:
    """Asterisk reads booleans as true and false."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(body: str) -> str:
    """What Asterisk says of an error: {"message": "..."}; "" where it says nothing."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return ""
    message = parsed.get("message") if isinstance(parsed, dict) else None
    return message if isinstance(message, str) else ""
