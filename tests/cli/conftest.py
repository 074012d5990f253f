"""`ari-bridge` as an operator runs it: a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.cli import files
from ari_bridge.cli.main import main
from ari_bridge.sandbox.lab import Lab


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


@pytest.fixture
def installed(clean_lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """What the README tells an administrator to do: init, copy, include, reload."""
    assert main(["init", str(tmp_path), "--url", clean_lab.pbx.http_url]) == 0
    etc = clean_lab.pbx.directory / "etc"
    before = (etc / "ari.conf").read_text()
    shutil.copy(tmp_path / files.ARI_USER, etc / "ari_bridge" / "ari_user.conf")
    (etc / "ari.conf").write_text('[general]\nenabled = yes\n#include "ari_bridge/ari_user.conf"\n')
    reload(clean_lab)
    yield tmp_path
    (etc / "ari.conf").write_text(before)
    reload(clean_lab)


def reload(lab: Lab) -> None:
    asyncio.run(lab.pbx.cli("module reload res_ari.so"))
