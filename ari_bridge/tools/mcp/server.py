"""One MCP server: connected when first needed, and again when it was lost; its tools."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any

import aiohttp

from ari_bridge.core.errors import SettingsError, ToolError
from ari_bridge.core.messages import ToolSpec
from ari_bridge.tool_settings import McpSettings, read_texts
from ari_bridge.tools.addresses import Guard
from ari_bridge.tools.arguments import schema_problem
from ari_bridge.tools.base import Tool
from ari_bridge.tools.mcp.http import HttpTransport
from ari_bridge.tools.mcp.protocol import (
    McpGone,
    McpTool,
    Requests,
    agreed_version,
    content_of,
    notification,
    result_of,
    tools_of,
)
from ari_bridge.tools.mcp.stdio import StdioTransport
from ari_bridge.tools.mcp.transport import Transport
from ari_bridge.tools.picking import as_text

log = logging.getLogger(__name__)

PAGES_MAX = 100
NAME_MAX = 64


class McpServer:
    """Open its tools once with `tools`; `close` it in the end."""

    def __init__(
        self, name: str, settings: McpSettings, session: aiohttp.ClientSession, guard: Guard
    ) -> None:
        """Raises SettingsError where a secret cannot be had."""
        self._name = name
        self._settings = settings
        self._session = session
        self._guard = guard
        self._environment = read_texts(settings.environment, f"tools.mcp.{name}.environment")
        self._headers = read_texts(settings.headers, f"tools.mcp.{name}.headers")
        self._transport: Transport | None = None
        self._connecting = asyncio.Lock()
        self._requests = Requests()

    async def tools(self) -> list[Tool]:
        """All that it offers. Raises SettingsError where it does not answer as it should."""
        try:
            async with asyncio.timeout(self._settings.start_s):
                listed = await self._listed()
        except TimeoutError:
            raise SettingsError(
                f"tools.mcp.{self._name}: it does not answer within start_s ({self._settings.start_s:g} s)"
            ) from None
        except ToolError as error:
            raise SettingsError(f"tools.mcp.{self._name}: {error}") from None
        return [self._tool(tool) for tool in listed]

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    # -------------------------------------------------------------- its tools

    async def _listed(self) -> list[McpTool]:
        found: list[McpTool] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            transport = await self._connected()
            result = result_of(await transport.request(self._requests.list_tools(cursor)))
            found += tools_of(result)
            cursor = str(result.get("nextCursor") or "")
            if not cursor:
                break
        return found

    def _tool(self, listed: McpTool) -> Tool:
        wrong = schema_problem(listed.schema)
        if wrong:
            raise SettingsError(f"tools.mcp.{self._name}: the schema of {listed.name} is wrong: {wrong}")

        async def run(arguments: Mapping[str, Any], key: str) -> str:
            return await self._call(listed.name, arguments)

        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{self._name}_{listed.name}")[:NAME_MAX]
        trusted = self._settings.trusted
        return Tool(
            ToolSpec(name, listed.description, listed.schema),
            run,
            effects=not (trusted and listed.read_only),
            idempotent=trusted and listed.idempotent,
            parallel=trusted and listed.read_only,
        )

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Raises ToolError."""
        try:
            transport = await self._connected()
        except SettingsError as error:  # what could be run at first cannot be run again
            raise ToolError(str(error), happened=False) from None
        request = self._requests.call_tool(name, arguments)
        try:
            response = await transport.request(request)
        except McpGone:
            await self._lose(transport)
            raise
        except asyncio.CancelledError:
            transport.cancel(request)
            raise
        text, structured = content_of(result_of(response))
        return as_text(text or structured or "Done.")

    # -------------------------------------------------------------- the connection

    async def _connected(self) -> Transport:
        """Raises ToolError."""
        async with self._connecting:
            if self._transport is None:
                self._transport = await self._connect()
            return self._transport

    async def _connect(self) -> Transport:
        settings = self._settings
        transport: Transport
        if settings.url:
            transport = HttpTransport(
                settings.url, self._headers, self._session, self._guard, settings.max_bytes
            )
        else:
            transport = await StdioTransport.start(
                self._name, settings.command, self._environment, settings.directory, settings.max_bytes
            )
        try:
            result = result_of(await transport.request(self._requests.initialize()))
            transport.agreed(agreed_version(result))
            await transport.notify(notification("notifications/initialized"))
        except BaseException:
            await transport.close()
            raise
        return transport

    async def _lose(self, transport: Transport) -> None:
        log.warning("tools.mcp.%s: the connection is lost", self._name)
        if self._transport is transport:
            self._transport = None
            await transport.close()
