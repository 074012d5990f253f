"""Whole calls on a clock that jumps: callers as timelines, engines with delays of their own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, TurnSettings
from tests.conversation.fakes import FIXED, Answer, Says, Scene, digit, until_cancelled

APOLOGY = Sayings().apology
GONE = Outcome(Status.HANGUP, "CALLER")
LONG = "We were founded long ago. " + "We have grown ever since and we are proud of it. " * 6


def play(scene: Scene) -> Scene:
    return run(scene.play())


def test_a_call_from_greeting_to_hang_up() -> None:
    scene = play(Scene([Says(2.0, "hello"), Says(5.0, "and thanks")]))
    assert scene.outcome == GONE
    assert scene.turns == [
        ("agent", "Hello there."),
        ("caller", "hello"),
        ("agent", "You said hello."),
        ("caller", "and thanks"),
        ("agent", "You said and thanks."),
    ]
    assert all(
        turn.heard == turn.text and not turn.interrupted for turn in scene.conversation.line.turns[::2]
    )
    assert scene.conversation.line.turns[1].start_ms == pytest.approx(2000, abs=25)
    assert scene.conversation.line.turns[1].end_ms == pytest.approx(3000, abs=25)
    assert scene.told(LiveKind.CALLER_SAID) == ["hello", "and thanks"]
    assert [message.text for message in scene.llm.asked[-1]] == [
        "Be kind.",
        "Hello there.",
        "hello",
        "You said hello.",
        "and thanks",
    ]


def test_latency_beyond_the_engines_own_is_small() -> None:
    agent = AgentSettings(turns=FIXED)
    scene = play(Scene([Says(2.0, "hello")], agent=agent, stt_delay_s=0.0, tts_cost_s=0.0))
    latency = scene.conversation.line.turns[1].latency_ms
    assert latency["end_of_turn"] == pytest.approx(500, abs=21)
    assert latency["first_packet"] - latency["end_of_turn"] <= 40
    first = next(at_s for at_s, _ in scene.port.sent_at if at_s > 2.0)
    assert latency["first_packet"] == pytest.approx((first - 3.0) * 1000, abs=21)


def test_the_recogniser_hears_the_onset_and_the_agents_phrases_help_it() -> None:
    agent = AgentSettings(phrases=("a human please",), turns=FIXED)
    scene = play(Scene([Says(2.0, "hello")], agent=agent))
    assert scene.stt.contexts[0].phrases == ("a human please", "what are your hours")
    # a second of voice, 250 ms before it, 500 ms of silence after it
    assert scene.stt.seconds == [pytest.approx(1.75, abs=0.05)]


def test_a_call_that_takes_too_long_ends_with_a_goodbye() -> None:
    agent = AgentSettings(greeting="Hello there.", goodbye="Our time is up. Goodbye.")
    scene = play(Scene([Says(2.0, "hello")], agent=agent, max_duration_s=10.0))
    assert scene.outcome == Outcome(Status.TIMEOUT, "MAX_DURATION")
    assert scene.turns[-1] == ("agent", "Our time is up. Goodbye.")
    goodbye = scene.conversation.line.turns[-1]
    assert goodbye.heard == goodbye.text
    assert goodbye.start_ms == pytest.approx(10000, abs=200)
    assert goodbye.end_ms == pytest.approx(11500, abs=200)


def test_channel_variables_change_greeting_context_and_language() -> None:
    variables = {"AI_GREETING": "Hi Ann.", "AI_CONTEXT": "She called twice.", "AI_LANG": "de"}
    scene = play(Scene([Says(2.0, "hello")], variables=variables))
    assert scene.turns[0] == ("agent", "Hi Ann.")
    assert scene.llm.asked[0][0] == Message(Role.SYSTEM, "Be kind.\n\nShe called twice.")
    assert scene.stt.contexts[0].language == "de"


def test_sentences_are_made_while_others_are_spoken_but_not_far_ahead() -> None:
    scene = play(Scene([Says(2.0, "tell me")], lambda history: [LONG], hangs_up_at_s=9.0))
    made = [at_s - scene.port.start_s for at_s, text in scene.tts.spoken if text.startswith("We")]
    says = [event.at_s - scene.port.start_s for event in scene.live if event.kind is LiveKind.AGENT_SAYS][1:]
    assert len(made) < 5  # of seven
    for being_made, is_said in zip(made[1:], says[1:], strict=False):
        assert 0.3 < is_said - being_made < 3.5
    gaps = [
        b - a for (a, _), (b, _) in zip(scene.port.sent_at, scene.port.sent_at[1:], strict=False) if a > 3
    ]
    assert max(gaps) < 0.03  # no silence between the sentences


def test_the_first_sentence_is_spoken_before_the_model_is_done() -> None:
    scene = play(Scene([Says(2.0, "tell me")], lambda history: ["We are open. And", 5.0, "that is all."]))
    assert scene.sent_between(3.5, 4.5) > 40
    assert scene.turns[-1] == ("agent", "We are open. And that is all.")


# ---------------------------------------------------------------------- interruptions


def test_an_interruption_is_heard_at_once_and_remembered_rightly() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        return [LONG] if history[-1].text == "tell me" else ["As you wish."]

    scene = play(Scene([Says(2.0, "tell me"), Says(6.0, "stop")], answer))
    assert scene.sent_between(5.5, 6.0) == 25
    assert scene.sent_between(6.08, 7.4) == 0
    cut = scene.conversation.line.turns[2]
    assert cut.interrupted
    assert cut.text.startswith("We were founded")
    heard = cut.heard or ""
    last_frame_s = max(at_s for at_s, _ in scene.port.sent_at if at_s < 6.2)
    first_frame_s = min(at_s for at_s, _ in scene.port.sent_at if at_s > 3.0)
    assert len(heard.split()) == int((last_frame_s - first_frame_s + 0.021) / 0.3)
    assert scene.llm.asked[-1][-2] == Message(Role.AGENT, heard, interrupted=True)
    assert scene.told(LiveKind.AGENT_INTERRUPTED) == [heard]
    assert scene.turns[-1] == ("agent", "As you wish.")


def test_an_interrupted_model_is_cancelled() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        return ["Well. Let me see", 60.0, "never said."] if history[-1].text == "tell me" else ["Fine."]

    scene = play(Scene([Says(2.0, "tell me"), Says(4.0, "stop")], answer))
    assert scene.llm.cancelled == 1
    assert scene.turns[-1] == ("agent", "Fine.")


def test_a_cough_pauses_without_a_lost_sample() -> None:
    scene = play(Scene([Says(2.0, "tell me"), Says(6.0, "", 0.2)], lambda history: [LONG], hangs_up_at_s=40))
    assert scene.port.flushes == []
    assert scene.sent_between(6.08, 6.3) == 0
    assert scene.sent_between(6.7, 7.2) == 25
    positions = [position for _, position in scene.port.sent_at]
    assert positions == list(range(160, scene.port.queued + 1, 160))
    assert scene.conversation.line.turns[-1].heard == LONG.strip()
    assert scene.told(LiveKind.AGENT_RESUMED) == [""]


def test_the_caller_may_speak_into_the_greeting() -> None:
    agent = AgentSettings(greeting="Hello and welcome to our company, " + "the best of all " * 5 + ".")
    scene = play(Scene([Says(1.0, "a human please")], agent=agent))
    assert scene.conversation.line.turns[0].interrupted
    assert scene.turns[1:] == [("caller", "a human please"), ("agent", "You said a human please.")]


def test_going_on_while_the_model_thinks_makes_one_turn() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        return [1.0, f"So {history[-1].text}."]

    scene = play(Scene([Says(2.0, "I would like"), Says(3.8, "to cancel")], answer))
    assert scene.turns[1:] == [("caller", "I would like to cancel"), ("agent", "So I would like to cancel.")]
    assert scene.llm.cancelled == 1


def test_noise_is_ignored_and_mumbling_is_asked_about() -> None:
    scene = play(Scene([Says(2.0, "", 0.2), Says(4.0, "", 0.9)]))
    assert [asked[-1].text for asked in scene.llm.asked] == [""]
    assert len(scene.stt.seconds) == 2


# ---------------------------------------------------------------------- digits, tools, the end


def test_a_digit_is_recorded_and_answered() -> None:
    async def main() -> Scene:
        return await Scene([], events=[digit(2.0, "1")]).play()

    scene = run(main())
    assert scene.turns[1:] == [("caller", "[digit 1]"), ("agent", "You said [digit 1].")]
    assert [(d.digit, d.at_ms) for d in scene.conversation.line.digits] == [("1", 2000.0)]
    assert scene.told(LiveKind.DIGIT) == ["1"]


def test_a_tool_is_run_once_and_its_result_is_told() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        if history[-1].role is Role.TOOL:
            return [f"Yes, {history[-1].text}."]
        return ["One moment.", ToolCall("t1", "look_up", {"order": 7})]

    scene = play(Scene([Says(2.0, "where is my order")], answer))
    assert scene.turns[-1] == ("agent", "One moment. Yes, order 7 is on its way.")
    assert scene.told(LiveKind.TOOL) == ["look_up: order 7 is on its way"]
    assert scene.llm.asked[1][-2].tool_calls == (ToolCall("t1", "look_up", {"order": 7}),)


def test_only_fit_tools_are_offered_and_unknown_ones_are_refused() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        return ["So be it."] if history[-1].role is Role.TOOL else [ToolCall("t1", "unfit", {})]

    scene = play(Scene([Says(2.0, "go")], answer))
    assert [tool.name for tool in scene.llm.tools] == ["transfer", "look_up"]
    assert "no tool 'unfit'" in scene.told(LiveKind.TOOL)[0]
    assert scene.outcome == GONE


def test_a_transfer_leaves_when_the_words_before_it_were_heard() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        if history[-1].role is Role.TOOL:
            return []
        return ["I am connecting you to a human.", ToolCall("t1", "transfer", {})]

    scene = play(Scene([Says(2.0, "a human please"), Says(4.0, "no wait")], answer))
    assert scene.outcome == Outcome(Status.TRANSFER, "HUMAN", "humans")
    assert scene.port.heard == scene.port.queued
    assert scene.conversation.line.turns[-1].heard == "I am connecting you to a human."
    assert max(at_s for at_s, _ in scene.port.sent_at) < 7


# ---------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("retryable", [True, False])
def test_a_model_that_fails(retryable: bool) -> None:
    error = ProviderError("the model is down", retryable=retryable)
    scene = play(Scene([Says(2.0, "hello")], lambda history: [error]))
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_LLM")
    assert len(scene.llm.asked) == (2 if retryable else 1)
    assert scene.turns[-1] == ("agent", APOLOGY)
    assert scene.conversation.line.turns[-1].heard == APOLOGY


def test_a_model_that_fails_once_before_its_first_word_is_asked_again() -> None:
    tries: list[Answer] = [[ProviderError("busy", retryable=True)], ["Here I am."]]
    scene = play(Scene([Says(2.0, "hello")], lambda history: tries.pop(0)))
    assert scene.turns[-1] == ("agent", "Here I am.")
    assert scene.outcome == GONE


def test_the_apology_for_a_model_that_fails_in_mid_sentence_is_heard_whole() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        return ["We are open from nine to five. And", 0.5, ProviderError("cut off", retryable=True)]

    scene = play(Scene([Says(2.0, "hello")], answer, tts_cost_s=0.0))
    assert [turn.interrupted for turn in scene.conversation.line.turns[2:]] == [True, False]
    assert len(scene.llm.asked) == 1
    words = len(APOLOGY.split())
    apology_ms = scene.conversation.line.turns[-1].end_ms - scene.conversation.line.turns[-1].start_ms
    assert apology_ms == pytest.approx(words * 300, abs=21)
    assert len(scene.port.flushes) == 1


def test_a_model_that_stalls_has_failed() -> None:
    scene = play(Scene([Says(2.0, "hello")], lambda history: [1000.0], hangs_up_at_s=100))
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_LLM")
    assert len(scene.llm.asked) == 1  # nobody waits for it twice


def test_a_recogniser_that_fails_is_started_anew_and_the_turn_counts_as_not_understood() -> None:
    def prepare(scene: Scene) -> None:
        scene.stt.fail_on[0] = ProviderError("lost the connection", retryable=True)

    scene = play(Scene([Says(2.0, "hello"), Says(6.0, "again")], prepare=prepare))
    assert [asked[-1].text for asked in scene.llm.asked] == ["", "again"]
    assert scene.outcome == GONE


def test_a_recogniser_that_fails_for_good_ends_the_call_politely() -> None:
    def prepare(scene: Scene) -> None:
        scene.stt.fail_on[0] = ProviderError("no licence", retryable=False)

    scene = play(Scene([Says(2.0, "hello")], prepare=prepare))
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_STT")
    assert scene.turns[-1] == ("agent", APOLOGY)


def test_a_voice_that_fails_once_is_tried_again() -> None:
    def prepare(scene: Scene) -> None:
        scene.tts.errors = [ProviderError("busy", retryable=True)]

    scene = play(Scene(prepare=prepare, hangs_up_at_s=3.0))
    assert scene.turns == [("agent", "Hello there.")]


def test_without_a_voice_the_call_leaves_at_once() -> None:
    def prepare(scene: Scene) -> None:
        scene.tts.errors = [ProviderError("gone", retryable=False)] * 9

    scene = play(Scene(prepare=prepare))
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_TTS")
    assert len(scene.tts.spoken) == 2  # the greeting, and the apology


def test_a_port_that_closes_ends_the_call() -> None:
    def prepare(scene: Scene) -> None:
        scene.port.dies_at_s = 3.0

    assert play(Scene([Says(2.0, "hello")], prepare=prepare)).outcome == Outcome(
        Status.FAILED, "MEDIA_FAILED"
    )


@pytest.mark.parametrize("hangs_up_at_s", [0.0, 0.01, 0.4, 2.05, 2.5, 3.2, 3.53, 3.57, 3.7, 4.0, 5.0])
def test_a_caller_may_hang_up_at_any_moment(hangs_up_at_s: float) -> None:
    scene = play(Scene([Says(2.0, "hello")], lambda history: [0.1, LONG], hangs_up_at_s=hangs_up_at_s))
    assert scene.outcome == GONE
    for turn in scene.conversation.line.turns:
        assert turn.end_ms <= hangs_up_at_s * 1000 + 25
        assert turn.who == "caller" or turn.text.startswith(turn.heard or "")


@pytest.mark.parametrize("after_s", [0.0, 0.3, 2.5, 3.57, 3.7, 6.07, 6.2, 6.5])
def test_a_cancelled_conversation_leaves_nothing_behind(after_s: float) -> None:
    scene = Scene([Says(2.0, "tell me"), Says(6.0, "stop")], lambda history: [0.1, LONG])
    run(until_cancelled(scene, after_s))
    if after_s:
        assert (scene.stt.running, scene.llm.running, scene.tts.running) == (0, 0, 0)


def test_a_bug_is_not_swallowed() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        play(Scene([Says(2.0, "hello")], answer))
    assert caught.group_contains(ZeroDivisionError)


def test_turn_settings_are_heeded() -> None:
    quick = AgentSettings(turns=TurnSettings(end_of_turn="fixed", end_of_turn_ms=200))
    scene = play(Scene([Says(1.0, "hello")], agent=quick))
    assert scene.conversation.line.turns[-1].latency_ms["end_of_turn"] == pytest.approx(200, abs=21)
