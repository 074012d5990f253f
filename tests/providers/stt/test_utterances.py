"""Utterances against vendors that are late, say things twice, break off, or say nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.core.audio import samples
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Heard, Transcript, UtteranceEnd, UtteranceStart
from ari_bridge.providers.stt.streaming.dialect import Finished, Manners, Words, joined
from ari_bridge.providers.stt.streaming.utterances import KEPT_S, Cue, Utterances

RATE_HZ = 8000
PATIENT = Manners(chunk_ms=60)
QUIET = Manners(chunk_ms=60, always_answers=False)


class Call:
    def __init__(self, manners: Manners = PATIENT) -> None:
        self.utterances = Utterances(RATE_HZ, manners, final_s=2.0)
        self.utterances.connected()
        self.now = 100.0

    def say(self, number: int, ms: int, *, ends: bool = True, level: int = 1) -> None:
        self.utterances.hear(UtteranceStart(number))
        for _ in range(ms // 20):
            self.utterances.hear(Heard(np.full(samples(20, RATE_HZ), level, np.int16)))
        if ends:
            self.utterances.hear(UtteranceEnd(number))

    def sent(self) -> list[str | int]:
        """What goes to the vendor now: cues, and audio as milliseconds, added up."""
        out: list[str | int] = []
        while (output := self.utterances.output(self.now)) is not None:
            if isinstance(output, Cue):
                out.append(output.name)
                continue
            ms = len(output) * 1000 // RATE_HZ
            if out and isinstance(out[-1], int):
                out[-1] += ms
            else:
                out.append(ms)
        return out

    def told(self) -> list[Transcript]:
        return list(self.utterances.transcripts())

    def finals(self) -> list[tuple[int, str]]:
        return [(t.utterance, t.text) for t in self.told() if t.final]


def settled(text: str, from_s: float | None = None, until_s: float | None = None) -> Words:
    return Words(text, is_settled=True, from_s=from_s, until_s=until_s)


def guess(text: str, from_s: float | None = None) -> Words:
    return Words(text, is_settled=False, from_s=from_s)


# ------------------------------------------------------------------ to the vendor


def test_audio_goes_in_chunks_and_the_rest_with_the_end() -> None:
    call = Call()
    call.say(0, 140, ends=False)
    assert call.sent() == ["BEGIN", 120]
    call.utterances.hear(UtteranceEnd(0))
    assert call.sent() == [20, "FINISH"]


def test_hear_tells_when_there_is_something_to_send() -> None:
    call = Call()
    call.utterances.hear(UtteranceStart(0))
    frame = Heard(np.ones(160, np.int16))
    call.sent()
    assert [call.utterances.hear(frame) for _ in range(3)] == [False, False, True]


def test_a_short_last_piece_is_filled_up() -> None:
    call = Call(Manners(chunk_ms=60, least_ms=50))
    call.say(0, 80)
    assert call.sent() == ["BEGIN", 60 + 50, "FINISH"]


def test_silence_follows_where_the_vendor_wants_some() -> None:
    call = Call(Manners(chunk_ms=80, trailing_ms=240))
    call.say(0, 160)
    assert call.sent() == ["BEGIN", 160 + 240, "FINISH"]


def test_one_by_one_the_next_waits_for_the_answer() -> None:
    call = Call(Manners(one_by_one=True))
    call.say(0, 100)
    call.say(1, 100)
    assert call.sent() == ["BEGIN", 100, "FINISH"]
    call.utterances.take(Finished())
    assert call.sent() == ["BEGIN", 100, "FINISH"]


def test_a_connection_for_one_utterance_is_spent_with_it() -> None:
    call = Call(Manners(one_by_one=True, once=True))
    call.say(0, 100)
    assert call.sent() == ["BEGIN", 100, "FINISH"]
    assert not call.utterances.is_spent
    call.utterances.take(Finished())
    call.say(1, 100)
    assert call.utterances.is_spent
    assert call.sent() == []
    call.utterances.connected()
    assert call.sent() == ["BEGIN", 100, "FINISH"]


# ------------------------------------------------------------------ what is told


def test_several_settled_stretches_make_one_utterance() -> None:
    call = Call()
    call.say(3, 500)
    call.sent()
    for words in (guess("a"), settled("a b"), guess("c"), settled("c d")):
        call.utterances.take(words)
    call.utterances.take(Finished())
    assert [(t.text, t.final) for t in call.told()] == [
        ("a", False),
        ("a b", False),
        ("a b c", False),
        ("a b c d", False),
        ("a b c d", True),
    ]


def test_the_confidence_is_that_of_the_stretches_by_their_length() -> None:
    call = Call()
    call.say(0, 500)
    call.sent()
    call.utterances.take(Words("aaa", is_settled=True, confidence=1.0))
    call.utterances.take(Words("b", is_settled=True, confidence=0.6))
    call.utterances.take(Finished())
    assert call.told()[-1].confidence == pytest.approx(0.9)


def test_words_that_reach_to_the_end_are_the_answer() -> None:
    call = Call(QUIET)
    call.say(0, 600)
    call.sent()
    call.utterances.take(settled("all of it", 0.0, 0.58))
    assert call.finals() == [(0, "all of it")]


def test_words_that_were_settled_before_the_caller_stopped_need_no_answer() -> None:
    call = Call(QUIET)
    call.say(0, 600, ends=False)
    call.sent()
    call.utterances.take(settled("all of it", 0.0, 0.6))
    assert call.finals() == []
    call.utterances.hear(UtteranceEnd(0))
    assert call.sent() == ["FINISH"]
    assert call.finals() == [(0, "all of it")]


def test_a_vendor_that_says_nothing_is_waited_for_and_no_longer() -> None:
    call = Call(QUIET)
    call.say(0, 200)
    call.sent()
    call.utterances.take(guess("hm"))
    assert call.utterances.due_s == 102.0
    call.utterances.expire(101.9)
    assert call.finals() == []
    call.utterances.expire(102.0)
    assert call.finals() == [(0, "hm")]
    assert call.utterances.due_s is None


def test_a_vendor_that_has_to_answer_and_does_not_is_an_error() -> None:
    call = Call(PATIENT)
    call.say(0, 200)
    call.sent()
    with pytest.raises(ProviderError, match="no transcript 2 s after the utterance") as caught:
        call.utterances.expire(102.0)
    assert caught.value.retryable


def test_what_comes_late_belongs_to_nobody() -> None:
    call = Call(QUIET)
    call.say(0, 300)
    call.sent()
    call.utterances.expire(102.0)
    call.say(1, 300)
    call.sent()
    call.told()
    call.utterances.take(settled("late", from_s=0.1, until_s=0.3))
    call.utterances.take(Finished(until_s=0.3))
    assert call.told() == []
    call.utterances.take(settled("in time", from_s=0.32, until_s=0.6))
    assert call.finals() == [(1, "in time")]
    call.utterances.take(settled("in time", from_s=0.32, until_s=0.6))  # twice
    call.utterances.take(Finished())
    assert call.told() == []


def test_answers_in_any_order_are_told_in_the_order_of_the_utterances() -> None:
    call = Call()
    for number in (5, 6, 7):
        call.say(number, 100)
    call.sent()
    for turn in (2, 0, 1):
        call.utterances.take(Words(f"turn {turn}", is_settled=True, turn=turn))
        call.utterances.take(Finished(turn=turn))
    assert call.finals() == [(5, "turn 0"), (6, "turn 1"), (7, "turn 2")]


def test_an_utterance_without_audio_needs_no_vendor_but_keeps_its_place() -> None:
    call = Call()
    call.say(0, 100)
    call.say(1, 0)
    assert call.sent() == ["BEGIN", 100, "FINISH"]
    assert call.finals() == []
    call.utterances.take(Finished())
    assert call.finals() == [(0, ""), (1, "")]


# ------------------------------------------------------------------ a new connection


def test_a_new_connection_gets_all_that_is_not_answered() -> None:
    call = Call()
    call.say(0, 300)
    call.say(1, 200, ends=False)
    call.sent()
    call.utterances.take(settled("half a"))
    call.utterances.connected()
    assert call.sent() == ["BEGIN", 300, "FINISH", "BEGIN", 180]
    call.utterances.take(settled("half a sentence"))
    call.utterances.take(Finished())
    assert call.finals() == [(0, "half a sentence")]


def test_what_was_settled_is_not_sent_again() -> None:
    call = Call(QUIET)
    call.say(0, 1200, ends=False)
    call.sent()
    call.utterances.take(settled("one", 0.0, 0.6))
    call.utterances.take(guess("two", 0.7))
    call.utterances.connected()
    assert call.sent() == ["BEGIN", 600]
    call.utterances.take(settled("two", 0.1, 0.6))
    call.utterances.hear(UtteranceEnd(0))
    call.sent()
    assert call.finals() == [(0, "one two")]


def test_of_an_utterance_without_end_only_so_much_is_kept() -> None:
    call = Call()
    call.say(0, 0, ends=False)
    for _ in range(round(KEPT_S) + 30):
        call.utterances.hear(Heard(np.zeros(RATE_HZ, np.int16)))
        call.sent()
    call.utterances.connected()
    begin, resent_ms = call.sent()
    assert begin == "BEGIN"
    assert isinstance(resent_ms, int)
    assert KEPT_S - 2 < resent_ms / 1000 <= KEPT_S


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    events=st.lists(st.sampled_from(["send", "understand", "break"]), max_size=40),
    has_times=st.booleans(),
)
def test_whenever_connections_break_each_word_is_told_once(
    lengths: list[int], events: list[str], has_times: bool
) -> None:
    """A word is 60 ms of audio of its own level; the vendor understands what it was sent, and settles it."""
    call = Call(PATIENT)
    word = 0
    for number, length in enumerate(lengths):
        call.utterances.hear(UtteranceStart(number))
        for _ in range(length):
            word += 1
            call.utterances.hear(Heard(np.full(480, word, np.int16)))
        call.utterances.hear(UtteranceEnd(number))
    call.utterances.end()
    vendor: list[object] = []
    position_s, finals = 0.0, []

    def understand(some: Iterable[object]) -> None:
        for said in some:
            assert isinstance(said, Words | Finished)
            call.utterances.take(said)
        finals.extend(call.finals())

    for event in [*events, *["send"] * (2 * word + 20), "understand"]:
        if event == "break":
            call.utterances.connected()
            vendor.clear()
            position_s = 0.0
        elif event == "understand":
            understand(vendor)
            vendor.clear()
        elif (output := call.utterances.output(call.now)) is Cue.FINISH:
            vendor.append(Finished(until_s=position_s if has_times else None))
        elif output is not None and not isinstance(output, Cue):
            begin_s, position_s = position_s, position_s + 0.06
            times = (begin_s, position_s) if has_times else (None, None)
            vendor.append(settled(f"w{output[0]}", *times))
    understand(())
    words = iter(range(1, word + 1))
    expected = [(n, " ".join(f"w{next(words)}" for _ in range(length))) for n, length in enumerate(lengths)]
    assert finals == expected
    assert call.utterances.is_done


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (["good", "morning"], "good morning"),
        ([" good ", "", "morning."], "good morning."),
        (["你好", "世界"], "你好世界"),
        (["你好", "world"], "你好 world"),
        (["안녕", "하세요"], "안녕 하세요"),
        ([], ""),
    ],
)
def test_stretches_are_joined_as_their_script_does(texts: list[str], whole: str) -> None:
    assert joined(texts) == whole
