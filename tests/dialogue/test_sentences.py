from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.dialogue.sentences import MAX_CHARS, SentenceChunker, has_words


def cut(text: str) -> list[str]:
    chunker = SentenceChunker()
    return chunker.push(text) + chunker.finish()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("It costs 3.5 euros. Really.", ["It costs 3.5 euros.", "Really."]),
        ("See www.example.com for more. Bye.", ["See www.example.com for more.", "Bye."]),
        ("Dr. Smith and Mrs. Jones are in.", ["Dr. Smith and Mrs. Jones are in."]),
        ("Some fruit, e.g. apples. OK.", ["Some fruit, e.g. apples.", "OK."]),
        ("Ask J. Smith. He knows.", ["Ask J. Smith.", "He knows."]),
        ("It was I. Then he left.", ["It was I.", "Then he left."]),
        ("It is No. 5 on the list. Oh no. Really?", ["It is No. 5 on the list.", "Oh no.", "Really?"]),
        ("We open at 9 a.m. on Mondays.", ["We open at 9 a.m. on Mondays."]),
        ("Well... let me see... Yes.", ["Well... let me see...", "Yes."]),
        ("1. Open the door. 2. Leave.", ["1. Open the door.", "2. Leave."]),
        ('He said "go." Then he left.', ['He said "go."', "Then he left."]),
        ("What?! No!!! Yes.", ["What?!", "No!!!", "Yes."]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("今日は。元気ですか？はい。", ["今日は。", "元気ですか？", "はい。"]),
        ("「はい。」次です。", ["「はい。」", "次です。"]),
        ("नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("مرحبا. كيف حالك؟ بخير", ["مرحبا.", "كيف حالك؟", "بخير"]),
        ("no end", ["no end"]),
        ("", []),
        ("  \n\n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert cut(text) == sentences


def test_a_sentence_comes_as_soon_as_the_next_one_begins() -> None:
    chunker = SentenceChunker()
    assert chunker.push("We are open") == []
    assert chunker.push(" until six.") == []
    assert chunker.push(" On") == ["We are open until six."]
    assert chunker.finish() == ["On"]


def test_the_first_chunk_may_end_at_a_clause_and_later_ones_not() -> None:
    first = "Well, we are open from nine in the morning,"
    later = "And on Saturdays we are open from nine in the morning, until noon."
    assert cut(f"{first} until six. {later}") == [first, "until six.", later]


@pytest.mark.parametrize("text", ["word " * 200, "a, " * 300, "x" * 1000, "字" * 700])
def test_a_sentence_without_end_is_cut(text: str) -> None:
    found = cut(text)
    assert max(len(sentence) for sentence in found) <= MAX_CHARS
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "spoken"), [("Yes.", True), ("...", False), ("5", True), ("—", False), ("字", True)]
)
def test_has_words(text: str, spoken: bool) -> None:
    assert has_words(text) is spoken


TEXTS = st.text(alphabet="abI .,!?…\n\"'»)1 5。？、—:Dr. ", max_size=120) | st.text(max_size=80)


@given(TEXTS)
def test_nothing_is_lost_and_no_sentence_is_empty(text: str) -> None:
    found = cut(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() and sentence for sentence in found)


@given(TEXTS, st.lists(st.integers(0, 120)))
def test_how_the_text_is_streamed_does_not_matter(text: str, cuts: list[int]) -> None:
    chunker, found, last = SentenceChunker(), [], 0
    for index in sorted(set(cuts)):
        found += chunker.push(text[last:index])
        last = max(last, index)
    found += chunker.push(text[last:]) + chunker.finish()
    assert found == cut(text)
