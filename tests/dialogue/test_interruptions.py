"""A voice over the agent's words: who goes on, and what is kept of it."""

from __future__ import annotations

import pytest

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench

LONG = "We were founded long ago. We have grown ever since. We are still here."
NOTICE = "This call is recorded for training."


def answering(text: str = LONG, *, for_s: float = 1.5, **turns: object) -> Bench:
    bench = Bench(TurnSettings.model_validate({"end_of_turn": "fixed", "end_of_turn_ms": 500, **turns}))
    bench.says("tell me")
    bench.replies(text)
    bench.wait(for_s)
    assert bench.state is State.AGENT_SPEAKING
    return bench


def heard_all(bench: Bench, text: str = LONG) -> bool:
    """The agent came to its end, without a lost sample."""
    bench.wait(8.0)
    return bench.history[-1] == f"agent: {text}" and bench.heard == bench.queued


@pytest.mark.parametrize("words", ["uh-huh", "okay", "yes I see", "mm hm"])
def test_what_listeners_say_stops_nobody(words: str) -> None:
    bench = answering()
    heard = bench.heard
    bench.voice(0.5)
    bench.understood(words)
    assert (bench.state, bench.paused) == (State.AGENT_SPEAKING, False)
    assert bench.heard - heard <= 3 * 160, "silent while it was not clear"
    assert bench.told_of(LiveKind.AGENT_RESUMED) == [words]
    assert heard_all(bench)
    assert bench.rounds[1:] == []


@pytest.mark.parametrize("words", ["", "[cough]"])
def test_a_sound_without_words_stops_nobody(words: str) -> None:
    bench = answering()
    bench.voice(0.5)
    bench.understood(words)
    assert bench.paused, "more of the word may come"
    bench.wait(0.3)
    assert (bench.state, bench.paused) == (State.AGENT_SPEAKING, False)
    assert bench.told_of(LiveKind.AGENT_RESUMED) == [words]
    assert heard_all(bench)
    assert bench.rounds[1:] == []


def test_a_word_with_a_closure_after_its_first_vowel_is_not_spoken_into() -> None:
    bench = answering()
    bench.voice(0.1)
    bench.understood("")
    bench.wait(0.2)
    heard = bench.heard
    bench.voice(0.6)
    assert bench.heard == heard
    bench.understood("excuse me")
    bench.wait(0.5)
    assert bench.told_of(LiveKind.AGENT_RESUMED) == []
    assert bench.history[-1] == "caller: excuse me"


@pytest.mark.parametrize("words", ["stop", "no", "what does that cost", "yes but I want a refund"])
def test_words_interrupt_however_short_their_sound(words: str) -> None:
    bench = answering()
    bench.voice(0.24)
    bench.understood(words)
    bench.wait(0.5)
    assert bench.history == [
        "caller: tell me",
        "agent: We were founded long ago. -",
        f"caller: {words}",
    ]
    assert bench.rounds[-1].messages[-1].text == words


def test_partial_words_interrupt_while_they_are_spoken() -> None:
    bench = answering()
    bench.voice_on()
    bench.wait(0.3)
    bench.understood_so_far("uh")
    assert bench.state is State.PAUSED
    bench.understood_so_far("uh stop")
    assert bench.state is State.CALLER_SPEAKING
    bench.voice_off()
    bench.wait(0.5)
    bench.understood("uh stop please")
    assert bench.history[-1] == "caller: uh stop please"
    assert len(bench.opened) == 2, "one utterance, from its beginning"


def test_a_guess_interrupts_nobody() -> None:
    bench = answering()
    bench.voice_on()
    bench.understood_so_far("stop", is_sure=False)
    assert bench.state is State.PAUSED


def test_a_voice_that_lasts_interrupts_whatever_it_says() -> None:
    bench = answering(barge_in_min_ms=600)
    bench.voice_on()
    bench.hold_voice(0.5)
    assert bench.state is State.PAUSED
    bench.hold_voice(0.2)
    assert bench.state is State.CALLER_SPEAKING


def test_a_long_uh_huh_gets_twice_the_time() -> None:
    bench = answering(barge_in_min_ms=600)
    bench.voice_on()
    bench.understood_so_far("uh huh yes okay")
    bench.hold_voice(1.0)
    assert bench.state is State.PAUSED
    bench.voice_off()
    bench.understood("uh huh yes okay right")
    assert heard_all(bench)


def test_the_agent_does_not_wait_for_a_slow_recogniser() -> None:
    bench = answering(resume_after_ms=300)
    bench.voice(0.3, hangover_s=0.16)
    bench.wait(0.28)
    assert bench.paused
    bench.wait(0.04)
    assert not bench.paused
    bench.understood("uh huh")
    assert heard_all(bench)


def test_words_that_turn_up_late_interrupt_still() -> None:
    bench = answering(resume_after_ms=300)
    bench.voice(0.3)
    bench.wait(1.0)
    assert bench.state is State.AGENT_SPEAKING
    bench.understood("what does it cost")
    bench.settle()
    assert bench.history[-1] == "caller: what does it cost"
    assert bench.history[-2].endswith("-")
    now = bench.now
    bench.wait(2.0)
    assert max(bench.audible_at) <= now


def test_words_that_turn_up_after_the_end_are_a_turn() -> None:
    bench = answering("Yes. It is.", for_s=0.5)
    bench.voice(0.3)
    bench.wait(2.0)
    assert bench.state is State.LISTENING
    bench.understood("what does it cost")
    bench.wait(0.1)
    assert bench.history[-2:] == ["agent: Yes. It is.", "caller: what does it cost"]


def test_the_same_yes_answers_a_question_and_only_follows_a_statement() -> None:
    bench = answering("Shall I book it? It is the last one that we have.", for_s=1.3)
    bench.voice(0.3)
    bench.understood("yes")
    bench.wait(0.5)
    assert bench.history[-2:] == ["agent: Shall I book it? -", "caller: yes"]


def test_fewer_words_than_wanted_do_not_interrupt_but_stop_does() -> None:
    bench = answering(barge_in_min_words=3)
    bench.voice(0.5)
    bench.understood("two coffees")
    assert bench.state is State.AGENT_SPEAKING
    bench.voice(0.5)
    bench.understood("stop")
    assert bench.state is not State.AGENT_SPEAKING


def test_a_sound_while_the_agent_thinks_is_weighed_too() -> None:
    bench = Bench()
    bench.says("tell me")
    bench.voice(0.2)
    bench.understood("please")
    bench.wait(0.5)
    assert bench.history == ["caller: tell me please"]
    assert len(bench.cancelled) == 1


# ---------------------------------------------------------------------- what cannot be interrupted


def test_a_legal_notice_is_heard_to_its_end_and_then_the_caller_is() -> None:
    bench = Bench(TurnSettings(end_of_turn="fixed", end_of_turn_ms=500, protected=(NOTICE.lower(),)))
    bench.greet(f"Hello. {NOTICE} How can I help you with our many offers?")
    bench.wait(0.1)
    bench.voice_on()
    bench.hold_voice(1.0)
    assert bench.told_of(LiveKind.AGENT_PAUSED) == []
    bench.hold_voice(1.5)
    assert bench.told_of(LiveKind.AGENT_SAYS) == ["Hello.", NOTICE, *bench.told_of(LiveKind.AGENT_SAYS)[2:]]
    assert bench.state is State.CALLER_SPEAKING
    bench.voice_off()
    bench.wait(0.5)
    bench.understood("I have a question")
    assert bench.history == [f"agent: Hello. {NOTICE} -", "caller: I have a question"]


def test_a_digit_waits_for_the_notice_too() -> None:
    bench = Bench(TurnSettings(end_of_turn="fixed", end_of_turn_ms=500, protected=(NOTICE,)))
    bench.greet(f"{NOTICE} How can I help you?")
    bench.wait(0.2)
    bench.presses("1")
    assert bench.rounds == []
    bench.wait(6 * 0.3 + 0.1)
    assert bench.history == [f"agent: {NOTICE} -", "caller: [digit 1]"]


# ---------------------------------------------------------------------- several sounds


def test_two_sounds_in_one_pause_are_judged_together() -> None:
    bench = answering(resume_after_ms=500)
    bench.voice(0.2)
    bench.voice(0.3)
    assert bench.state is State.PAUSED
    bench.understood("")
    assert bench.state is State.PAUSED
    bench.understood("mhm")
    assert heard_all(bench)


def test_who_goes_on_after_an_interruption_says_one_thing() -> None:
    bench = answering()
    bench.voice(0.24)
    bench.understood("no")
    bench.wait(0.1)
    bench.voice(0.6)
    bench.wait(0.5)
    bench.understood("the other one")
    assert bench.history[-1] == "caller: no the other one"


def test_words_of_long_ago_interrupt_nobody() -> None:
    bench = answering(resume_after_ms=300)
    bench.voice(0.3)
    slow = bench.closed.pop(0)
    bench.wait(6.0)
    bench.says("and what does it cost")
    bench.replies("It is free. You can have it today.")
    bench.wait(0.5)
    bench.feed(s.Transcribed(slow, "stop"))
    assert bench.state is State.AGENT_SPEAKING
    assert bench.history[-1] == "agent: It is free. You can have it today."


@pytest.mark.parametrize(("words", "kept"), [("stop I want", True), ("uh huh", False)])
def test_who_hangs_up_in_the_middle_of_an_interruption_has_said_it(words: str, kept: bool) -> None:
    bench = answering(barge_in_min_words=9)
    bench.voice_on()
    bench.understood_so_far(words)
    bench.session.end(bench.heard, bench.now)
    said = [turn.text for turn in bench.session.finished]
    assert (said[-1] == words) is kept
