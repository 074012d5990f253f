"""The benchmark as it is run: short, with few calls; it is not asked for speed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ari_bridge.cli import main as cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")


@pytest.mark.parametrize("engine", ["rows", "simple"])
def test_bench_media(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "figures.json"
    arguments = [
        "bench",
        "media",
        "--engine",
        engine,
        "--calls",
        "12",
        "--seconds",
        "1",
        "--json",
        str(target),
    ]
    assert cli.main(arguments) == 0
    found = json.loads(target.read_text("utf-8"))
    assert found["calls"] == 12
    assert found["sent"] == pytest.approx(12 * 25, abs=12)
    assert found["lost"] <= found["sent"] // 10
    assert found["foreign"] == 0
    assert found["cpu_us_per_call_second"] > 0
    assert {"p50", "p99", "max"} == found["pacing_ms"].keys() == found["added_ms"].keys()
    assert found["machine"]["python"] == sys.version.split()[0]
    assert "µs per call-second" in capsys.readouterr().out


def test_bench_providers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "figures.json"
    arguments = ["bench", "providers", "--streams", "24", "--seconds", "1", "--json", str(target)]
    assert cli.main(arguments) == 0
    found = json.loads(target.read_text("utf-8"))
    assert found["streams"] == 24
    assert found["stt_final_ms"]["p50"] > 0, "utterances were answered"
    assert {"deepgram-aura", "openai-tts"} == found["tts"].keys()
    assert all(voice["first_byte_ms"]["p50"] > 0 for voice in found["tts"].values())
    assert "ms per call-second" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "media", "--json", "/proc/no/such.json"]) == 78
    error = capsys.readouterr().err
    assert error.startswith("ari-bridge: --json: cannot write /proc/no/such.json")
    assert error.count("\n") == 1
