"""What makes a conversation flow, through the whole shell: fillers, check-ins, pace, language, eagerness."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.conversation.cascade.engines import Tongue
from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.providers.base import (
    CallerPause,
    SpeechContext,
    SttInput,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, PatienceSettings
from tests.conversation.fakes import Answer, FakeStt, FakeTts, Says, Scene

PATIENCE = PatienceSettings(
    filler_after_s=1.0,
    fillers=("One moment.",),
    no_input_s=4.0,
    check_ins=("Are you there?",),
    farewell="Bye.",
)
LONG = "We were founded long ago. " + "We have grown ever since and we are proud of it. " * 6


def test_a_slow_model_is_filled_in_for_and_nobody_is_kept_for_ever() -> None:
    scene = run(
        Scene(
            [Says(2.0, "hello")], lambda history: [3.0, "Here I am."], patience=PATIENCE, hangs_up_at_s=60
        ).play()
    )
    assert scene.told(LiveKind.AGENT_SAYS) == [
        "Hello there.",
        "One moment.",
        "Here I am.",
        "Are you there?",
        "Bye.",
    ]
    assert scene.turns[2] == ("agent", "Here I am.")
    assert scene.outcome == Outcome(Status.TIMEOUT, "NO_INPUT")
    assert scene.port.heard == scene.port.queued, "the farewell was heard to its end"


def test_an_uh_huh_is_no_interruption_and_a_late_word_is_one() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        return [LONG] if history[-1].text == "tell me" else ["As you wish."]

    timeline = [Says(2.0, "tell me"), Says(6.0, "uh-huh", 0.4), Says(9.0, "stop", 0.4)]
    scene = run(Scene(timeline, answer, stt_delay_s=0.1).play())
    assert scene.told(LiveKind.AGENT_RESUMED) == ["uh-huh"]
    assert scene.sent_between(6.1, 6.4) == 0
    assert scene.sent_between(6.9, 8.9) >= 98, "it went on within 700 ms"
    assert len(scene.port.flushes) == 1
    assert scene.sent_between(9.1, 9.6) == 0
    assert scene.turns[-2:] == [("caller", "stop"), ("agent", "As you wish.")]


# ---------------------------------------------------------------------- as the caller asks


def uses(name: str, arguments: dict[str, str]) -> object:
    def answer(history: Sequence[Message]) -> Answer:
        last = history[-1]
        if last.role is Role.TOOL:
            return [last.text]
        return [ToolCall("t1", name, arguments)] if last.text == "please" else ["Fine."]

    return answer


AGENT = AgentSettings(greeting="Hello there.", actions=("speaking_pace", "switch_language", "repeat"))


def scene_with(name: str, arguments: dict[str, str], *timeline: Says) -> Scene:
    return Scene(
        [Says(2.0, "please"), *timeline],
        uses(name, arguments),  # type: ignore[arg-type]
        agent=AGENT,
        actions=list(actions().values()),
        context=ActionContext({}, languages=("en", "de")),
    )


def test_the_agent_speaks_slower_on_request() -> None:
    scene = run(scene_with("speaking_pace", {"pace": "slow"}, Says(8.0, "thanks")).play())
    assert [context.pace for context in scene.tts.contexts] == [1.0, 0.75, 0.75]


def test_the_agent_says_its_last_words_again() -> None:
    scene = run(scene_with("repeat", {}).play())
    assert scene.turns[-1] == ("agent", "Hello there.")


def test_another_language_has_engines_of_its_own() -> None:
    made: list[tuple[FakeStt, FakeTts]] = []

    def prepare(scene: Scene) -> None:
        made.append((FakeStt(scene.port), FakeTts()))
        stt, tts = made[0]
        scene.languages = {"en": Tongue(scene.stt, scene.tts), "de": Tongue(stt, tts)}

    scene = scene_with("switch_language", {"language": "de"}, Says(10.0, "danke"))
    scene.prepare = prepare
    run(scene.play())
    stt, tts = made[0]
    assert [context.language for context in stt.contexts] == ["de"]
    assert [context.language for context in scene.stt.contexts] == ["en"]
    assert len(scene.stt.seconds) == len(stt.seconds) == 1
    assert [text for _, text in tts.spoken] == ["The conversation goes on in de now.", "Speak de.", "Fine."]
    assert {context.language for context in tts.contexts} == {"de"}
    assert ("caller", "danke") in scene.turns
    assert (stt.running, tts.running) == (0, 0)


@pytest.mark.parametrize(
    ("name", "arguments"), [("speaking_pace", {"pace": "warp"}), ("switch_language", {"language": "xx"})]
)
def test_what_there_is_not_is_said(name: str, arguments: dict[str, str]) -> None:
    scene = run(scene_with(name, arguments).play())
    assert scene.turns[-1][1].startswith("Not done")


# ---------------------------------------------------------------------- early answers


class PartialStt(FakeStt):
    """Knows the words while they are spoken, and takes a second for the final transcript."""

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncIterator[Transcript]:
        async for item in audio:
            match item:
                case UtteranceStart(number):
                    yield Transcript(number, "what are your hours", final=False)
                case UtteranceEnd(number):
                    yield Transcript(number, "what are your hours", final=True)


@pytest.mark.parametrize("eager", [True, False])
def test_an_early_question_saves_the_models_time(eager: bool) -> None:
    def prepare(scene: Scene) -> None:
        scene.stt = PartialStt(scene.port)

    agent = AgentSettings(greeting="", turns={"end_of_turn_ms": 1000, "eager": eager})
    scene = run(
        Scene(
            [Says(2.0, "")],
            lambda history: [0.3, "From nine to five."],
            agent=agent,
            prepare=prepare,
            hangs_up_at_s=8.0,
        ).play()
    )
    assert scene.turns == [("caller", "what are your hours"), ("agent", "From nine to five.")]
    assert len(scene.llm.asked) == 1
    latency = scene.conversation.line.turns[-1].latency_ms
    assert (latency["first_packet"] - latency["end_of_turn"] < 150) is eager


class SureDetector:
    """A model that always takes the turn for over."""

    def __init__(self) -> None:
        self.heard: list[CallerPause] = []

    async def turn_ends(self, pause: CallerPause) -> float:
        self.heard.append(pause)
        return 0.98

    async def close(self) -> None: ...


def test_a_turn_detector_hears_the_turn_and_ends_it_sooner() -> None:
    detector = SureDetector()
    agent = AgentSettings(greeting="Hello there.", turns={"detector": "sure"})
    scene = run(Scene([Says(2.0, "hello")], agent=agent, detector=detector).play())
    (pause,) = detector.heard
    assert len(pause.pcm) / pause.rate_hz == pytest.approx(1.16, abs=0.05), "the turn, and the silence so far"
    assert (pause.language, pause.text, pause.agent_text) == ("en", None, "Hello there.")
    assert scene.conversation.line.turns[2].latency_ms["end_of_turn"] < 400
