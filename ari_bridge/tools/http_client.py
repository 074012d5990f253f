"""HTTP for tools: one session a service, that connects nowhere but where the guard allows."""

from __future__ import annotations

import aiohttp

from ari_bridge.core.errors import ToolError
from ari_bridge.tools.addresses import Guard, GuardedResolver, SystemResolver

USER_AGENT = "ari_bridge"


def open_session(guard: Guard, resolver: aiohttp.abc.AbstractResolver | None = None) -> aiohttp.ClientSession:
    """To be closed by the caller. No proxy of the environment, no cookies, no cache of addresses: each
    connection is checked."""
    inner = SystemResolver() if resolver is None else resolver
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(guard, inner), use_dns_cache=False)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # who asks has a time limit
        headers={"User-Agent": USER_AGENT},
        trust_env=False,
    )


async def read_limited(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body, unpacked. Raises ToolError where it is longer."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(16384):
        body += chunk
        if len(body) > max_bytes:
            raise ToolError(f"the answer is longer than {max_bytes} bytes.", happened=True)
    return bytes(body)


def unreachable(error: aiohttp.ClientError | OSError) -> ToolError:
    """What a failed request says of itself: one that never connected surely did nothing."""
    # aiohttp's own texts may hold the URL, and so arguments.
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return ToolError("the service's certificate is not valid.", happened=False)
        case aiohttp.ClientConnectorError():
            why = error.os_error.strerror or str(error.os_error)
            return ToolError(f"the service cannot be reached: {why}.", happened=False, retryable=True)
    return ToolError(f"the service broke off ({type(error).__name__}).", happened=True, retryable=True)
