"""The model is asked before the turn is surely over: sooner answers, and nothing else anybody notices."""

from __future__ import annotations

from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench

CALL = ToolCall("c1", "book", {})


def asked_early(text: str = "book it", **turns: object) -> Bench:
    """The caller has paused, and the model has been asked."""
    bench = Bench(TurnSettings.model_validate({"end_of_turn_ms": 2000, **turns}))
    bench.voice_on()
    bench.hold_voice(0.6)
    bench.understood_so_far(text)
    bench.voice_off()
    bench.wait(0.9)
    assert bench.state is State.CALLER_PAUSED
    return bench


def test_the_answer_is_there_when_the_turn_ends() -> None:
    bench = asked_early()
    assert [m.text for m in bench.rounds[-1].messages] == ["book it"]
    bench.replies("We open at nine.")
    assert bench.to_speak == []
    assert bench.told == []
    assert bench.history == []
    bench.wait(2.5)
    bench.understood("Book it!")
    assert len(bench.rounds) == 1
    assert [m.text for m in bench.committed[0]] == ["Book it!"]
    assert bench.history == ["caller: Book it!", "agent: We open at nine."]
    bench.wait(0.1)
    assert bench.told_of(LiveKind.AGENT_SAYS) == ["We open at nine."]
    assert bench.session.finished[0].text == "Book it!"


def test_an_answer_that_is_still_being_made_goes_on_after_the_turn_ended() -> None:
    bench = asked_early()
    number = bench.rounds[-1].round
    bench.feed(s.ReplyText(number, "We open "))
    bench.wait(2.5)
    bench.understood("book it")
    bench.feed(s.ReplyText(number, "at nine."))
    bench.feed(s.ReplyEnded(number))
    bench.wait(2.0)
    assert bench.history[-1] == "agent: We open at nine."


def test_a_caller_who_goes_on_cancels_it() -> None:
    bench = asked_early()
    early = bench.rounds[-1].round
    bench.feed(s.ReplyText(early, "What would you like? "))
    bench.feed(s.ReplyToolCall(early, CALL))
    bench.voice_on()
    assert bench.cancelled == [early]
    bench.feed(s.ReplyEnded(early))
    bench.hold_voice(0.5)
    bench.understood_so_far("book it for tomorrow")
    bench.voice_off()
    bench.wait(2.5)
    bench.understood("book it for tomorrow")
    assert bench.tools == []
    assert bench.history == ["caller: book it for tomorrow"]
    assert bench.rounds[-1].messages[-1].text == "book it for tomorrow"


def test_other_words_at_the_end_cancel_it() -> None:
    bench = asked_early()
    early = bench.rounds[-1].round
    bench.feed(s.ReplyToolCall(early, CALL))
    bench.wait(2.5)
    bench.understood("do not book it")
    assert bench.cancelled == [early]
    assert bench.tools == []
    assert len(bench.rounds) == 2


def test_its_tools_run_once_and_only_after_the_turn() -> None:
    bench = asked_early()
    number = bench.rounds[-1].round
    bench.feed(s.ReplyToolCall(number, CALL))
    bench.feed(s.ReplyEnded(number))
    assert bench.tools == []
    bench.wait(2.5)
    bench.understood("book it")
    assert bench.tools == [CALL]
    assert len(bench.rounds) == 1


def test_a_model_that_fails_early_is_asked_again_when_it_matters() -> None:
    bench = asked_early()
    bench.feed(s.ReplyFailed(bench.rounds[-1].round))
    bench.wait(2.5)
    bench.understood("book it")
    assert len(bench.rounds) == 2
    assert bench.state is State.THINKING
    bench.feed(s.ReplyFailed(bench.rounds[-1].round))
    assert bench.state is State.LEAVING


def test_a_digit_makes_it_void() -> None:
    bench = asked_early()
    bench.presses("1")
    assert bench.cancelled == [bench.rounds[0].round]
    bench.understood("my hours")
    assert bench.history == ["caller: my hours [digit 1]"]


def test_words_that_keep_changing_are_not_asked_about_for_ever() -> None:
    bench = asked_early("one")
    for words in ("one two", "one two three", "one two three four"):
        bench.understood_so_far(words)
    assert len(bench.rounds) == 2


def test_it_can_be_switched_off() -> None:
    bench = Bench(TurnSettings(eager=False))
    bench.voice_on()
    bench.understood_so_far("hello")
    bench.voice_off()
    bench.wait(1.5)
    assert bench.rounds == []


def test_nothing_is_left_of_it_when_the_call_ends_otherwise() -> None:
    bench = asked_early()
    bench.feed(s.EngineFailed(s.Engine.TTS))
    assert bench.cancelled == [bench.rounds[0].round]
