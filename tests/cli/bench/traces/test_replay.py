"""Traces through the real buffer: a clean one costs nothing, the adaptive delay is better than fixed ones."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ari_bridge.cli.bench.traces import paths
from ari_bridge.cli.bench.traces.command import BUFFERS
from ari_bridge.cli.bench.traces.picture import draw
from ari_bridge.cli.bench.traces.replay import replay
from ari_bridge.cli.bench.traces.trace import trace, write_csv
from ari_bridge.cli.main import main
from ari_bridge.media.delay import DelayRange


def test_a_clean_path_is_heard_whole() -> None:
    number = np.arange(250)
    heard = replay(trace("clean", number, number * 0.02, 7 + number * 0.02), DelayRange.fixed(0.06))
    assert heard.late == heard.lost == heard.concealed_s == 0.0
    assert heard.mean_delay_ms == pytest.approx(60, abs=2.5)
    assert heard.mos > 4.4


def test_a_lost_packet_is_concealed_and_a_slow_one_is_late() -> None:
    number = np.arange(250)
    arrived_s = number * 0.02
    arrived_s[100] = np.inf
    arrived_s[150] += 0.15
    heard = replay(trace("two", number, number * 0.02, arrived_s), DelayRange.fixed(0.06))
    assert heard.lost == pytest.approx(1 / 250)
    assert heard.late == pytest.approx(1 / 249)
    assert 0.04 <= heard.concealed_s <= 0.08


@pytest.mark.parametrize("name", ["bursts-of-loss", "wifi", "bufferbloat"])
def test_adaptive_is_no_later_than_fixed_60(name: str) -> None:
    one = paths.made_up(name)
    adaptive, fixed = replay(one, BUFFERS["adaptive"]), replay(one, BUFFERS["fixed 60 ms"])
    assert adaptive.late <= fixed.late
    assert adaptive.late <= 0.006
    assert adaptive.mos >= fixed.mos - 0.005


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number = np.arange(200)
    file = tmp_path / "short <call>.csv"
    write_csv(file, trace("x", number, number * 0.02, number * 0.02))
    order = ["bench", "trace", str(file), "--svg", str(tmp_path / "svg"), "--save", str(tmp_path / "csv")]
    assert main([*order, "--json", str(tmp_path / "out.json")]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[2:4] for line in printed.splitlines()[-3:]] == [
        ["adaptive", "0.0%"],
        ["fixed", "60"],
        ["fixed", "100"],
    ]
    ElementTree.parse(tmp_path / "svg" / "short <call>.svg")
    assert (tmp_path / "csv" / "short <call>.csv").exists()
    figures = json.loads((tmp_path / "out.json").read_text())["traces"]["short <call>"]
    assert figures["fixed 60 ms"]["late"] == 0


def test_a_file_that_is_none_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "trace", str(tmp_path / "nowhere.csv")]) == 78
    assert "nowhere.csv: cannot be read: No such file" in capsys.readouterr().err


def test_a_picture_holds_every_buffer_and_all_packets() -> None:
    one = paths.made_up("handover")
    heard = {name: replay(one, allowed) for name, allowed in list(BUFFERS.items())[:2]}
    picture = draw(one, heard)
    root = ElementTree.fromstring(picture)
    assert len(root.findall(".//{*}path[@class='l a']")) == len(root.findall(".//{*}path[@class='l b']")) == 1
    dots = root.find(".//{*}path[@class='dot']")
    assert dots is not None
    assert dots.attrib["d"].count("M") == np.count_nonzero(np.isfinite(one.arrived_s))
