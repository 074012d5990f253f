from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.providers.tts.speaking.words import CharacterWords, PlacedWord, SpokenWord, WordPlacer


def place(text: str, spoken: list[str]) -> list[PlacedWord]:
    """Every spoken word takes a second."""
    placer = WordPlacer(text)
    placed = [p for i, word in enumerate(spoken) for p in placer.place(SpokenWord(word, i, i + 1))]
    return [*placed, *placer.finish()]


def told(text: str, spoken: list[str]) -> list[tuple[str, float, float]]:
    return [(text[p.start_char : p.end_char], p.start_s, p.end_s) for p in place(text, spoken)]


@pytest.mark.parametrize(
    ("text", "spoken", "expected"),
    [
        ("Hello, world!", ["Hello", "world"], [("Hello", 0, 1), ("world", 1, 2)]),
        ("Hello, world!", ["Hello,", "world!"], [("Hello", 0, 1), ("world", 1, 2)]),
        ("It costs 25 dollars", ["it", "costs", "twenty", "five", "dollars"], [
            ("It", 0, 1), ("costs", 1, 2), ("25", 2, 4), ("dollars", 4, 5),
        ]),
        ("Room 25.", ["room", "twenty", "five"], [("Room", 0, 1), ("25", 1, 3)]),
        ("Dr. Who is", ["doctor", "who", "is"], [("Dr", 0, 1), ("Who", 1, 2), ("is", 2, 3)]),
        ("a cat and a hat", ["a", "cat", "and", "a", "hat"], [
            ("a", 0, 1), ("cat", 1, 2), ("and", 2, 3), ("a", 3, 4), ("hat", 4, 5),
        ]),
        ("Call 0800 123 now", ["call", "zero", "eight", "zero", "zero", "one", "two", "three", "now"], [
            ("Call", 0, 1), ("0800 123", 1, 8), ("now", 8, 9),
        ]),
        ("GRÜSSE aus Köln", ["grüsse", "aus", "köln"], [("GRÜSSE", 0, 1), ("aus", 1, 2), ("Köln", 2, 3)]),
        ("你好世界", ["你好", "世界"], [("你好", 0, 1), ("世界", 1, 2)]),
        ("Good morning", ["Good", "mor", "ning"], [("Good", 0, 1), ("morning", 1, 3)]),
        ("Yes.", ["well", "yes"], [("Yes", 1, 2)]),
        ("one two three", ["one", "three"], [("one", 0, 1), ("three", 1, 2)]),
        ("", ["hm"], []),
        ("!?", ["!", "?"], []),
    ],
)  # fmt: skip
def test_spoken_words_find_their_place(
    text: str, spoken: list[str], expected: list[tuple[str, float, float]]
) -> None:
    assert told(text, spoken) == expected


def test_a_word_far_ahead_is_no_landmark() -> None:
    """A short word that was not written would else throw away the half of the sentence."""
    text = "Please say your account number or press the hash key and wait a moment"
    assert told(text, ["um", "a", "please", "say"])[0][0] == "Please"


def test_a_word_is_not_found_inside_another() -> None:
    assert told("your or you", ["you"]) == [("you", 0, 1)]


@given(
    st.text(alphabet="ab 2.,你Ü'", max_size=30),
    st.lists(
        st.tuples(st.text(alphabet="ab 2.,你ü", max_size=5), st.floats(0, 9), st.floats(0, 9)), max_size=12
    ),
)
def test_whatever_a_vendor_tells_places_are_in_order_and_do_not_overlap(
    text: str, told_words: list[tuple[str, float, float]]
) -> None:
    placer = WordPlacer(text)
    placed = [p for word in told_words for p in placer.place(SpokenWord(*word))] + [*placer.finish()]
    assert all(0 <= p.start_char < p.end_char <= len(text) for p in placed)
    assert all(p.start_s <= p.end_s for p in placed)
    for a, b in itertools.pairwise(placed):
        assert a.end_char <= b.start_char
        assert a.end_s <= b.start_s


@given(st.lists(st.sampled_from(["a", "b", " ", "\n", "ab", "."]), max_size=20))
def test_characters_become_the_words_between_spaces(characters: list[str]) -> None:
    words = CharacterWords()
    timed = [SpokenWord(c, i, i + 1) for i, c in enumerate(characters)]
    found = [w for c in timed for w in words.add([c])] + [*words.finish()]
    assert [w.text for w in found] == "".join(characters).split()
    assert all(characters[int(w.start_s)] == w.text[: len(characters[int(w.start_s)])] for w in found)
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(found))
