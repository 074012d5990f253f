"""A made-up call, spoken in noise, through evidence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.evidence import Evidence, gather, read_record
from ari_bridge.sandbox.recording import Recording
from ari_bridge.store import record as store
from ari_bridge.store.record import CallRecord, DigitRecord, TurnRecord

RATE_HZ = 8000


def voice(length_ms: int, *spans: tuple[int, int]) -> Pcm16:
    pcm = np.zeros(samples(length_ms, RATE_HZ), np.int16)
    for start_ms, end_ms in spans:
        pcm[samples(start_ms, RATE_HZ) : samples(end_ms, RATE_HZ)] = 5000
    return pcm


def a_call(*, silent_ms: int = 9200) -> tuple[CallRecord, Recording]:
    """The record began 500 ms after the recording."""
    recording = Recording(
        RATE_HZ,
        start_monotonic_s=100.0,
        caller=voice(16_000, (3000, 4000), (9000, 10_000)),
        agent=voice(16_000, (1000, 2000), (4700, silent_ms), (10_600, 12_000), (13_300, 14_000)),
    )
    record = CallRecord(
        call_id="c-1",
        agent="reception",
        did="5000",
        caller_number="6002",
        started_at="2026-01-02T10:00:00.000+00:00",
        start_monotonic_s=100.5,
        duration_ms=14_500,
        turns=[
            TurnRecord("agent", "Hello.", 480, 1480, heard="Hello."),
            TurnRecord("caller", "tell me about the company", 2520, 3520),
            TurnRecord(
                "agent", "one two three four five", 4180, 8650, heard="one two three", interrupted=True
            ),
            TurnRecord("caller", "stop", 8520, 9520),
            TurnRecord("agent", "All right.", 10_080, 11_480, heard="All right."),
            TurnRecord("agent", "Order.", 12_780, 13_480, heard="Order."),
        ],
        digits=[DigitRecord("1", 12_500)],
        variables={"ARIBRIDGESTATUS": "TRANSFER"},
    )
    return record, recording


def evidence_of(record: CallRecord, recording: Recording) -> Evidence:
    return gather(record, recording, caller=[(101.0, "said", "x")], human_answered=True)


def test_both_clocks_end_on_one_timeline() -> None:
    evidence = evidence_of(*a_call())
    assert evidence.turns[0].start_ms == 980
    assert evidence.digits == (DigitRecord("1", 13_000),)
    assert evidence.caller[0].at_ms == 1000
    assert evidence.agent_left_ms == 15_000
    assert evidence.duration_ms == 16_000


def test_the_interruption_is_measured_in_the_audio() -> None:
    barge_in = evidence_of(*a_call()).barge_in
    assert barge_in is not None
    assert (barge_in.caller_voice_ms, barge_in.agent_silent_ms) == (9000, 9200)


def test_an_overlap_that_the_record_knows_nothing_of_is_no_barge_in() -> None:
    record, recording = a_call()
    record.turns[2].interrupted = False
    assert evidence_of(record, recording).barge_in is None


def test_answers_get_the_response_time_of_the_audio() -> None:
    evidence = evidence_of(*a_call())
    assert [turn.response_ms for turn in evidence.turns] == [None, None, 700, None, 600, None]
    assert evidence.median_response_ms == 650


def test_call_json_holds_it_all(tmp_path: Path) -> None:
    evidence_of(*a_call()).write(tmp_path / "call.json")
    table = json.loads((tmp_path / "call.json").read_text())
    assert table["barge_in"] == {"caller_voice_ms": 9000, "agent_silent_ms": 9200, "yield_ms": 200}
    assert table["turns"][2]["heard"] == "one two three"
    assert table["turns"][2]["interrupted"] is True
    assert table["variables"] == {"ARIBRIDGESTATUS": "TRANSFER"}


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record, _ = a_call()
    assert read_record(store.write(record, tmp_path)) == record


@pytest.mark.parametrize("text", ["", "{}", '{"turns": [{"who": 1}], "digits": []}'])
def test_a_broken_record_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(SandboxError, match="not a call's record"):
        read_record(path)
