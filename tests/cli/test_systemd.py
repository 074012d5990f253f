"""What systemd hears, and the unit that is shipped."""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.cli.systemd import Notifier
from ari_bridge.sandbox.lab import Lab
from ari_bridge.settings import LimitSettings

UNIT = Path(__file__).parents[2] / "asterisk" / "systemd" / "ari_bridge.service"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        yield listener


def heard(listener: socket.socket) -> str:
    return listener.recv(4096).decode()


def test_it_speaks_when_asked(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "3000000"})
    assert notifier.watchdog_s == 3.0
    notifier.ready()
    notifier.status("ready; calls: 0")
    notifier.status("ready; calls: 0")
    notifier.alive()
    notifier.stopping()
    said = [heard(systemd) for _ in range(4)]
    assert said == ["READY=1", "STATUS=ready; calls: 0", "WATCHDOG=1", "STOPPING=1"]


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0ari-bridge-test-" + os.urandom(8).hex())
        Notifier({"NOTIFY_SOCKET": "@" + listener.getsockname()[1:].decode()}).ready()
        assert heard(listener) == "READY=1"


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nonexistent/notify", "WATCHDOG_USEC": "0"}],
)
def test_nobody_listening_is_no_failure(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    assert notifier.watchdog_s is None
    notifier.ready()
    notifier.alive()


def test_a_watchdog_that_is_meant_for_another_process() -> None:
    assert Notifier({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_s is None


@pytest.mark.asterisk
def test_the_service_tells_its_life(
    installed: Path, spawn: Any, systemd: socket.socket, clean_lab: Lab
) -> None:
    service = spawn(
        "run",
        installed / "ari_bridge.toml",
        NOTIFY_SOCKET=systemd.getsockname(),
        WATCHDOG_USEC="400000",
    )
    said = [heard(systemd)]
    assert said[0] == "STATUS=not ready: not started; calls: 0"
    while said[-1] != "READY=1":
        said.append(heard(systemd))
    while said.count("WATCHDOG=1") < 4 or "STATUS=ready; calls: 0" not in said:
        said.append(heard(systemd))
    service.send_signal(signal.SIGTERM)
    while said[-1] != "STOPPING=1":
        said.append(heard(systemd))
    _, errors = service.communicate(timeout=15)
    assert service.returncode == 0
    assert "SIGTERM: no more calls; 0 may go on" in errors


def test_the_unit_fits_the_service() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) >= 10
    assert float(service["TimeoutStopSec"]) > LimitSettings().drain_timeout_s + 20
    assert service["KillMode"] == "mixed", "the media process must outlive the signal, or no call drains"
    assert "asterisk.service" in unit["Unit"]["After"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    text = UNIT.read_text().replace("/opt/ari_bridge/.venv/bin/ari-bridge", "/bin/true")
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line and "User" not in line]
    assert complaints == []
