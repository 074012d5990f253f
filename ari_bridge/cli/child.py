"""The real `ari-bridge run`, as a process of its own, for the demo."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from ari_bridge.cli.dialogue import from_json
from ari_bridge.cli.run import READY
from ari_bridge.core.errors import SandboxError
from ari_bridge.dialogue.live import Observer
from ari_bridge.sandbox import leash

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
_NONE: Mapping[str, str] = MappingProxyType({})


@asynccontextmanager
async def running_service(
    config: Path, log_path: Path, observer: Observer, variables: Mapping[str, str] = _NONE
) -> AsyncIterator[None]:
    """Runs `ari-bridge run CONFIG` while the block does; its live events go to `observer`. `variables` are
    set in its environment.

    Its log lines go to `log_path`. It is killed with us, however we end. Raises SandboxError when it does
    not start, or ended before the block did.
    """
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, leash.__file__, str(os.getpid())),
            *(sys.executable, "-m", "ari_bridge.cli.main", "run", str(config), "--dialogue-json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**_environment(), **variables},
            start_new_session=True,  # Ctrl-C is for us; we stop it in order
        )
    assert process.stdout is not None
    ready = asyncio.Event()
    forwarding = asyncio.create_task(_forward(process.stdout, ready, observer))
    try:
        await _until_ready(process, ready, log_path)
        yield
        if process.returncode is not None:
            raise SandboxError(f"the service ended in the middle: {_last_line(log_path)}")
    finally:
        await _stop(process)
        await forwarding


async def _forward(stdout: asyncio.StreamReader, ready: asyncio.Event, observer: Observer) -> None:
    async for line in stdout:
        text = line.decode()
        if text.startswith("{"):
            observer(from_json(text))
        elif text.startswith(READY):
            ready.set()


async def _until_ready(process: asyncio.subprocess.Process, ready: asyncio.Event, log_path: Path) -> None:
    waits = [asyncio.create_task(ready.wait()), asyncio.create_task(process.wait())]
    try:
        await asyncio.wait(waits, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    if not ready.is_set():
        what = "is not ready" if process.returncode is None else "did not start"
        raise SandboxError(f"the service {what}: {_last_line(log_path)}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environment() -> dict[str, str]:
    """Ours, without settings that are meant for another service of this machine, and without systemd's
    interest in it. A service that is to stop waits for nobody."""
    strange = ("ARI_BRIDGE_", "NOTIFY_SOCKET", "WATCHDOG_")
    own = {key: value for key, value in os.environ.items() if not key.startswith(strange)}
    return {**own, "ARI_BRIDGE_LIMITS__DRAIN_TIMEOUT_S": "0"}


def _last_line(log_path: Path) -> str:
    lines = log_path.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("ari-bridge: ") if lines else f"it said nothing (log: {log_path})"
