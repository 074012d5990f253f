"""Silence on either side of a dialogue: fillers, check-ins, and the end when nobody is there."""

from __future__ import annotations

import pytest

from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import PatienceSettings
from tests.dialogue.bench import Bench

PATIENCE = PatienceSettings(
    filler_after_s=1.0,
    filler_every_s=3.0,
    fillers=("One moment.", "Still looking."),
    no_input_s=5.0,
    check_ins=("Are you there?", "Hello?"),
    farewell="Goodbye then.",
    no_answer="Sorry, once more?",
)


def patient() -> Bench:
    bench = Bench(patience=PATIENCE)
    bench.greet("Hello.")
    bench.wait(0.5)
    return bench


def said(bench: Bench) -> list[str]:
    return bench.told_of(LiveKind.AGENT_SAYS)[1:]


# ---------------------------------------------------------------------- the caller waits


def test_a_slow_model_is_filled_in_for_and_the_filler_is_no_part_of_the_answer() -> None:
    bench = patient()
    bench.says("where is my order")
    bench.wait(0.9)
    assert said(bench) == []
    bench.wait(0.2)
    assert said(bench) == ["One moment."]
    bench.replies("It is on its way.")
    bench.wait(3.0)
    assert said(bench) == ["One moment.", "It is on its way."]
    assert bench.history[-1] == "agent: It is on its way."
    answer = bench.session.finished[-1]
    assert (answer.text, answer.heard, answer.interrupted) == ("It is on its way.",) * 2 + (False,)
    assert answer.latency_ms["first_packet"] > 1000, "of the answer, not of the filler"


def test_a_quick_answer_has_no_filler() -> None:
    bench = patient()
    bench.says("where is my order")
    bench.wait(0.5)
    bench.replies("It is on its way.")
    bench.wait(4.0)
    assert said(bench) == ["It is on its way."]


def test_fillers_take_turns_while_a_tool_runs() -> None:
    bench = patient()
    bench.says("where is my order")
    number = bench.rounds[-1].round
    call = ToolCall("c1", "look", {})
    bench.feed(s.ReplyText(number, "Let me see. "))
    bench.feed(s.ReplyToolCall(number, call))
    bench.feed(s.ReplyEnded(number))
    bench.settle()
    bench.wait(0.9 + 6.0)
    assert said(bench) == ["Let me see.", "One moment.", "Still looking."]
    bench.feed(s.ToolReturned(call, "found", decides_outcome=False))
    bench.replies("Here it is.")
    bench.wait(2.0)
    assert bench.history[-1] == "agent: Here it is."
    assert bench.session.finished[-1].text == "Let me see. Here it is."


def test_speech_stops_a_filler_and_the_answer_that_was_waited_for() -> None:
    bench = patient()
    bench.says("where is my order")
    first = bench.rounds[-1].round
    bench.wait(1.1)
    bench.voice(0.3)
    bench.understood("no the invoice")
    bench.wait(0.5)
    assert bench.cancelled == [first]
    assert bench.history[-1] == "caller: where is my order no the invoice"
    assert all("moment" not in line for line in bench.history)


# ---------------------------------------------------------------------- the agent waits


def test_a_silent_caller_is_asked_for_and_then_left_politely() -> None:
    bench = patient()
    bench.wait(5.0)
    assert said(bench) == ["Are you there?"]
    bench.wait(6.0)
    assert said(bench) == ["Are you there?", "Hello?"]
    bench.wait(6.0)
    assert said(bench)[-1] == "Goodbye then."
    bench.wait(1.0)
    assert bench.left == s.Leave(nobody_there=True)
    assert bench.heard == bench.queued
    assert bench.history[-2:] == ["agent: Hello?", "agent: Goodbye then."]


def test_a_caller_who_answers_starts_it_anew() -> None:
    bench = patient()
    bench.wait(5.5)
    bench.says("yes I am here")
    bench.replies("Good.")
    bench.wait(5.5)
    assert said(bench) == ["Are you there?", "Good.", "Are you there?"]


def test_noise_is_nobody_who_answers() -> None:
    bench = patient()
    bench.wait(11.5)
    bench.says("", seconds=0.2)
    bench.wait(7.0)
    assert said(bench)[-1] == "Goodbye then."


def test_nobody_is_asked_for_while_speaking() -> None:
    bench = patient()
    bench.voice_on()
    bench.hold_voice(8.0)
    assert said(bench) == []


def test_a_dialogue_that_stands_aside_waits_for_nobody() -> None:
    bench = patient()
    bench.feed(s.StoodAside(aside=True))
    bench.wait(60.0)
    assert said(bench) == []
    bench.feed(s.StoodAside(aside=False))
    bench.wait(4.9)
    assert said(bench) == []
    bench.wait(0.2)
    assert said(bench) == ["Are you there?"]


def test_without_words_for_it_silence_may_last() -> None:
    bench = Bench()
    bench.greet("Hello.")
    bench.wait(120.0)
    assert bench.state is State.LISTENING
    assert bench.session.next_timer() is None


# ---------------------------------------------------------------------- nobody knows what to say


@pytest.mark.parametrize("nonsense", ["", "...", " \n "])
def test_a_model_without_an_answer_leaves_no_silence(nonsense: str) -> None:
    bench = patient()
    bench.says("what now")
    bench.replies(nonsense)
    bench.wait(3.0)
    assert said(bench) == [PATIENCE.no_answer]
    assert bench.history[-1] == f"agent: {PATIENCE.no_answer}"
    assert bench.state is State.LISTENING


def test_a_tool_may_be_all_there_is_to_an_answer() -> None:
    bench = patient()
    bench.says("write it down")
    call = ToolCall("c1", "note", {})
    bench.feed(s.ReplyToolCall(bench.rounds[-1].round, call))
    bench.feed(s.ReplyEnded(bench.rounds[-1].round))
    bench.feed(s.ToolReturned(call, "noted", decides_outcome=False))
    bench.replies("")
    assert bench.state is State.LISTENING
