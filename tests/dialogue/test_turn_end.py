"""A silent caller's turn, with a model that judges the pause, and with words alone."""

from __future__ import annotations

import pytest

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench

JUDGED = TurnSettings(end_of_turn_ms=500, detector="ear")


def paused(text: str = "", settings: TurnSettings = JUDGED) -> Bench:
    bench = Bench(settings)
    bench.voice_on()
    bench.hold_voice(1.0)
    if text:
        bench.understood_so_far(text)
    bench.voice_off()
    return bench


def ends_after(bench: Bench) -> float:
    """Seconds of silence until the turn is over."""
    ended = bench.now - 0.16
    while bench.state is State.CALLER_PAUSED:
        bench.step()
    return bench.now - ended


def test_a_model_is_asked_about_each_pause_and_heeded() -> None:
    sure, unsure = paused(), paused()
    (judged,) = sure.to_judge
    assert judged.from_s < sure.now - 1.0
    sure.feed(s.PauseJudged(judged.pause, 0.98))
    unsure.feed(s.PauseJudged(unsure.to_judge[0].pause, 0.02))
    assert ends_after(sure) < 0.4
    assert ends_after(unsure) > 0.9


def test_a_verdict_on_another_pause_is_worth_nothing() -> None:
    bench = paused()
    first = bench.to_judge[0]
    bench.voice(0.5)
    bench.feed(s.PauseJudged(first.pause, 0.98))
    assert ends_after(bench) >= 0.4
    assert len(bench.to_judge) == 2


def test_without_a_model_nobody_is_asked() -> None:
    assert paused(settings=TurnSettings()).to_judge == []


def test_unfinished_words_wait_longer_than_whole_ones() -> None:
    assert ends_after(paused("what are your hours")) < 0.4
    assert ends_after(paused("my number is")) > 0.8


def test_a_guess_counts_and_an_expected_sentence_is_whole() -> None:
    """A recogniser that is never sure before the end, of an agent that knows what it will be asked."""

    def guessed(text: str) -> float:
        bench = Bench(TurnSettings(), phrases=("i would like to talk to a person",))
        bench.voice_on()
        bench.hold_voice(1.0)
        bench.understood_so_far(text, is_sure=False)
        bench.voice_off()
        return ends_after(bench)

    assert guessed("i would like to talk to a person") < 0.6
    assert guessed("i would like to talk to a plumber") == pytest.approx(1.0, abs=0.05)
    assert guessed("i would like to") > 1.2
