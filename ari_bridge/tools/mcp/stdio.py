"""MCP over the standard input and output of a child of ours: one JSON message a line."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ari_bridge.core.errors import SettingsError
from ari_bridge.tools.mcp.protocol import Json, McpGone, cancelled, reply_to

log = logging.getLogger(__name__)

_HANDED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""Of our environment. The rest is ours: passwords may stand there."""

EXIT_S = 2.0
"""How long a server may take to end when its input is closed, and once more when it is told to."""


class StdioTransport:
    """Make one with `start`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._name = name
        self._process = process
        self._input = process.stdin
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._lost = ""
        self._tasks = [
            asyncio.create_task(self._read(process.stdout), name=f"mcp {name}"),
            asyncio.create_task(self._drain(process.stderr), name=f"mcp {name} stderr"),
        ]

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path | None,
        max_bytes: int,
    ) -> StdioTransport:
        """`max_bytes`: of one message. Raises SettingsError when the command cannot be run."""
        inherited = {key: os.environ[key] for key in _HANDED_ON if key in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**inherited, **environment},
                cwd=directory,
                limit=max_bytes,
                start_new_session=True,  # Ctrl-C is for us; we end it in order
            )
        except OSError as error:
            raise SettingsError(
                f"tools.mcp.{name}.command: cannot run {command[0]}: {error.strerror}"
            ) from None
        return cls(name, process)

    # -------------------------------------------------------------- Transport

    async def request(self, message: Json) -> Json:
        if self._lost:
            raise McpGone(self._lost, happened=False, retryable=True)
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[message["id"]] = future
        try:
            await self._write(message)
            return await future
        finally:
            del self._waiting[message["id"]]

    async def notify(self, message: Json) -> None:
        await self._write(message)

    def cancel(self, request: Json) -> None:
        if not self._input.is_closing():
            self._input.write(_line(cancelled(request["id"])))

    def agreed(self, version: str) -> None:
        pass

    async def close(self) -> None:
        """As the specification has it: close its input; if it stays, SIGTERM; if it stays still, SIGKILL."""
        self._input.close()
        try:
            for signum in (signal.SIGTERM, signal.SIGKILL):
                with suppress(TimeoutError):
                    async with asyncio.timeout(EXIT_S):
                        await self._process.wait()
                    break
                self._signal(signum)
        finally:
            if self._process.returncode is None:
                self._signal(signal.SIGKILL)
            await self._process.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
            with suppress(OSError):
                await self._input.wait_closed()

    # -------------------------------------------------------------- the child

    def _signal(self, signum: signal.Signals) -> None:
        """To it and to what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signum)

    async def _write(self, message: Json) -> None:
        try:
            self._input.write(_line(message))
            await self._input.drain()
        except (OSError, RuntimeError):
            raise McpGone("the server has ended.", happened=True, retryable=True) from None

    async def _read(self, output: asyncio.StreamReader) -> None:
        why = "the server has ended."
        try:
            while line := await output.readline():
                await self._take(line)
        except ValueError:
            why = "the server's message was too long."
        except McpGone:
            pass
        self._lost = why
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(McpGone(why, happened=True, retryable=True))

    async def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            log.warning("tools.mcp.%s: what it writes to its standard output is no message", self._name)
            return
        reply = reply_to(message)
        if reply is not None:
            await self._write(reply)
        elif "method" not in message:
            future = self._waiting.get(message.get("id", -1))
            if future is not None and not future.done():
                future.set_result(message)

    async def _drain(self, errors: asyncio.StreamReader) -> None:
        """What it logs is read, so that it never waits for us."""
        while text := await errors.read(65536):
            for line in text.decode("utf-8", "replace").splitlines():
                log.debug("tools.mcp.%s: %s", self._name, line)


def _line(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
