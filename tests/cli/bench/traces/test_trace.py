"""The CSV of a trace: what is written is read, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ari_bridge.cli.bench.traces import paths
from ari_bridge.cli.bench.traces.trace import COLUMNS, Trace, read_csv, trace, write_csv
from ari_bridge.core.errors import SettingsError

HEAD = ",".join(COLUMNS) + "\n"
IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def test_times_begin_near_zero_and_lines_may_be_in_any_order(tmp_path: Path) -> None:
    file = tmp_path / "any.csv"
    file.write_text(HEAD + "12,5.04,\n10,5.00,1000.51\n13,5.06,1000.58\n11,5.02,1000.50\n")
    one = read_csv(file)
    assert one.name == "any"
    assert one.packet_ms == 20
    assert one.sequence.tolist() == [10, 11, 12, 13]
    assert one.sent_s == pytest.approx([0, 0.02, 0.04, 0.06])
    assert one.arrived_s == pytest.approx([0.01, 0, np.inf, 0.08])
    assert one.lost == 0.25
    assert one.transit_s == pytest.approx([0.03, 0, np.inf, 0.04])


@pytest.mark.parametrize("name", paths.PATHS)
def test_what_is_written_is_read(name: str, tmp_path: Path) -> None:
    one = paths.made_up(name)
    write_csv(tmp_path / "one.csv", one)
    again = read_csv(tmp_path / "one.csv")
    assert np.array_equal(again.sequence, one.sequence)
    assert again.sent_s == pytest.approx(one.sent_s, abs=2e-6)
    assert again.arrived_s == pytest.approx(one.arrived_s, abs=2e-6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the first line is not sequence,sent_s,arrived_s"),
        (HEAD, "fewer than two packets arrived"),
        (HEAD + "0,0,\n1,0.02,\n", "fewer than two packets arrived"),
        (HEAD + "0,0,1\n1,soon,1.02\n", "line 3 is not"),
        (HEAD + "0,0,1\n1,0.02\n", "line 3 is not"),
        (HEAD + "0,0,nan\n1,0.02,1\n", "line 2 is not"),
        (HEAD + f"{1 << 70},0,0\n1,0.02,1\n", "line 2 is not"),
        (HEAD + "0,0,1\n1,0.02,99999999\n", "spans more than 4 hours"),
        (HEAD + "0,0,1\n1,0.5,1.5\n", "packets of 500 ms"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(content: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(content)
    with pytest.raises(SettingsError, match="bad") as refused:
        read_csv(file)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


ANY_CSV = st.text('0123456789.,-e\n" ', max_size=200).map(lambda text: (HEAD + text).encode())


@IN_FOLDER
@given(content=st.binary(max_size=300) | ANY_CSV)
def test_any_file_is_a_trace_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    try:
        one = read_csv(file)
    except SettingsError:
        return
    assert len(one) == len(one.sent_s) == len(one.arrived_s) >= 2
    assert np.isfinite(one.sent_s).all()
    assert one.arrived_s.min() == 0.0


def test_packets_are_as_long_as_their_usual_step() -> None:
    number = np.arange(100)
    sent_s = number * 0.03
    sent_s[50:] += 2.0  # a pause of the sender's
    assert trace("thirty", number, sent_s, sent_s + 1).packet_ms == 30


def test_made_up_paths_are_the_same_every_time() -> None:
    def drawn(name: str) -> Trace:
        return paths.made_up(name)

    for name in paths.PATHS:
        assert np.array_equal(drawn(name).arrived_s, drawn(name).arrived_s)
    assert 0.01 < drawn("bursts-of-loss").lost < 0.03
    assert drawn("drift-300ppm").transit_s[:100].mean() - drawn("drift-300ppm").transit_s[
        -100:
    ].mean() == pytest.approx(60 * 300e-6, abs=0.001)
    assert drawn("wifi").transit_s.max() > 0.1
