"""`ari-bridge` as an operator runs it: a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def spawn() -> Iterator[Callable[..., Any]]:
    """`spawn("run", path, NAME="value")` starts `ari-bridge run path`; killed at the end if need be."""
    started: list[subprocess.Popen[str]] = []
    # Children of a shell's background job ignore Ctrl-C, unless their parent has a handler of its own.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "ari_bridge.cli.main", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    signal.signal(signal.SIGINT, before)
