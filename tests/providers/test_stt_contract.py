"""What every vendor's recogniser must keep, each against a server that speaks its protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import (
    Heard,
    Kind,
    SpeechContext,
    SttInput,
    Usage,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.providers.registry import all_providers
from ari_bridge.providers.stt.streaming import conversation
from tests.providers.fakes.spoken import WORDS, spoken
from tests.providers.fakes.stt_server import Fake
from tests.providers.stt.stage import FAKES, TELEPHONE, Stage, call, in_a_hurry, on_stage, until, utterance

OFFLINE = {"pocketsphinx"}
"""Recognisers that are no vendor's client; their contract is in test_contract.py."""
STREAMS = [name for name, fake in FAKES.items() if fake.STREAMS]
KEYED = [name for name, fake in FAKES.items() if fake.KEYED]
every_vendor = pytest.mark.parametrize("name", FAKES)

__all__ = ["in_a_hurry"]
pytestmark = pytest.mark.usefixtures("in_a_hurry")


# ------------------------------------------------------------------ what is understood


@every_vendor
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_each_utterance_gets_one_final_transcript(name: str, rate_hz: int) -> None:
    async def scene(stage: Stage) -> None:
        texts = ["one two three", "four", "five six"]
        transcripts = await stage.all_of(call(*texts, rate_hz=rate_hz), SpeechContext(rate_hz))
        assert [(t.utterance, t.text) for t in transcripts if t.final] == list(enumerate(texts))
        assert all(t.confidence is None or 0 <= t.confidence <= 1 for t in transcripts)

    on_stage(name, scene)


@pytest.mark.parametrize("name", [name for name, fake in FAKES.items() if fake.PARTIALS])
def test_words_are_told_while_the_caller_speaks(name: str) -> None:
    async def scene(stage: Stage) -> None:
        heard: asyncio.Queue[SttInput | None] = asyncio.Queue()

        async def audio() -> AsyncGenerator[SttInput, None]:
            while (item := await heard.get()) is not None:
                yield item

        async with aclosing(stage.stt.transcribe(audio(), TELEPHONE)) as transcripts:  # type: ignore[type-var]
            for item in utterance(7, "one two three", ends=False):
                heard.put_nowait(item)
            heard.put_nowait(Heard(np.zeros(1600, np.int16)))
            async with asyncio.timeout(5):
                while (partial := await anext(transcripts)).text != "one two three":
                    assert not partial.final
                    assert partial.utterance == 7
                    assert "one two three".startswith(partial.text)
            assert not partial.final
            heard.put_nowait(UtteranceEnd(7))
            heard.put_nowait(None)
            assert [t.text for t in [t async for t in transcripts] if t.final] == ["one two three"]

    on_stage(name, scene)


@every_vendor
@pytest.mark.parametrize("text", ["grüße aus köln", "你好 世界", "мир été naïve señor", "안녕 one"])
def test_other_languages_come_through(name: str, text: str) -> None:
    async def scene(stage: Stage) -> None:
        finals = await stage.finals(
            text, context=SpeechContext(8000, language="de-DE", phrases=("grüß gott",))
        )
        assert finals == [text] or finals == [text.replace("你好 世界", "你好世界")]

    on_stage(name, scene)


@every_vendor
def test_a_noise_without_words_is_an_empty_transcript(name: str) -> None:
    async def silence() -> AsyncGenerator[SttInput, None]:
        for number in range(2):
            yield UtteranceStart(number)
            for _ in range(20):
                yield Heard(np.zeros(160, np.int16))
            yield UtteranceEnd(number)
        for item in utterance(2, "one"):
            yield item

    async def scene(stage: Stage) -> None:
        await stage.is_impatient()
        transcripts = [t for t in await stage.all_of(silence()) if t.final]
        assert [(t.utterance, t.text) for t in transcripts] == [(0, ""), (1, ""), (2, "one")]

    on_stage(name, scene)


@every_vendor
def test_an_utterance_without_audio_or_with_very_little_is_answered_too(name: str) -> None:
    async def nothing() -> AsyncGenerator[SttInput, None]:
        yield UtteranceStart(0)
        yield UtteranceEnd(0)
        yield UtteranceStart(1)
        yield Heard(np.zeros(80, np.int16))
        yield UtteranceEnd(1)
        for item in utterance(2, "two"):
            yield item
        yield UtteranceStart(3)
        yield UtteranceEnd(3)

    async def scene(stage: Stage) -> None:
        await stage.is_impatient()
        finals = [t.text for t in await stage.all_of(nothing()) if t.final]
        assert finals == ["", "", "two", ""]

    on_stage(name, scene)


@every_vendor
def test_a_very_long_utterance_keeps_all_its_words(name: str) -> None:
    async def scene(stage: Stage) -> None:
        text = " ".join((WORDS[:10] * 40)[:400])  # a minute
        assert await stage.finals(text) == [text]

    on_stage(name, scene)


@every_vendor
def test_a_call_without_a_word_ends_with_its_audio(name: str) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.all_of(call()) == []
        # An utterance in whose middle the call ends is not waited for.
        assert [t for t in await stage.all_of(_cut_off()) if t.final] == []

    async def _cut_off() -> AsyncGenerator[SttInput, None]:
        for item in utterance(0, "one", ends=False):
            yield item

    on_stage(name, scene)


@every_vendor
def test_fifty_calls_at_once_are_not_mixed(name: str) -> None:
    async def scene(stage: Stage) -> None:
        texts = [f"{WORDS[n % 10]} {WORDS[n // 10]}" for n in range(50)]
        together = await asyncio.gather(*(stage.finals(text, "one") for text in texts))
        assert together == [[text, "one"] for text in texts]

    on_stage(name, scene)


# ------------------------------------------------------------------ connections


@every_vendor
def test_it_connects_before_anything_is_said_and_tells_no_secret(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(stage: Stage) -> None:
        if name not in STREAMS:
            return
        listening = asyncio.create_task(stage.all_of(call(hangs_up=False)))
        await until(lambda: stage.fake.open == 1)
        assert stage.fake.KEY not in str(stage.fake.connections[0])
        listening.cancel()
        await asyncio.wait([listening])
        await until(lambda: stage.fake.open == 0)

    with caplog.at_level(logging.DEBUG):
        on_stage(name, scene)
    assert Fake.KEY not in caplog.text


@every_vendor
def test_cancelling_at_any_time_leaves_nothing(name: str) -> None:
    async def scene(stage: Stage) -> None:
        async def listen() -> None:
            await stage.all_of(call("one two", "three", hangs_up=False))

        for turns in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
            listening = asyncio.create_task(listen())
            for _ in range(turns):
                await asyncio.sleep(0)
            listening.cancel()
            await asyncio.wait([listening])
        await until(lambda: stage.fake.open == 0)
        assert await stage.finals("four") == ["four"]

    on_stage(name, scene)


@every_vendor
def test_closing_the_stream_after_any_transcript_leaves_nothing(name: str) -> None:
    async def scene(stage: Stage) -> None:
        for count in (1, 2, 3):
            audio = call("one two", "three four", "five", hangs_up=False)
            stream: Any = stage.stt.transcribe(audio, TELEPHONE)
            async with asyncio.timeout(5):
                for _ in range(count):
                    await anext(stream)
            await stream.aclose()
            await until(lambda: stage.fake.open == 0)

    on_stage(name, scene)


@every_vendor
def test_a_slow_start_loses_nothing(name: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.fake.faults.delay_s = 0.05
        assert await stage.finals("one two", "three") == ["one two", "three"]

    on_stage(name, scene)


@every_vendor
@pytest.mark.parametrize("message", [1, 2, 4, 7])
def test_a_connection_that_breaks_in_the_middle_loses_and_doubles_no_word(name: str, message: int) -> None:
    async def scene(stage: Stage) -> None:
        stage.fake.faults.breaks.extend([message, message + 3])
        texts = ["one two three four five six seven", "eight nine", "ten"]
        assert await stage.finals(*texts) == texts

    on_stage(name, scene)


@every_vendor
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_refusal_that_may_pass_is_tried_again(name: str, status: int) -> None:
    async def scene(stage: Stage) -> None:
        stage.fake.faults.refusals.extend([status, status])
        assert await stage.finals("one two", "three") == ["one two", "three"]

    on_stage(name, scene)


@every_vendor
def test_a_vendor_that_goes_on_refusing_is_given_up_within_its_budget(name: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.fake.faults.refusals.extend([503] * 1000)
        with pytest.raises(ProviderError) as caught:
            await stage.finals("one")
        assert caught.value.retryable
        assert str(caught.value).startswith(f"{name}: ")
        assert "\n" not in str(caught.value)
        assert len(stage.fake.connections) <= 4

    on_stage(name, scene)


@pytest.mark.parametrize("name", KEYED)
def test_a_wrong_key_is_told_at_once_and_never_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(stage: Stage) -> None:
        monkeypatch.setenv("ARI_BRIDGE_TEST_KEY", "wrong-and-secret")
        await stage.stt.close()
        stage.stt = stage.client()
        with pytest.raises(ProviderError) as caught:
            await stage.finals("one")
        assert not caught.value.retryable
        assert "secret" not in str(caught.value)
        assert len(stage.fake.connections) == 1

    on_stage(name, scene)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("frame", ["{no json", "[1, 2]", '"text"', '{"type": {}}', "null", "{}", "x" * 70000])
def test_what_makes_no_sense_costs_a_connection_and_no_words(name: str, frame: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.fake.faults.garbles.append(frame)
        assert await stage.finals("one two three", "four") == ["one two three", "four"]

    on_stage(name, scene)


@every_vendor
def test_a_vendor_that_is_mute_does_not_hold_up_the_call(name: str) -> None:
    async def scene(stage: Stage) -> None:
        await stage.is_impatient()
        stage.fake.faults.mutes = 1000
        if stage.fake.MAY_BE_SILENT:
            assert await stage.finals("one") == [""]
            return
        with pytest.raises(ProviderError, match="no transcript") as caught:
            await stage.finals("one")
        assert caught.value.retryable

    on_stage(name, scene)


@every_vendor
def test_the_call_is_told_what_it_cost(name: str) -> None:
    async def scene(stage: Stage) -> None:
        used: list[Usage] = []
        await stage.finals("one two three", "four", context=replace(TELEPHONE, meter=used.append))
        assert used
        assert {usage.service.split()[0] for usage in used} == {stage.fake.SERVICE or name}
        if not stage.fake.TELLS_COST:
            said_s = sum(len(spoken(text, 8000)) for text in ("one two three", "four")) / 8000
            assert sum(usage.audio_s for usage in used) == pytest.approx(said_s, abs=1.0)
            assert sum(usage.audio_s for usage in used) > 0

    on_stage(name, scene)


def test_every_recogniser_has_a_server_to_be_tried_against() -> None:
    known = {provider.name for provider in all_providers().values() if provider.kind is Kind.STT}
    assert known == FAKES.keys() | OFFLINE


def test_replacements_are_few() -> None:
    assert conversation.REPLACEMENTS.tries <= 4
