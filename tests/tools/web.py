"""A real HTTP server on loopback, and tools that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from ari_bridge.tool_settings import HttpToolSettings, ToolSettings
from ari_bridge.tools.addresses import Guard
from ari_bridge.tools.base import Tool
from ari_bridge.tools.http_client import open_session
from ari_bridge.tools.http_requests import http_tool

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK = ip_network("127.0.0.0/8")


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Its URL, without a slash."""
    app = web.Application()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app.router.add_route("*", "/{path:[\\s\\S]*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def http(
    settings: dict[str, Any], resolver: aiohttp.abc.AbstractResolver | None = None, *, private: bool = True
) -> AsyncIterator[Tool]:
    """The tool that these settings declare."""
    checked = HttpToolSettings(**{"description": "Does.", **settings})
    host = urlsplit(checked.url).hostname or ""
    tools = ToolSettings(http={"it": checked}, hosts=(host,), networks=(LOOPBACK,) if private else ())
    guard = Guard(tools.hosts, tools.networks)
    async with open_session(guard, resolver) as session:
        yield http_tool("it", checked, session, guard)
