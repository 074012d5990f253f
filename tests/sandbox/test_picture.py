from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.audio import samples
from ari_bridge.sandbox.evidence import Evidence, Turn
from ari_bridge.sandbox.measure import BargeIn, Span
from ari_bridge.sandbox.picture import draw
from ari_bridge.sandbox.score import WIDTH, Word, rows, wrap
from ari_bridge.store.record import DigitRecord

RATE_HZ = 8000
SVG = "{http://www.w3.org/2000/svg}"


def evidence(
    duration_ms: float = 20_000,
    turns: tuple[Turn, ...] = (),
    barge_in: BargeIn | None = None,
    digits: tuple[DigitRecord, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> Evidence:
    return Evidence(
        call_id="c-1",
        agent="reception",
        did="5000",
        started_at="2026-01-02T10:00:00.000+00:00",
        duration_ms=duration_ms,
        turns=turns,
        barge_in=barge_in,
        digits=digits,
        variables=variables or {},
        media={"codec": "ulaw", "received": 1000, "lost": 1, "late": 2},
        caller=(),
        hangup_cause="",
        agent_left_ms=duration_ms - 1000,
        human_answered=True,
    )


def drawn(of: Evidence) -> tuple[ET.Element, str]:
    """The parsed picture of a call in which both talk all the time, and its text."""
    noise = np.random.default_rng(1).integers(-20_000, 20_000, samples(of.duration_ms, RATE_HZ))
    pcm = noise.astype(np.int16)
    svg = draw(of, pcm, pcm, RATE_HZ)
    assert len(svg.encode()) < 200_000
    root = ET.fromstring(svg)
    return root, " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))


def test_it_shows_who_said_what_and_what_happened() -> None:
    _, text = drawn(
        evidence(
            turns=(
                Turn("agent", "Good morning.", 500, 2000, heard="Good morning."),
                Turn("caller", "what are your hours", 3000, 4000),
                Turn(
                    "agent",
                    "We open at nine and close at five.",
                    4600,
                    6000,
                    heard="We open at",
                    interrupted=True,
                    response_ms=612,
                    voice_ms=4600,
                ),
            ),
            barge_in=BargeIn(5800, 5987),
            digits=(DigitRecord("7", 9000),),
            variables={"ARIBRIDGESTATUS": "TRANSFER"},
        )
    )
    for shown in ("Good morning.", "what are your hours", "612 ms", "silent after 187 ms", "7", "TRANSFER"):
        assert shown in text
    assert "3 of 1000 packets" in text


def test_what_was_not_heard_is_struck_out() -> None:
    turn = Turn("agent", "one two three four", 1000, 3000, heard="one two", interrupted=True)
    root, _ = drawn(evidence(turns=(turn,)))
    (struck,) = root.iter(f"{SVG}tspan")
    assert struck.text == "three four"


@pytest.mark.parametrize("minutes", [0, 1, 5, 60])
def test_any_length_of_call_stays_small(minutes: int) -> None:
    turns = tuple(
        Turn("agent" if n % 2 else "caller", "many words " * 30, n * 4000.0, n * 4000.0 + 3000)
        for n in range(minutes * 15)
    )
    drawn(evidence(minutes * 60_000.0, turns))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_any_words_make_valid_xml(words: str) -> None:
    drawn(evidence(1000, (Turn("caller", words, 0, 500), Turn("agent", words, 500, 900, words, True))))


def test_control_characters_make_no_invalid_xml() -> None:
    drawn(evidence(1000, (Turn("caller", "a\x00b\x1b[31m\ufffe", 0, 500),)))


def test_nothing_is_fetched() -> None:
    noise = np.zeros(8000, np.int16)
    svg = draw(evidence(1000), noise, noise, RATE_HZ)
    assert not re.search(r"@import|url\(|href|<script", svg)
    assert svg.count("http") == svg.count("http://www.w3.org/2000/svg")


# ------------------------------------------------------------------ layout


def test_rows_break_where_nobody_speaks() -> None:
    speech = [Span(1000, 9000), Span(10_000, 14_000), Span(15_000, 25_000)]
    first, second, *_ = rows(30_000, [], speech, 0)
    assert 14_100 <= first.span.end_ms <= 14_800
    assert second.span.start_ms == first.span.end_ms


@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=30), max_size=40),
    st.integers(5, 60),
    st.integers(1, 4),
)
def test_lines_fit(words: list[str], letters: int, most: int) -> None:
    lines = wrap([Word(word, True) for word in words], letters, most)
    assert len(lines) <= most
    for line in lines:
        assert len(" ".join(word.text for word in line).removesuffix(" …")) <= letters


def test_no_row_is_wider_than_the_picture() -> None:
    for row in rows(100_000, [], [Span(0, 100_000)], 0):
        assert row.x(row.span.end_ms) <= WIDTH
