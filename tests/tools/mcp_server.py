"""An MCP server made with the official SDK: `mcp_server.py NOTES [PORT [json]]`; stdio without a port."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations

NOTES = Path(sys.argv[1])
server = MCPServer("shop")


def note(line: str) -> None:
    with NOTES.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True))
def price(article: str, count: int = 1) -> dict[str, int]:
    """What an article costs."""
    return {"cents": 1200 * count}


@server.tool(name="order.place")
async def order(article: str, ctx: Context) -> str:
    """Order an article."""
    note(f"order {article}")
    await ctx.report_progress(1, 2)
    await ctx.info("on its way")
    return f"Ordered: {article}"


@server.tool()
async def slow() -> str:
    """Takes long."""
    note("slow began")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        note("slow cancelled")
        raise
    return "late"


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("out of stock")


@server.tool()
def die() -> str:
    """Ends the server."""
    os._exit(3)


@server.tool()
def environment() -> str:
    """What it inherited."""
    return " ".join(sorted(os.environ))


if len(sys.argv) > 2:
    server.run(
        "streamable-http", host="127.0.0.1", port=int(sys.argv[2]), json_response=sys.argv[3:] == ["json"]
    )
else:
    print("a line for the log", file=sys.stderr)
    server.run("stdio")
