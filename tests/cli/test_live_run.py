"""`ari-bridge run` before a real Asterisk, set up by what `ari-bridge init` wrote."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.asterisk


def test_it_gets_ready_and_stops_on_sigterm(installed: Path, spawn: Any) -> None:
    service = spawn("run", installed / "ari_bridge.toml")
    line = service.stdout.readline()
    assert line.startswith("ready: Stasis app ari_bridge at http://127.0.0.1:"), service.stderr.read()
    assert line.endswith("agents: reception\n")
    service.send_signal(signal.SIGTERM)
    out, errors = service.communicate(timeout=15)
    assert service.returncode == 0
    assert out == ""
    assert "Traceback" not in errors


def test_ctrl_c_is_a_clean_end_too(installed: Path, spawn: Any) -> None:
    service = spawn("run", installed / "ari_bridge.toml")
    assert service.stdout.readline().startswith("ready")
    service.send_signal(signal.SIGINT)
    _, errors = service.communicate(timeout=15)
    assert service.returncode == 0
    assert "Traceback" not in errors


def test_a_wrong_password_is_one_line(installed: Path, spawn: Any) -> None:
    (installed / "ari_password").write_text("wrong\n")
    service = spawn("run", installed / "ari_bridge.toml")
    out, errors = service.communicate(timeout=15)
    assert service.returncode == 77
    assert out == ""
    (line,) = (line for line in errors.splitlines() if line.startswith("ari-bridge: "))
    assert "password" in line
    assert "Traceback" not in errors
