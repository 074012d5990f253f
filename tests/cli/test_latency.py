from __future__ import annotations

import json
from pathlib import Path

import pytest

from ari_bridge.cli.main import main

CALL = {
    "did": "5000",
    "agent": "reception",
    "turns": [
        {"who": "caller", "text": "when do you open", "latency_ms": {}},
        {"who": "agent", "text": "At nine.", "latency_ms": {"end_of_turn": 500, "first_packet": 700}},
    ],
}


def test_a_record_is_drawn_beside_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "call.json"
    record.write_text(json.dumps(CALL), encoding="utf-8")
    assert main(["latency", str(record)]) == 0
    picture = tmp_path / "call.waterfall.svg"
    assert capsys.readouterr().out.strip() == str(picture)
    assert "At nine." in picture.read_text("utf-8")
    assert main(["latency", str(record), "--out", "-"]) == 0
    assert capsys.readouterr().out == picture.read_text("utf-8")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"turns": [3]}', '{"turns": 3, "did": "", "agent": ""}']
)
def test_what_is_no_record_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    record = tmp_path / "call.json"
    record.write_text(content, encoding="utf-8")
    assert main(["latency", str(record)]) != 0
    assert capsys.readouterr().err == f"ari-bridge: {record}: not a call's record\n"
    assert list(tmp_path.iterdir()) == [record]


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", str(tmp_path / "none.json")]) != 0
    assert capsys.readouterr().err.endswith("none.json: cannot be read: No such file or directory\n")
