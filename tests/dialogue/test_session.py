"""A dialogue turned by hand: what the caller hears, and what the agent remembers."""

from __future__ import annotations

import pytest

from ari_bridge.core.messages import Role, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.caller_side import PREROLL_S
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turn_end import TRANSCRIPT_WAIT_S
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench

APOLOGY = Sayings().apology
LONG = "We were founded long ago. We have grown ever since. We are still here."


def answering(text: str = LONG, **turns: object) -> Bench:
    """The caller has asked, and the agent has begun to answer."""
    bench = Bench(TurnSettings.model_validate({"end_of_turn": "fixed", "end_of_turn_ms": 500, **turns}))
    bench.says("tell me")
    bench.replies(text)
    bench.wait(0.5)
    assert bench.state is State.AGENT_SPEAKING
    return bench


def test_greeting_question_answer() -> None:
    bench = Bench()
    bench.greet("Hello there.")
    bench.wait(1.0)
    assert bench.state is State.LISTENING
    bench.says("what are your hours")
    assert bench.rounds[-1].messages[-1].text == "what are your hours"
    bench.replies("We open at nine.")
    bench.wait(2.0)
    assert bench.state is State.LISTENING
    assert bench.history == [
        "agent: Hello there.",
        "caller: what are your hours",
        "agent: We open at nine.",
    ]
    greeting, asked, answer = bench.session.finished
    assert (greeting.heard, greeting.interrupted, greeting.latency_ms) == ("Hello there.", False, {})
    assert asked.end_s - asked.start_s == pytest.approx(1.0)
    assert answer.end_s - answer.start_s == pytest.approx(1.2, abs=0.05)
    assert bench.told == [
        (LiveKind.AGENT_SAYS, "Hello there."),
        (LiveKind.CALLER_SAID, "what are your hours"),
        (LiveKind.ANSWER_TIMED, ""),
        (LiveKind.AGENT_SAYS, "We open at nine."),
    ]


def test_latencies_count_from_the_last_voiced_frame() -> None:
    bench = Bench(speaks_by_itself=False)
    bench.voice(1.0)
    bench.wait(0.5)
    bench.wait(0.1)
    bench.understood("hello")
    bench.wait(0.2)
    bench.feed(s.ReplyText(bench.rounds[-1].round, "Hi. "))
    bench.wait(0.04)
    bench.feed(s.ReplyText(bench.rounds[-1].round, "There you are."))
    bench.feed(s.ReplyEnded(bench.rounds[-1].round))
    bench.wait(0.06)
    bench.speak_one()
    bench.speak_one()
    bench.wait(2.0)
    latency = bench.session.finished[-1].latency_ms
    assert latency == pytest.approx(
        {
            "end_of_turn": 500,
            "transcript": 760,
            "model_asked": 760,
            "first_token": 960,
            "first_sentence": 1000,
            "first_audio": 1060,
            "first_packet": 1080,
        },
        abs=21,
    )
    assert list(latency.values()) == sorted(latency.values())


def test_the_first_sentence_is_spoken_while_the_rest_is_made() -> None:
    bench = Bench()
    bench.says("tell me")
    bench.replies("We were founded long ago. And then", end=False)
    bench.wait(0.1)
    assert bench.told_of(LiveKind.AGENT_SAYS) == ["We were founded long ago."]
    assert bench.state is State.AGENT_SPEAKING


def test_the_utterance_begins_before_the_voice_does() -> None:
    bench = Bench()
    began = bench.now
    bench.voice(1.0)
    assert bench.opened == [s.OpenUtterance(bench.opened[0].utterance, began - PREROLL_S)]


def test_a_breath_does_not_end_the_turn() -> None:
    bench = Bench()
    bench.voice(0.6)
    bench.wait(0.2)
    bench.voice(0.6)
    assert bench.closed == []
    bench.wait(0.5)
    assert len(bench.opened) == len(bench.closed) == 1


# ---------------------------------------------------------------------- interruptions


def test_the_agent_is_silent_60_ms_after_the_voice_begins() -> None:
    bench = answering()
    began = bench.now
    bench.voice(1.0)
    assert max(bench.audible_at) <= began + 0.0601


def test_an_interruption_leaves_what_was_heard() -> None:
    bench = answering()
    bench.wait(1.0)  # 1.5 s in: five words, and a little
    began = bench.now
    bench.voice(1.0)
    bench.wait(0.5)
    bench.understood("stop")
    assert bench.history == [
        "caller: tell me",
        "agent: We were founded long ago. -",
        "caller: stop",
    ]
    agent = bench.session.finished[1]
    assert (agent.text, agent.heard, agent.interrupted) == (LONG, "We were founded long ago.", True)
    assert agent.end_s == pytest.approx(began + 0.06, abs=0.021)
    assert bench.told_of(LiveKind.AGENT_INTERRUPTED) == ["We were founded long ago."]
    assert bench.told_of(LiveKind.AGENT_SAYS) == ["We were founded long ago.", "We have grown ever since."]


def test_nothing_of_a_flushed_answer_is_spoken_later() -> None:
    bench = answering()
    began = bench.now
    bench.voice(1.0)
    bench.wait(3.0)
    assert max(bench.audible_at) < began + 0.1
    assert bench.to_speak == []


def test_a_cough_pauses_and_the_agent_goes_on_where_it_stopped() -> None:
    bench = answering()
    heard = bench.heard
    bench.voice(0.2)
    bench.wait(0.1)
    assert bench.paused
    bench.understood("")
    bench.wait(0.3)
    assert bench.told_of(LiveKind.AGENT_RESUMED) == [""]
    assert bench.state is State.AGENT_SPEAKING
    bench.wait(5.0)
    assert heard < bench.heard == bench.queued
    assert bench.history == ["caller: tell me", f"agent: {LONG}"]


def test_the_greeting_can_be_interrupted() -> None:
    bench = Bench()
    bench.greet("Hello and welcome to our company.")
    bench.wait(0.7)
    bench.voice(1.0)
    bench.wait(0.5)
    bench.understood("a human please")
    assert bench.history == ["agent: Hello and -", "caller: a human please"]


def test_a_short_yes_into_the_last_syllable_is_no_cough() -> None:
    bench = answering("Shall I?")
    bench.wait(0.04)  # 60 ms of the last word are left, which is what the onset takes to be told
    bench.voice(0.2)
    bench.wait(0.5)
    bench.understood("yes")
    assert bench.history[-2:] == ["agent: Shall I?", "caller: yes"]


def test_without_barge_in_the_agent_speaks_on_and_then_listens() -> None:
    bench = answering("One two three.", barge_in=False)
    bench.voice(2.0)
    assert bench.told_of(LiveKind.AGENT_PAUSED) == []
    bench.wait(0.5)
    bench.understood("wait")
    assert bench.history[-2:] == ["agent: One two three.", "caller: wait"]


def test_a_caller_who_was_cut_for_a_noise_gets_an_answer() -> None:
    """The agent stopped for a second of something: silence from both would be the end of the call."""
    bench = answering()
    bench.wait(0.5)
    bench.voice(1.0)
    bench.wait(0.5)
    bench.understood("")
    assert bench.rounds[-1].messages[-1].text == ""


# ---------------------------------------------------------------------- one turn after all


def test_who_goes_on_while_the_agent_thinks_had_taken_a_breath() -> None:
    bench = Bench()
    bench.says("I would like")
    first = bench.rounds[-1].round
    bench.wait(0.2)
    bench.says("to cancel")
    assert bench.cancelled == [first]
    assert bench.history == ["caller: I would like to cancel"]
    assert bench.told_of(LiveKind.CALLER_SAID) == ["I would like", "to cancel"]
    bench.replies("Gladly.")
    bench.wait(1.0)
    assert [turn.text for turn in bench.session.finished] == ["I would like to cancel", "Gladly."]


def test_who_goes_on_before_the_transcript_is_there() -> None:
    bench = Bench()
    bench.voice(1.0)
    bench.wait(0.5)
    bench.voice(1.0)
    bench.wait(0.5)
    assert bench.rounds == []
    bench.understood("I would like")
    assert bench.rounds == []
    bench.understood("to cancel")
    assert bench.history == ["caller: I would like to cancel"]


def test_an_answer_of_which_no_word_was_heard_was_never_given() -> None:
    bench = Bench()
    bench.says("I would like")
    bench.replies("Certainly not today.")
    bench.wait(0.1)
    bench.says("to cancel")
    assert bench.history == ["caller: I would like to cancel"]
    assert bench.told_of(LiveKind.AGENT_INTERRUPTED) == []


def test_an_answer_of_which_one_word_was_heard_is_taken_back() -> None:
    """Both had begun to speak at the same time."""
    bench = Bench()
    bench.says("I would like")
    bench.replies("Certainly not today.")
    bench.wait(0.4)
    bench.says("to cancel")
    assert bench.history == ["caller: I would like to cancel"]
    assert bench.told_of(LiveKind.AGENT_INTERRUPTED) == []


def test_an_answer_of_which_two_words_were_heard_stays() -> None:
    bench = Bench()
    bench.says("I would like")
    bench.replies("Certainly not today.")
    bench.wait(0.7)
    bench.says("to cancel")
    assert bench.history[1:] == ["agent: Certainly not -", "caller: to cancel"]


def test_an_answer_of_one_word_is_an_answer() -> None:
    bench = Bench()
    bench.says("is it open")
    bench.replies("Yes.")
    bench.wait(0.31)
    bench.says("and tomorrow")
    assert bench.history[:2] == ["caller: is it open", "agent: Yes."]


def test_a_cough_while_the_agent_thinks_delays_the_answer_only() -> None:
    bench = Bench()
    bench.says("tell me")
    began = bench.now
    bench.wait(0.1)
    bench.feed(s.VoiceOn(bench.now))
    bench.feed(s.VoiceHeld(bench.now + 0.1))
    bench.replies("We are open.")
    bench.wait(0.3)
    assert bench.audible_at == []
    bench.feed(s.VoiceOff(bench.now - 0.2))
    bench.understood("")
    bench.wait(2.0)
    assert bench.audible_at[0] < began + 0.5
    assert bench.history == ["caller: tell me", "agent: We are open."]
    assert bench.cancelled == []


def test_after_a_tool_has_run_the_turn_stays() -> None:
    bench = Bench()
    bench.says("book it")
    call = ToolCall("c1", "book", {})
    bench.feed(s.ReplyToolCall(bench.rounds[-1].round, call))
    bench.feed(s.ReplyEnded(bench.rounds[-1].round))
    assert bench.tools == [call]
    bench.feed(s.ToolReturned(call, "booked", decides_outcome=False))
    bench.says("for tomorrow")
    assert [(m.role, m.text) for m in bench.rounds[-1].messages] == [
        (Role.CALLER, "book it"),
        (Role.AGENT, ""),
        (Role.TOOL, "booked"),
        (Role.CALLER, "for tomorrow"),
    ]
    assert bench.tools == [call]


# ---------------------------------------------------------------------- noise, digits


def test_a_blip_without_words_is_nothing() -> None:
    bench = Bench()
    bench.says("", seconds=0.2)
    assert bench.state is State.LISTENING
    assert bench.rounds == []
    assert bench.history == []


def test_a_longer_voice_without_words_is_answered() -> None:
    bench = Bench()
    bench.says("", seconds=0.8)
    assert bench.rounds[-1].messages[-1].text == ""


def test_a_short_word_is_a_word() -> None:
    bench = Bench()
    bench.says("yes", seconds=0.2)
    assert bench.history == ["caller: yes"]


def test_a_digit_is_a_turn_at_once() -> None:
    bench = Bench()
    bench.presses("1")
    assert bench.history == ["caller: [digit 1]"]
    assert bench.told == [(LiveKind.DIGIT, "1")], "once, not as words too"
    assert bench.state is State.THINKING
    bench.replies("Good.")
    bench.wait(1.0)
    assert bench.session.finished[-1].latency_ms["first_packet"] < 100


def test_a_digit_interrupts_the_agent() -> None:
    bench = answering()
    bench.wait(0.5)
    now = bench.now
    bench.presses("5")
    bench.wait(1.0)
    assert max(bench.audible_at) <= now
    assert bench.history == ["caller: tell me", "agent: We were founded -", "caller: [digit 5]"]


def test_a_digit_interrupts_even_without_barge_in() -> None:
    bench = answering(barge_in=False)
    bench.presses("5")
    assert bench.history[-1] == "caller: [digit 5]"


def test_digits_in_a_row_are_one_turn_until_they_are_answered() -> None:
    bench = Bench()
    bench.presses("4")
    bench.wait(0.1)
    bench.presses("2")
    assert bench.history == ["caller: [digit 4] [digit 2]"]
    assert len(bench.cancelled) == 1


def test_a_digit_ends_what_the_caller_says() -> None:
    bench = Bench()
    bench.feed(s.VoiceOn(bench.now))
    bench.feed(s.VoiceHeld(bench.now + 0.5))
    bench.wait(0.6)
    bench.presses("1")
    bench.understood("my order")
    bench.feed(s.VoiceHeld(bench.now))
    bench.feed(s.VoiceOff(bench.now))
    assert bench.history == ["caller: my order [digit 1]"]
    assert bench.state is State.THINKING


def test_a_voice_that_begins_while_a_flush_is_carried_out_holds_the_next_answer() -> None:
    bench = answering()
    bench.feed(s.DigitPressed("5", bench.now))
    bench.feed(s.VoiceOn(bench.now))
    bench.settle()  # the flush unpauses the port
    assert bench.state is State.HELD
    assert bench.paused


def test_a_digits_tone_is_no_voice_however_long_it_sounds() -> None:
    bench = answering()
    bench.feed(s.VoiceOn(bench.now))
    bench.presses("5")
    bench.replies("")
    assert bench.state is State.LISTENING
    bench.feed(s.VoiceHeld(bench.now + 0.5))
    bench.feed(s.VoiceOff(bench.now + 0.5))
    assert bench.state is State.LISTENING
    assert bench.history[-1] == "caller: [digit 5]"


# ---------------------------------------------------------------------- tools and the end


def test_a_tool_waits_while_the_turn_is_in_question_and_runs_once() -> None:
    bench = Bench()
    bench.says("transfer me")
    call = ToolCall("c1", "transfer", {"destination": "human"})
    bench.feed(s.VoiceOn(bench.now))
    bench.feed(s.ReplyToolCall(bench.rounds[-1].round, call))
    bench.feed(s.ReplyEnded(bench.rounds[-1].round))
    assert bench.tools == []
    bench.feed(s.VoiceOff(bench.now))
    bench.understood("")
    assert bench.tools == [call]
    bench.wait(1.0)
    assert bench.tools == [call]


def test_a_tool_of_a_withdrawn_answer_never_runs() -> None:
    bench = Bench()
    bench.says("transfer me")
    stale = bench.rounds[-1].round
    bench.feed(s.VoiceOn(bench.now))
    bench.feed(s.ReplyToolCall(stale, ToolCall("c1", "transfer", {})))
    bench.feed(s.VoiceHeld(bench.now + 0.5))
    bench.feed(s.ReplyToolCall(stale, ToolCall("c2", "transfer", {})))
    bench.settle()
    bench.wait(0.5)
    bench.feed(s.VoiceOff(bench.now))
    bench.wait(0.5)
    bench.understood("oh no, do not")
    assert bench.tools == []
    assert bench.history == ["caller: transfer me oh no, do not"]


def test_an_outcome_waits_for_the_last_words_which_nothing_stops() -> None:
    bench = Bench()
    bench.says("a human please")
    call = ToolCall("c1", "transfer", {})
    number = bench.rounds[-1].round
    bench.feed(s.ReplyText(number, "I am connecting you. "))
    bench.feed(s.ReplyToolCall(number, call))
    bench.feed(s.ReplyEnded(number))
    bench.feed(s.ToolReturned(call, "transferring", decides_outcome=True))
    bench.settle()
    bench.replies("One moment.")
    bench.voice(0.6)
    bench.presses("1")
    assert bench.left is None
    bench.wait(2.0)
    assert bench.left == s.Leave()
    assert bench.heard == bench.queued == 6 * 2400
    assert bench.session.finished[-1].heard == "I am connecting you. One moment."


def test_a_silent_outcome_leaves_at_once() -> None:
    bench = Bench()
    bench.says("bye")
    call = ToolCall("c1", "hangup", {})
    bench.feed(s.ReplyToolCall(bench.rounds[-1].round, call))
    bench.feed(s.ReplyEnded(bench.rounds[-1].round))
    bench.feed(s.ToolReturned(call, "hanging up", decides_outcome=True))
    bench.replies("")
    assert bench.left == s.Leave()


def test_a_model_that_calls_tools_for_ever_is_stopped() -> None:
    bench = Bench()
    bench.says("go")
    for index in range(50):
        call = ToolCall(f"c{index}", "look", {})
        number = bench.rounds[-1].round
        bench.feed(s.ReplyToolCall(number, call))
        bench.feed(s.ReplyEnded(number))
        if call in bench.tools:
            bench.feed(s.ToolReturned(call, "nothing", decides_outcome=False))
    assert len(bench.tools) < 10
    assert bench.state is State.LISTENING


# ---------------------------------------------------------------------- engines that fail


@pytest.mark.parametrize("engine", list(s.Engine))
def test_a_failed_engine_is_apologised_for(engine: s.Engine) -> None:
    bench = answering()
    bench.feed(s.EngineFailed(engine))
    bench.settle()
    bench.wait(10.0)
    assert bench.left == s.Leave(engine)
    assert bench.told_of(LiveKind.AGENT_SAYS)[-1] == APOLOGY
    assert bench.session.finished[-1].heard == APOLOGY


def test_when_speech_fails_too_the_call_leaves_at_once() -> None:
    bench = answering()
    bench.feed(s.EngineFailed(s.Engine.LLM))
    bench.feed(s.EngineFailed(s.Engine.TTS))
    assert bench.left == s.Leave(s.Engine.LLM)


def test_a_failure_while_the_caller_speaks() -> None:
    bench = Bench()
    bench.feed(s.VoiceOn(bench.now))
    bench.feed(s.EngineFailed(s.Engine.STT))
    bench.settle()
    assert bench.closed == [bench.opened[0].utterance]
    bench.wait(5.0)
    assert bench.left == s.Leave(s.Engine.STT)


def test_a_transcript_that_never_comes_counts_as_nothing_understood() -> None:
    bench = Bench()
    bench.voice(1.0)
    bench.wait(0.5 + TRANSCRIPT_WAIT_S)
    assert bench.rounds[-1].messages[-1].text == ""


def test_events_of_the_past_change_nothing() -> None:
    bench = answering()
    bench.says("stop")
    before = (bench.state, bench.history)
    old = bench.rounds[0].round
    for event in (
        s.ReplyText(old, "more"),
        s.ReplyEnded(old),
        s.SpeechQueued(2, 10**6, 100),
        s.SpeechEnded(2),
        s.Transcribed(999, "?"),
        s.Played(10**6),
        s.TimerDue(),
    ):
        bench.feed(event)
    assert (bench.state, bench.history) == before


def test_a_call_that_ends_in_the_middle_keeps_what_was_heard() -> None:
    bench = answering()
    bench.wait(0.5)
    bench.session.end(bench.heard, bench.now)
    last = bench.session.finished[-1]
    assert (last.heard, last.interrupted) == ("We were founded", True)
