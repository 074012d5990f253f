"""A single engine that fails, stalls or talks nonsense: something is said to the caller soon, and the
dialplan gets the call."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
import pytest

from ari_bridge.conversation.cascade import CascadeEngines
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role, ToolCall, ToolSpec
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.provider_settings import FallbackSettings
from ari_bridge.providers.base import (
    Kind,
    ReplyDelta,
    Speech,
    SpeechContext,
    SttInput,
    TextDelta,
    Transcript,
    UtteranceEnd,
    VoiceContext,
)
from ari_bridge.providers.engines import Engines
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, PatienceSettings, Settings
from tests.conversation.fakes import Answer, FakeTts, Says, Scene

APOLOGY = Sayings().apology
LIMITS = FallbackSettings()
HELLO = Says(3.0, "hello")
HELLO_ENDS_S = 4.0
PATIENCE = PatienceSettings()


def in_service(engines: CascadeEngines) -> CascadeEngines:
    """As a service has them: each by itself in its list."""
    by_kind = {Kind.STT: engines.stt, Kind.LLM: engines.llm, Kind.TTS: engines.tts}
    settings = Settings(agents={"desk": AgentSettings()})
    service = Engines(settings, build=lambda settings, kind, name: by_kind[kind])
    return CascadeEngines(service.stt(("one",)), service.llm(("one",)), service.tts(("one",)))


def play(answer: Callable[[Sequence[Message]], Answer] | None = None, **more: object) -> Scene:
    scene = Scene([HELLO], patience=PATIENCE, hangs_up_at_s=90.0, in_service=in_service, **more)
    if answer is not None:
        scene.answer = answer
    return run(scene.play())


def longest_silence_s(scene: Scene, from_s: float) -> float:
    """Between the agent's frames, from then to the end."""
    sounded = [from_s, *(at_s for at_s, _ in scene.port.sent_at if at_s > from_s), scene.ended_s]
    return max(later - earlier for earlier, later in itertools.pairwise(sounded))


def apologised(scene: Scene, cause: str, within_s: float) -> None:
    assert scene.outcome == Outcome(Status.FAILED, cause)
    assert scene.turns[-1] == ("agent", APOLOGY)
    assert scene.conversation.line.turns[-1].start_ms < (HELLO_ENDS_S + within_s) * 1000


BROKEN = ProviderError("it broke", retryable=True)


def test_a_model_that_stalls_is_given_up_once() -> None:
    scene = play(lambda history: [1000.0])
    apologised(scene, "PROVIDER_LLM", LIMITS.llm_last_s + 1.5)
    assert len(scene.llm.asked) == 1
    assert longest_silence_s(scene, HELLO_ENDS_S) < PATIENCE.filler_every_s + 0.5


def test_one_that_stalls_in_the_middle_too() -> None:
    scene = play(lambda history: ["We open at nine. And we close ", 1000.0])
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_LLM")
    assert len(scene.llm.asked) == 1
    assert longest_silence_s(scene, HELLO_ENDS_S) < LIMITS.next_s + 1.5


def test_one_that_fails_at_once_is_asked_once_more() -> None:
    answers: list[Answer] = [[BROKEN], ["We open at nine."]]
    scene = play(lambda history: answers.pop(0) if answers else ["Pardon?"])
    assert ("agent", "We open at nine.") in scene.turns
    scene = play(lambda history: [BROKEN])
    apologised(scene, "PROVIDER_LLM", 1.5)
    assert len(scene.llm.asked) == 2


def test_one_without_words_is_asked_to_be_asked_again_and_then_given_up() -> None:
    scene = Scene(
        [HELLO, Says(12.0, "what are your hours")],
        lambda history: ["... "],
        patience=PATIENCE,
        hangs_up_at_s=90.0,
        in_service=in_service,
    )
    run(scene.play())
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_LLM")
    said = [text for who, text in scene.turns if who == "agent"]
    assert said[-2:] == ["I am sorry, could you say that again?", APOLOGY]


def test_an_answer_between_makes_it_good_again() -> None:
    scene = Scene(
        [HELLO, Says(12.0, "what are your hours"), Says(20.0, "hello")],
        lambda history: ["We open at nine."] if "hours" in history[-1].text else [],
        patience=PATIENCE,
        hangs_up_at_s=30.0,
        in_service=in_service,
    )
    run(scene.play())
    assert scene.outcome == Outcome(Status.HANGUP, "CALLER")
    assert [text for who, text in scene.turns if who == "agent"][-1].endswith("could you say that again?")


def test_a_tool_that_there_is_not_is_no_answer() -> None:
    """The model calls it, hears that there is none, and has nothing more to say."""
    scene = play(lambda history: [] if history[-1].role is Role.TOOL else [ToolCall("t1", "make_coffee", {})])
    said = [text for who, text in scene.turns if who == "agent"]
    assert said[1] == "I am sorry, could you say that again?"
    assert scene.conversation.line.turns[2].start_ms < (HELLO_ENDS_S + 1.5) * 1000


def test_calls_of_tools_that_there_are_not_come_to_an_end() -> None:
    count = itertools.count()
    scene = play(lambda history: [ToolCall(f"t{next(count)}", "make_coffee", {})])
    said = [text for who, text in scene.turns if who == "agent"]
    assert "I am sorry, could you say that again?" in said[1]
    assert longest_silence_s(scene, HELLO_ENDS_S) < PATIENCE.no_input_s + 1.5


class Babbler:
    """Its stream never ends, and never says anything."""

    phrases: tuple[str, ...] = ()
    running = 0

    async def reply(self, history: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncIterator[ReplyDelta]:
        while True:
            await asyncio.sleep(0.1)
            yield TextDelta(" … ")

    async def close(self) -> None: ...


def test_a_stream_without_words_is_a_stall() -> None:
    def prepare(scene: Scene) -> None:
        scene.llm = Babbler()  # type: ignore[assignment]

    apologised(play(prepare=prepare), "PROVIDER_LLM", LIMITS.llm_last_s + 1.5)


# ------------------------------------------------------------------ the voice


class MuteTts(FakeTts):
    """Speaks until `mute`, then as `how` says."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self._how = how
        self.mute = False
        self.asked_mute = 0

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncIterator[Speech]:
        if not self.mute:
            async for piece in super().speak(sentence, context):
                yield piece
            return
        self.asked_mute += 1
        match self._how:
            case "stalls":
                await asyncio.Event().wait()
            case "is silent":
                yield Speech(np.zeros(1600, np.int16))
            case "is silent for ever":
                while True:
                    await asyncio.sleep(0.05)
                    yield Speech(np.zeros(400, np.int16))
            case "fails":
                raise ProviderError("it broke", retryable=True)
            case "ends":
                return


@pytest.mark.parametrize("how", ["stalls", "is silent", "is silent for ever", "fails", "ends"])
def test_a_voice_that_is_lost_still_apologises(how: str) -> None:
    """By the apology that was kept from before."""
    voice = MuteTts(how)

    def prepare(scene: Scene) -> None:
        scene.tts = voice

    def answer(history: Sequence[Message]) -> Answer:
        voice.mute = True
        return ["We open at nine."]

    scene = play(answer, prepare=prepare)
    apologised(scene, "PROVIDER_TTS", LIMITS.tts_first_s + 1.5)
    assert voice.asked_mute <= 2


# ------------------------------------------------------------------ the recogniser


class DeafStt:
    """Hears everything, and never says what."""

    running = 0

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncIterator[Transcript]:
        async for item in audio:
            if isinstance(item, UtteranceEnd) and item.utterance < 0:
                yield Transcript(item.utterance, "", final=True)

    async def close(self) -> None: ...


def test_a_recogniser_that_says_nothing_is_not_met_with_silence() -> None:
    def prepare(scene: Scene) -> None:
        scene.stt = DeafStt()  # type: ignore[assignment]

    scene = Scene(
        [HELLO, Says(14.0, "what are your hours")],
        lambda history: ["Pardon?"] if not history[-1].text else ["Yes."],
        patience=PATIENCE,
        hangs_up_at_s=90.0,
        prepare=prepare,
        in_service=in_service,
    )
    run(scene.play())
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_STT")
    said = [(turn.text, turn.start_ms) for turn in scene.conversation.line.turns if turn.who == "agent"]
    assert said[1][0] == "Pardon?"
    assert said[1][1] < (HELLO_ENDS_S + LIMITS.stt_final_s + 1.5) * 1000
    assert said[-1][0] == APOLOGY
    assert said[-1][1] < (15.0 + LIMITS.stt_final_s + 1.5) * 1000
