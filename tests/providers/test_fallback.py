"""The next engine takes the turn, and the listener notices no more than a pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.providers.base import (
    Heard,
    LanguageModel,
    ReplyDelta,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextDelta,
    TextToSpeech,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
    WordTime,
)
from ari_bridge.providers.fallback.breaker import BreakerState, CircuitBreaker
from ari_bridge.providers.fallback.llm import GO_ON, FallbackLanguageModel
from ari_bridge.providers.fallback.pool import Member, Pool
from ari_bridge.providers.fallback.stt import FallbackSpeechToText
from ari_bridge.providers.fallback.tts import FallbackTextToSpeech
from ari_bridge.providers.streams import StallLimits
from ari_bridge.scenario.virtual_time import run
from tests.providers.engines import BROKEN, UNFIT, WORD_SAMPLES, Ear, Model, Part, Voice

LIMITS = StallLimits(first_s=2.0, next_s=1.0)
ASKED = (Message(Role.CALLER, "what are your hours"),)
HANGUP = ToolCall("1", "hangup", {})
BUSY = ProviderError("try again later", retryable=True, fault=Fault.BUSY)
SENTENCE = "One two three four five."


E = TypeVar("E", bound=SpeechToText | LanguageModel | TextToSpeech)


def pool(*engines: E, failures_max: int = 3, when: Collection[Fault] = tuple(Fault)) -> Pool[E]:
    return Pool(
        [
            Member(f"engine {number}", engine, CircuitBreaker(failures_max=failures_max, rest_s=30.0))
            for number, engine in enumerate(engines)
        ],
        when,
    )


# ------------------------------------------------------------------ language model


def reply(*models: Model, history: tuple[Message, ...] = ASKED) -> tuple[str, list[ToolCall]]:
    async def main() -> tuple[str, list[ToolCall]]:
        text, calls = "", []
        async with aclosing(FallbackLanguageModel(pool(*models), LIMITS).reply(history, ())) as deltas:
            async for delta in deltas:
                match delta:
                    case TextDelta(piece):
                        text += piece
                    case ToolCall():
                        calls.append(delta)
        assert not any(model.open for model in models)
        return text, calls

    return run(main())


@pytest.mark.parametrize("fault", [(BROKEN,), (60.0, "Too late."), (), ("... ",)], ids=repr)
def test_a_model_that_fails_stalls_or_says_nothing_gives_way(fault: tuple[Part, ...]) -> None:
    assert reply(Model(*fault), Model("From nine ", "to five."))[0].lstrip(". ") == "From nine to five."


def test_the_next_model_goes_on_after_the_words_that_were_given() -> None:
    second = Model("nine to five.")
    assert reply(Model("We are open ", "from ", "ni", BROKEN), second)[0] == "We are open from nine to five."
    assert second.asked[0][-2] == Message(Role.AGENT, "We are open from", interrupted=True)
    assert second.asked[0][-1] == Message(Role.SYSTEM, GO_ON)


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_model_that_begins_again_is_not_heard_twice(cut: int) -> None:
    words = ["We ", "are ", "open ", "from ", "nine."]
    said = reply(Model(*words[:cut], 60.0), Model("we ARE open, from nine."))[0]
    assert said.lower().replace(",", "") == "we are open from nine."


def test_a_stall_between_two_words_is_a_failure() -> None:
    assert reply(Model("Yes, ", 1.5, "but."), Model("of course."))[0] == "Yes, of course."


def test_a_fault_that_the_operator_leaves_out_is_the_end() -> None:
    members = pool(Model(UNFIT), Model("I would."), when=[Fault.BUSY, Fault.STALLED])
    busy = pool(Model(BUSY), Model("I would."), when=[Fault.BUSY, Fault.STALLED])

    async def said(engines: Pool[LanguageModel]) -> list[ReplyDelta]:
        return [delta async for delta in FallbackLanguageModel(engines, LIMITS).reply(ASKED, ())]

    with pytest.raises(ProviderError, match="not this language"):
        run(said(members))
    assert run(said(busy)) == [TextDelta("I "), TextDelta("would.")]


def test_a_tool_is_called_once_however_the_model_ends() -> None:
    text, calls = reply(Model("Goodbye.", HANGUP, BROKEN), Model("Goodbye.", HANGUP))
    assert (text, calls) == ("Goodbye.", [HANGUP])


def test_an_empty_reply_to_a_tool_s_result_is_fine_once_something_was_said() -> None:
    done = Message(Role.TOOL, "done", tool_call_id="1")
    said = Message(Role.AGENT, "Goodbye.", tool_calls=(HANGUP,))
    second = Model("Never asked.")
    assert reply(Model(), second, history=(*ASKED, said, done)) == ("", [])
    silent = Message(Role.AGENT, "", tool_calls=(HANGUP,))
    assert reply(Model(), second, history=(*ASKED, silent, done))[0] == "Never asked."


def test_when_all_fail_the_error_is_one_line() -> None:
    with pytest.raises(ProviderError, match="all engines failed, the last with: it broke"):
        reply(Model(), Model(BROKEN))


@given(st.text("ab .,", max_size=30), st.lists(st.integers(1, 5), max_size=30))
def test_text_passes_whole_however_it_is_cut(text: str, sizes: list[int]) -> None:
    parts, rest = [], text
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    said = reply(Model("x ", *parts, rest))[0]
    assert said.split() == f"x {text}".split()


def test_a_script_without_spaces_is_not_held_for_long() -> None:
    async def main() -> str:
        stream = FallbackLanguageModel(pool(Model("字" * 50, 0.5, "。")), LIMITS).reply(ASKED, ())
        async with aclosing(stream):
            first = await anext(stream)
        assert isinstance(first, TextDelta)
        return first.text

    assert run(main()) == "字" * 50


def test_hints_are_those_of_all() -> None:
    both = pool(Model(phrases=("yes", "no")), Model(phrases=("no", "maybe")))
    assert FallbackLanguageModel(both, LIMITS).phrases == ("yes", "no", "maybe")


# ------------------------------------------------------------------ text to speech


def speak(*voices: Voice, sentence: str = SENTENCE) -> tuple[list[int], list[WordTime]]:
    """Whose voice each word was in, and the words' times."""

    async def main() -> tuple[list[int], list[WordTime]]:
        pieces, words = [np.zeros(0, np.int16)], []
        stream = FallbackTextToSpeech(pool(*voices), LIMITS).speak(sentence, VoiceContext(8000))
        async with aclosing(stream):
            async for piece in stream:
                pieces.append(piece.pcm)
                words.extend(piece.words)
        return [int(level) for level in np.concatenate(pieces)[::WORD_SAMPLES]], words

    return run(main())


@pytest.mark.parametrize("spoken", range(6))
def test_the_next_voice_speaks_the_rest(spoken: int) -> None:
    for voice in (Voice(1, fails_after=spoken), Voice(1, stalls_after=spoken)):
        levels, words = speak(voice, Voice(2))
        assert levels == [1] * min(spoken, 5) + [2] * (5 - spoken)
        assert [SENTENCE[word.start_char : word.end_char] for word in words] == SENTENCE.split()
        assert [word.end_sample for word in words] == [WORD_SAMPLES * n for n in range(1, 6)]


def test_a_voice_without_a_sound_has_spoken_nothing() -> None:
    levels, words = speak(Voice(0), Voice(2))
    assert levels == [2] * 5
    assert words[0].start_sample == 0


def test_without_word_times_the_place_is_estimated() -> None:
    second = Voice(2)
    long = " ".join(["word"] * 40)
    speak(Voice(1, fails_after=36, times=False), second, sentence=long)  # 3600 samples: 6.75 characters
    assert second.spoken == [long[5:]]


def test_silence_from_all_voices_is_an_error() -> None:
    with pytest.raises(ProviderError, match="without a sound"):
        speak(Voice(0), Voice(0))
    assert speak(Voice(1), sentence="") == ([], [])


# ------------------------------------------------------------------ speech to text


async def utterances(*sizes: int, every_s: float = 10.0) -> AsyncGenerator[SttInput, None]:
    for number, size in enumerate(sizes):
        yield UtteranceStart(number)
        yield Heard(np.zeros(size, np.int16))
        await asyncio.sleep(1.0)
        yield Heard(np.zeros(size, np.int16))
        yield UtteranceEnd(number)
        await asyncio.sleep(every_s)


async def transcribe(*ears: Ear, audio: AsyncIterator[SttInput]) -> list[tuple[float, Transcript]]:
    stream = FallbackSpeechToText(pool(*ears), final_s=3.0).transcribe(audio, SpeechContext(8000))
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    async with aclosing(stream):
        return [(loop.time() - start_s, transcript) async for transcript in stream]


def texts(*ears: Ear) -> list[str]:
    found = run(transcribe(*ears, audio=utterances(10, 20, 30)))
    assert [transcript.utterance for _, transcript in found] == [0, 1, 2]
    return [transcript.text for _, transcript in found]


@pytest.mark.parametrize("fault", ["breaks", "stalls", "ends"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_next_recogniser_hears_the_utterance_again(fault: str, at: int) -> None:
    expected = ["first 20", "first 40", "first 60"][:at] + ["second 20", "second 40", "second 60"][at:]
    assert texts(Ear("first", fault=fault, fault_at=at), Ear("second")) == expected


def test_a_third_takes_over_from_the_second() -> None:
    ears = (Ear("first", fault="stalls"), Ear("second", fault="breaks", fault_at=1), Ear("third"))
    assert texts(*ears) == ["second 20", "third 40", "third 60"]


def test_a_silent_caller_makes_no_recogniser_stall() -> None:
    found = run(transcribe(Ear("first"), audio=utterances(10, 20, every_s=1000.0)))
    assert [transcript.text for _, transcript in found] == ["first 20", "first 40"]


def test_a_stall_costs_its_limit_and_no_more() -> None:
    [(at_s, transcript)] = run(transcribe(Ear("first", fault="stalls"), Ear("second"), audio=utterances(10)))
    assert transcript.text == "second 20"
    assert at_s == pytest.approx(1.0 + 3.0)


def test_no_recogniser_is_left() -> None:
    async def main() -> None:
        with pytest.raises(ProviderError, match="it broke") as caught:
            await transcribe(Ear("first", fault="breaks"), audio=utterances(10))
        assert caught.value.retryable  # the shell may try again with the next words

    run(main())


# ------------------------------------------------------------------ the breaker


def test_a_breaker_opens_rests_and_tries_one() -> None:
    breaker = CircuitBreaker(failures_max=2, rest_s=30.0)
    breaker.failed(0.0)
    breaker.worked()
    breaker.failed(1.0)
    assert breaker.allows(1.0)
    breaker.failed(2.0)
    assert breaker.state(31.9) is BreakerState.OPEN
    assert breaker.state(32.0) is BreakerState.HALF_OPEN
    breaker.asked(32.0)
    assert not breaker.allows(32.0)  # one at a time
    breaker.failed(33.0)
    assert breaker.state(62.0) is BreakerState.OPEN
    breaker.asked(63.0)
    breaker.dropped()
    assert breaker.allows(63.0)
    breaker.worked()
    assert breaker.state(63.0) is BreakerState.CLOSED


def test_an_engine_that_rests_is_asked_last_but_asked() -> None:
    async def main() -> None:
        tired, fit = Model(BROKEN), Model("Hello.")
        model = FallbackLanguageModel(pool(tired, fit, failures_max=2), LIMITS)

        async def ask() -> None:
            async with aclosing(model.reply(ASKED, ())) as deltas:
                async for _ in deltas:
                    pass

        for _ in range(4):
            await ask()
        assert (len(tired.asked), len(fit.asked)) == (2, 4)
        fit.parts = (BROKEN,)
        with pytest.raises(ProviderError):
            await ask()
        assert len(tired.asked) == 3
        await asyncio.sleep(31.0)
        tired.parts = ("I am back.",)
        await ask()
        assert (len(tired.asked), len(fit.asked)) == (4, 5)

    run(main())


def test_what_an_engine_cannot_do_does_not_count_as_failure() -> None:
    async def main() -> None:
        unfit, fit = Model(UNFIT), Model("Hello.")
        model = FallbackLanguageModel(pool(unfit, fit, failures_max=1), LIMITS)
        for _ in range(3):
            async with aclosing(model.reply(ASKED, ())) as deltas:
                async for _ in deltas:
                    pass
        assert len(unfit.asked) == 3

    run(main())
