"""`ari-bridge demo` from start to end, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import time
import wave
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.asterisk

NOBODY_ANSWERS = """
did: 5099
voice: flite
steps:
  - waits_for: agent_done
    within_s: 3
"""


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demo's programs put their temporary files. The name is short: sockets lie in it."""
    path = tmp_path / "t"
    path.mkdir()
    return path


def running_below(directory: Path) -> list[str]:
    """Command lines of processes that were started for `directory`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(directory) in command and int(process.name) != os.getpid():
            found.append(command)
    return found


def nothing_is_left(directory: Path, temporary: Path) -> None:
    deadline = time.monotonic() + 5
    while running_below(directory) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running_below(directory) == []
    assert list(temporary.iterdir()) == []


def test_the_demo_holds_what_it_must_and_leaves_its_evidence(
    tmp_path: Path, temporary: Path, spawn: Any
) -> None:
    demo = spawn("demo", "--dir", tmp_path / "demo", TMPDIR=str(temporary))
    out, errors = demo.communicate(timeout=120)
    assert demo.returncode == 0, out + errors
    assert errors == ""

    call = json.loads((tmp_path / "demo/call.json").read_text())
    assert call["barge_in"]["yield_ms"] <= 300
    (interrupted,) = (turn for turn in call["turns"] if turn["interrupted"])
    assert interrupted["text"].startswith(interrupted["heard"])
    assert 0 < len(interrupted["heard"]) < len(interrupted["text"])
    assert [digit["digit"] for digit in call["digits"]] == ["1"]
    assert call["variables"]["ARIBRIDGESTATUS"] == "TRANSFER"
    assert call["human_answered"] is True
    assert call["media"]["codec"] == "ulaw"

    with wave.open(str(tmp_path / "demo/call.wav")) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (2, 8000)
        sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").reshape(-1, 2)
    assert (np.abs(sound).max(axis=0) > 3000).all()  # both sides are heard

    picture = (tmp_path / "demo/call.svg").read_text()
    ET.fromstring(picture)
    assert len(picture.encode()) < 200_000
    assert "what are your opening hours" in picture

    assert "caller what are your opening hours" in out
    assert "answered by reception" in out
    assert "\033" not in out
    nothing_is_left(tmp_path / "demo", temporary)


def test_ctrl_c_in_the_middle_leaves_nothing(tmp_path: Path, temporary: Path, spawn: Any) -> None:
    demo = spawn("demo", "--dir", tmp_path / "demo", TMPDIR=str(temporary))
    for line in demo.stdout:
        if "answered by" in line:
            break
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert errors == ""
    nothing_is_left(tmp_path / "demo", temporary)


def test_stay_tells_how_to_register_and_ends_on_sigterm(tmp_path: Path, temporary: Path, spawn: Any) -> None:
    demo = spawn("demo", "--stay", "--dir", tmp_path / "demo", TMPDIR=str(temporary))
    said = ""
    for line in demo.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    assert "6001" in said
    assert "dial 5000" in said
    demo.send_signal(signal.SIGTERM)
    _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 0
    assert errors == ""
    nothing_is_left(tmp_path / "demo", temporary)


def test_a_call_that_goes_wrong_is_one_line(tmp_path: Path, temporary: Path, spawn: Any) -> None:
    (tmp_path / "caller.yaml").write_text(NOBODY_ANSWERS)
    demo = spawn(
        "demo", "--dir", tmp_path / "demo", "--scenario", tmp_path / "caller.yaml", TMPDIR=str(temporary)
    )
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 69
    assert errors.count("\n") == 1
    assert "the call did not reach the agent" in errors
    nothing_is_left(tmp_path / "demo", temporary)


def test_a_scenario_with_a_mistake_is_named(tmp_path: Path, spawn: Any) -> None:
    (tmp_path / "caller.yaml").write_text("steps:\n  - shouts: hey\n")
    demo = spawn("demo", "--dir", tmp_path / "demo", "--scenario", tmp_path / "caller.yaml")
    _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 78
    assert "caller.yaml:2: steps.1" in errors
    assert not (tmp_path / "demo").exists()
