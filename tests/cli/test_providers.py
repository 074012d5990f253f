from __future__ import annotations

import json
from pathlib import Path

import pytest

from ari_bridge.cli.main import main

SETTINGS = """
[agents.desk]
llm = ["big", "script"]
[agents.night]
[agents.one]
speech = "openai-realtime"
[providers.big]
use = "script"
[providers.old]
use = "espeak"
voice = "nobody's"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "ari_bridge.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return str(path)


def test_who_is_there_who_is_used_and_what_is_wrong(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert main(["providers", "--config", config]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert "used by desk" in lines["big"]
    assert "used by desk, night" in lines["pocketsphinx"]
    assert "used by one" in lines["openai-realtime"]
    assert "providers.openai-realtime.api_key_file: there is no key" in lines["openai-realtime"]
    assert "providers.old.voice: espeak-ng has no voice" in lines["old"]


def test_the_list_for_programs(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "--config", config, "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["big"]["provider"] == "script"
    assert found["big"]["kind"] == "llm"
    assert found["old"]["trouble"].startswith("providers.old.voice: ")
    assert found["script"]["trouble"] == ""


@pytest.mark.parametrize("name", ["espeak", "big", "pocketsphinx"])
def test_a_round_trip_has_times(name: str, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "--config", config, "--json", "test", name, "--text", "opening hours"]) == 0
    trial = json.loads(capsys.readouterr().out)
    assert trial["answer"]
    times = list(trial["times_ms"].values())
    assert times
    assert all(0 < time_ms < 20_000 for time_ms in times)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nobody", "providers.nobody: there is no provider 'nobody'"),
        ("old", "providers.old.voice: espeak-ng"),
    ],
)
def test_what_cannot_be_tried_is_one_line(
    name: str, says: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["providers", "--config", config, "test", name]) == 78
    assert capsys.readouterr().err.startswith(f"ari-bridge: {says}")


def test_a_language_that_an_engine_lacks_is_one_line(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "--config", config, "test", "pocketsphinx", "--language", "fr"]) == 69
    assert "pocketsphinx: pocketsphinx: its model is English" in capsys.readouterr().err
