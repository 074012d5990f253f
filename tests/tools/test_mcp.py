"""MCP against servers of the official SDK, as a child of ours and over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import SettingsError, ToolError
from ari_bridge.core.messages import Standing
from ari_bridge.tool_settings import McpSettings
from ari_bridge.tools.addresses import Guard
from ari_bridge.tools.arguments import problem
from ari_bridge.tools.base import Tool
from ari_bridge.tools.http_client import open_session
from ari_bridge.tools.mcp.protocol import McpGone
from ari_bridge.tools.mcp.server import McpServer
from ari_bridge.tools.running import run as run_tool

SERVER = Path(__file__).with_name("mcp_server.py")


@asynccontextmanager
async def connected(settings: McpSettings, *, loopback: bool = True) -> AsyncIterator[dict[str, Tool]]:
    guard = Guard(["127.0.0.1"], [ip_network("127.0.0.0/8")] if loopback else [])
    async with open_session(guard) as session:
        server = McpServer("shop", settings, session, guard)
        try:
            yield {tool.name: tool for tool in await server.tools()}
        finally:
            await server.close()


def child(notes: Path, **settings: Any) -> McpSettings:
    return McpSettings(command=(sys.executable, str(SERVER), str(notes)), start_s=60, **settings)


@pytest.fixture(scope="module", params=["events", "json"])
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    notes = tmp_path_factory.mktemp("mcp") / "notes"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        str(SERVER),
        str(notes),
        str(port),
        *(["json"] if request.param == "json" else []),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}/mcp", notes
        finally:
            process.send_signal(signal.SIGKILL)


def _wait_for(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


async def use(tools: dict[str, Tool]) -> None:
    """What works the same over both transports."""
    assert set(tools) >= {"shop_price", "shop_order_place", "shop_slow", "shop_fail"}
    price = tools["shop_price"]
    assert price.spec.description == "What an article costs."
    assert problem({"article": "tube", "count": "x"}, price.spec.parameters) == "count: must be integer"
    assert '"cents": 2400' in await price.run({"article": "tube", "count": 2}, "k")
    assert await tools["shop_order_place"].run({"article": "tübe"}, "k") == "Ordered: tübe"
    with pytest.raises(ToolError, match="Error executing tool fail") as caught:
        await tools["shop_fail"].run({}, "k")
    assert caught.value.happened
    several = [price.run({"article": "tube", "count": count}, "k") for count in range(1, 9)]
    for count, text in enumerate(await asyncio.gather(*several), 1):
        assert f'"cents": {count * 1200}' in text, "each gets its own answer"


async def until(notes: Path, line: str) -> None:
    async with asyncio.timeout(20):
        while line not in (notes.read_text() if notes.exists() else ""):
            await asyncio.sleep(0.02)


async def time_out(tools: dict[str, Tool], notes: Path) -> None:
    """The server is told that nobody waits any more, and goes on with others."""
    waiting = asyncio.create_task(tools["shop_slow"].run({}, "k"))
    await until(notes, "slow began")
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    await until(notes, "slow cancelled")
    assert "1200" in await tools["shop_price"].run({"article": "tube"}, "k")


def test_a_child_of_ours(
    tmp_path: Path, run: Any, nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARI_BRIDGE_ASTERISK__PASSWORD", "s3cret")
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    notes = tmp_path / "notes"

    async def main() -> None:
        async with connected(child(notes, environment={"TOKEN": {"env": "SHOP_TOKEN"}})) as tools:
            await use(tools)
            await time_out(tools, notes)
            inherited = (await tools["shop_environment"].run({}, "k")).split()
            assert "TOKEN" in inherited
            assert not {"ARI_BRIDGE_ASTERISK__PASSWORD", "SHOP_TOKEN"} & set(inherited)
            tool = tools["shop_price"]
            assert (tool.effects, tool.idempotent) == (True, False), (
                "nobody said that its hints are to be believed"
            )

    run(main())


def test_a_server_that_dies_in_a_call_is_started_again_for_the_next(
    tmp_path: Path, run: Any, nothing_left: None
) -> None:
    notes = tmp_path / "notes"

    async def main() -> None:
        async with connected(child(notes, trusted=True)) as tools:
            with pytest.raises(McpGone) as caught:
                await tools["shop_die"].run({}, "k")
            assert caught.value.happened, "it may have done it before it died"
            assert await tools["shop_order_place"].run({"article": "a"}, "k") == "Ordered: a"
            price = tools["shop_price"]
            assert (price.effects, price.idempotent, price.parallel) == (False, True, True)
            ran = await run_tool(tools["shop_die"], {}, "k")
            assert ran.standing is Standing.UNKNOWN
            assert (await run_tool(price, {"article": "a"}, "k")).standing is Standing.DONE
        assert notes.read_text() == "order a\n"

    run(main())


def test_over_http(url: tuple[str, Path], run: Any) -> None:
    where, notes = url

    async def main() -> None:
        async with connected(McpSettings(url=where, trusted=True)) as tools:
            await use(tools)
            await time_out(tools, notes)

    run(main())


def test_a_private_server_is_not_asked_unless_configured(url: tuple[str, Path], run: Any) -> None:
    async def main() -> None:
        with pytest.raises(SettingsError, match=r"^tools\.mcp\.shop: 127\.0\.0\.1 leads to .* not public"):
            async with connected(McpSettings(url=url[0]), loopback=False):
                pass

    run(main())


def test_a_server_that_forgot_us_is_greeted_again(url: tuple[str, Path], run: Any) -> None:
    async def main() -> None:
        async with connected(McpSettings(url=url[0])) as tools:
            cell = tools["shop_price"].run.__closure__
            assert cell is not None
            (server,) = (c.cell_contents for c in cell if isinstance(c.cell_contents, McpServer))
            assert server._transport is not None
            server._transport._headers["Mcp-Session-Id"] = "f" * 32  # type: ignore[attr-defined]
            ran = await run_tool(tools["shop_price"], {"article": "a"}, "k")
            assert ran.standing is Standing.NOT_DONE
            ran = await run_tool(tools["shop_price"], {"article": "a"}, "k")
            assert ran.standing is Standing.DONE

    run(main())


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            ("/no/such/program",),
            "tools.mcp.shop.command: cannot run /no/such/program: No such file or directory",
        ),
        ((sys.executable, "-c", "pass"), "tools.mcp.shop: the server has ended."),
        (
            (sys.executable, "-c", "print('hello'); import time; time.sleep(9)"),
            "does not answer within start_s (1 s)",
        ),
        (
            (sys.executable, "-c", "print('x' * 9999, flush=True); import time; time.sleep(9)"),
            "message was too long",
        ),
        (
            (
                sys.executable,
                "-c",
                'import time\nasked = input().replace(\'"method"\', \'"result":{},"was"\')\n'
                "print(asked, flush=True)\ntime.sleep(9)",
            ),
            "the server speaks version ''",
        ),
    ],
)
def test_a_server_that_cannot_be_had_is_one_line(
    command: tuple[str, ...],
    line: str,
    run: Any,
    nothing_left: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ari_bridge.tools.mcp.stdio.EXIT_S", 0.2)
    start_s = 1 if "start_s" in line else 30

    async def main() -> None:
        with pytest.raises(SettingsError) as caught:
            async with connected(McpSettings(command=command, start_s=start_s, max_bytes=2000)):
                pass
        assert line in str(caught.value)

    run(main())


def test_a_child_that_does_not_want_to_end_is_ended(
    run: Any, nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ari_bridge.tools.mcp.stdio.EXIT_S", 0.2)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"

    async def main() -> None:
        with pytest.raises(SettingsError):
            async with connected(McpSettings(command=(sys.executable, "-c", stubborn), start_s=1)):
                pass

    run(main())
