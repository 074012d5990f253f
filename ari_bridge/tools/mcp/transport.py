"""The way to a server, whichever it is."""

from __future__ import annotations

from typing import Protocol

from ari_bridge.tools.mcp.protocol import Json


class Transport(Protocol):
    async def request(self, message: Json) -> Json:
        """The response to a request. Raises McpGone when the connection is lost."""
        ...

    async def notify(self, message: Json) -> None: ...

    def cancel(self, request: Json) -> None:
        """Nobody waits for its response any more; the server is told."""
        ...

    def agreed(self, version: str) -> None:
        """The version that both sides speak from now on."""
        ...

    async def close(self) -> None: ...
