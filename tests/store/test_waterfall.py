from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.dialogue.latency import Stamp
from ari_bridge.store.waterfall import ROWS_MAX, Answer, draw

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = {
    "end_of_turn": 500.0,
    "transcript": 530.0,
    "model_asked": 530.0,
    "first_token": 730.0,
    "first_sentence": 800.0,
    "first_audio": 900.0,
    "first_packet": 920.0,
}
EARLY = {**PLAIN, "model_asked": 200.0, "first_token": 400.0, "first_sentence": 531.0}


def bars(picture: str) -> list[tuple[float, float]]:
    """From where to where each segment goes, px."""
    rects = ET.fromstring(picture).iter(f"{SVG}rect")
    return [
        (float(rect.attrib["x"]), float(rect.attrib["x"]) + float(rect.attrib["width"]))
        for rect in rects
        if rect.find(f"{SVG}title") is not None
    ]


def texts(picture: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_bar_is_cut_where_the_stamps_lie() -> None:
    drawn = bars(draw("A call", [Answer("We open at nine.", PLAIN)]))
    assert len(drawn) == 6
    per_ms = (drawn[-1][1] - drawn[0][0]) / 920
    ends = [round((end - drawn[0][0]) / per_ms) for _, end in drawn]
    assert ends == [500, 530, 730, 800, 900, 920]
    assert all(abs(a[1] - b[0]) < 0.2 for a, b in pairwise(drawn))


def test_what_was_there_before_the_end_of_turn_takes_no_time_of_its_own() -> None:
    answer = Answer("We open at nine.", EARLY)
    assert Stamp.FIRST_TOKEN not in [stamp for stamp, _, _ in answer.segments()]
    assert answer.early_ms == (200.0, 400.0)
    assert Answer("", PLAIN).early_ms is None


def test_names_and_medians_can_be_read() -> None:
    said = texts(draw("A call", [Answer("Yes <b> & no\x00.", PLAIN), Answer("x" * 99, EARLY)]))
    assert "Yes <b> & no." in said
    assert "920 ms" in said
    assert any(
        text.startswith("2 answers, medians: e2e 920 ms · end_of_utterance_delay 500") for text in said
    )


def test_an_answer_that_nobody_heard_is_left_out() -> None:
    picture = draw("A call", [Answer("Yes.", {"end_of_turn": 500.0})])
    assert not bars(picture)
    assert "no answer was heard" in texts(picture)


def test_a_long_call_stays_a_picture() -> None:
    picture = draw("A call", [Answer("Yes.", PLAIN)] * 1000)
    assert len(bars(picture)) == 6 * ROWS_MAX
    assert len(picture) < 400_000


_LATENCY = st.dictionaries(st.sampled_from([stamp.value for stamp in Stamp]), st.floats(0, 1e6))


@given(st.text(), st.lists(st.builds(Answer, st.text(), _LATENCY), max_size=5))
def test_whatever_a_record_holds_is_well_formed(title: str, answers: list[Answer]) -> None:
    for begin, end in bars(draw(title, answers)):
        assert 299 <= begin <= end + 0.11
        assert end <= 911
