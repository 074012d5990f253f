from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.providers.llm.script_patterns import Pattern, PatternError, normalise


def test_a_pattern_lists_every_sentence_it_stands_for() -> None:
    pattern = Pattern("are you open [on] {day: saturday | sunday}")
    assert set(pattern.sentences()) == {
        "are you open on saturday",
        "are you open saturday",
        "are you open on sunday",
        "are you open sunday",
    }


def test_a_slot_keeps_what_was_said() -> None:
    match = Pattern("from {start: london | new york} to {end: paris | rome}").match("from new york to rome")
    assert match is not None
    assert match.slots == {"start": "new york", "end": "rome"}


def test_a_pattern_is_found_inside_a_longer_sentence_but_not_inside_a_word() -> None:
    pattern = Pattern("open [today]")
    found = pattern.match(normalise("Um, are you open today, please?"))
    assert found is not None
    assert found.words == 2
    assert pattern.match("opening") is None
    assert pattern.match("reopen") is None


def test_brackets_nest() -> None:
    pattern = Pattern("when (do you (open|close)|are you open)")
    assert set(pattern.sentences()) == {"when do you open", "when do you close", "when are you open"}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "empty"),
        ("[please]", "matches silence"),
        ("open (on", "'(' is not closed by ')'"),
        ("open on)", "stands where nothing is open"),
        ("on {day}", "{name: one|other}"),
        ("on {day: a|b} {day: c}", "there twice"),
        ("at 5 %", "'%' is neither a word nor a bracket"),
        ("day: monday", "after a slot's name"),
    ],
)
def test_a_mistake_is_named(source: str, problem: str) -> None:
    with pytest.raises(PatternError, match=re.escape(problem)):
        Pattern(source)


_words = st.sampled_from(["open", "monday", "don't", "please", "größe"])
_patterns = st.recursive(
    _words,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} | {two[1]})"),
        inner.map(lambda one: f"[{one}]"),
    ),
    max_leaves=6,
)


@given(_patterns)
def test_every_listed_sentence_is_matched_whole(source: str) -> None:
    pattern = Pattern("start " + source)
    for sentence in pattern.sentences():
        match = pattern.match(normalise(sentence))
        assert match is not None
        assert match.words == len(sentence.split())


@given(st.text(max_size=60))
def test_any_text_is_a_pattern_or_a_pattern_error(source: str) -> None:
    try:
        pattern = Pattern(source)
    except PatternError:
        return
    pattern.match(normalise(source))
