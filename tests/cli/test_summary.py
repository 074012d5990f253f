from __future__ import annotations

from pathlib import Path

from ari_bridge.cli.summary import table
from ari_bridge.sandbox.evidence import Evidence, Turn
from ari_bridge.sandbox.measure import BargeIn
from ari_bridge.store.record import DigitRecord


def evidence(*turns: Turn, barge_in: BargeIn | None = None, digits: str = "") -> Evidence:
    return Evidence(
        call_id="c-1",
        agent="reception",
        did="5000",
        started_at="",
        duration_ms=41_230,
        turns=turns,
        barge_in=barge_in,
        digits=tuple(DigitRecord(digit, 0) for digit in digits),
        variables={"ARIBRIDGESTATUS": "TRANSFER", "ARIBRIDGECAUSE": "human"},
        media={"codec": "ulaw", "received": 2000, "lost": 1, "late": 2, "sent": 2001, "mos": 4.41},
        caller=(),
        hangup_cause="",
        agent_left_ms=0,
        human_answered=True,
    )


def test_it_tells_what_was_measured_and_where_it_lies() -> None:
    text = table(
        evidence(
            Turn("agent", "one two three four", 0, 0, heard="one two", interrupted=True, response_ms=500),
            Turn("agent", "yes", 0, 0, response_ms=700),
            barge_in=BargeIn(1000, 1110),
            digits="12",
        ),
        [Path("build/demo/call.wav")],
    )
    flat = " ".join(text.split())
    assert "41.2 s, TRANSFER, a second extension answered" in flat
    assert "median 600 ms, slowest 700 ms" in flat
    assert "agent silent 110 ms" in flat
    assert "“one two” of 4 words" in flat
    assert "digits 12" in flat
    assert "ARIBRIDGESTATUS=TRANSFER ARIBRIDGECAUSE=human" in flat
    assert "ulaw, 2000 packets in, 1 lost, 2 late, 2001 out, MOS 4.41" in flat
    assert "build/demo/call.wav" in flat
    assert max(map(len, text.splitlines())) <= 100


def test_what_did_not_happen_is_not_told() -> None:
    text = table(evidence(), [])
    assert not any(name in text for name in ("response", "barge-in", "heard", "digits"))
