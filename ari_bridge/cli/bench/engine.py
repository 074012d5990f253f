"""What a measured engine is, and one that runs by itself: a script in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ari_bridge
from ari_bridge.cli.bench import machine
from ari_bridge.cli.bench.ledger import Ledger
from ari_bridge.core.errors import InternalError, MediaError
from ari_bridge.sandbox import leash


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that answers N callers."""

    pid: int
    """Of the process whose cost counts."""
    ports: list[int]
    """Where each caller is to send."""
    empty_kb: int
    """Its private memory before it had any."""


class Engine(Protocol):
    name: str
    echo_s: float
    """What the way back adds by design: audio that is read while one frame leaves goes into the next."""

    @abstractmethod
    def running(
        self, callers: list[int], delay_ms: int, ledger: Ledger
    ) -> AbstractAsyncContextManager[Running]:
        """Answer the callers at these ports of 127.0.0.1 and send back what they say, as long as the block
        runs. Raises AriBridgeError."""
        ...


class ScriptEngine:
    """`benchmarks/simple_engine.py`: takes the callers' number and the delay, and says its ports."""

    name = "simple"
    echo_s = 0.0

    @asynccontextmanager
    async def running(self, callers: list[int], delay_ms: int, ledger: Ledger) -> AsyncIterator[Running]:
        async with child(str(script()), str(len(callers)), str(delay_ms)) as process:
            assert process.stdout is not None
            line = await process.stdout.readline()
            if not line:
                raise MediaError("the simple engine did not start")
            ready = json.loads(line)
            machine.prefer(process.pid)  # as the media process does itself
            yield Running(process.pid, ready["ports"], ready["empty_kb"])


def script() -> Path:
    """Where the simple engine lies: beside the package in a checkout, within it when installed."""
    package = Path(ari_bridge.__file__).parent
    for folder in (package.parent / "benchmarks", package / "_benchmarks"):
        if (folder / "simple_engine.py").exists():
            return folder / "simple_engine.py"
    raise InternalError("simple_engine.py is not where it was installed")


@asynccontextmanager
async def child(*arguments: str, pass_fds: tuple[int, ...] = ()) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process that ends with the block, and with us."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, leash.__file__, str(os.getpid()), sys.executable),
        *("-W", "ignore::DeprecationWarning", *arguments),  # audioop's
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
        pass_fds=pass_fds,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
