"""What is each vendor's own, beyond the contract that all of them keep."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.media.codecs import ulaw
from ari_bridge.providers.base import Heard, Kind, SttInput, UtteranceEnd, UtteranceStart
from ari_bridge.providers.registry import build
from ari_bridge.providers.stt.streaming.wire import Encoder, WireFormat, telephone_format, wav_header
from tests.providers.fakes.spoken import spoken
from tests.providers.fakes.stt_assemblyai import FakeAssemblyAi
from tests.providers.fakes.stt_azure import FakeAzure
from tests.providers.fakes.stt_deepgram import FakeDeepgram
from tests.providers.fakes.stt_deepgram_flux import FakeDeepgramFlux
from tests.providers.fakes.stt_openai_realtime import FakeOpenAiRealtime
from tests.providers.stt.stage import TELEPHONE, Stage, in_a_hurry, on_stage, until, utterance

__all__ = ["in_a_hurry"]
pytestmark = pytest.mark.usefixtures("in_a_hurry")

SOCKETS = ["deepgram", "deepgram-flux", "assemblyai", "openai-transcription", "azure-stt", "google-stt"]


@pytest.mark.parametrize("name", SOCKETS)
def test_the_key_is_in_no_url(name: str) -> None:
    async def scene(stage: Stage) -> None:
        await stage.finals("one")
        assert all(stage.fake.KEY not in str(request.url) for request in stage.fake.connections)

    on_stage(name, scene)


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("azure-stt", {}, "table.region: say where the resource is, or its base_url"),
        ("google-stt", {}, "table.project: "),
        ("deepgram", {"api_key_env": "NO_SUCH_KEY"}, "table.api_key_file: there is no key"),
        ("wyoming-stt", {"uri": "10300"}, "table.uri: must be tcp://HOST:PORT"),
        ("vosk", {"final_s": 0}, "table.final_s: "),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(name: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(name, Kind.STT, options, table="table")
    assert str(caught.value).startswith(problem)
    assert "\n" not in str(caught.value)


def test_a_server_of_one_s_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    build("whisper-http", Kind.STT, {"base_url": "http://127.0.0.1:8000/v1"}, table="table")
    with pytest.raises(SettingsError):
        build("whisper-http", Kind.STT, {}, table="table")


# ------------------------------------------------------------------ telephone audio


@pytest.mark.parametrize("name", ["deepgram", "deepgram-flux", "assemblyai"])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_telephone_audio_goes_as_it_came(name: str, rate_hz: int) -> None:
    async def scene(stage: Stage) -> None:
        await stage.all_of(_one_word(rate_hz), replace(TELEPHONE, rate_hz=rate_hz))
        query = stage.fake.connections[0].query
        assert query["sample_rate"] == str(rate_hz)
        assert ("mulaw" in query["encoding"]) is (rate_hz == 8000)

    on_stage(name, scene)


async def _one_word(rate_hz: int = 8000) -> AsyncGenerator[SttInput, None]:
    for item in utterance(0, "one", rate_hz):
        yield item


def test_u_law_that_came_from_a_telephone_is_not_changed() -> None:
    octets = np.arange(256, dtype=np.uint8)
    pcm = ulaw.CODEC.decode(octets)
    sent = np.frombuffer(Encoder(8000, telephone_format(8000)).encode(pcm), np.uint8)
    assert np.array_equal(ulaw.CODEC.decode(sent), pcm)  # there are two zeros


def test_a_recording_is_a_wav_file_that_others_read() -> None:
    wire = WireFormat(16000)
    pcm = spoken("one two", 16000)
    data = Encoder(16000, wire).encode(pcm)
    with wave.open(io.BytesIO(wav_header(wire, len(data)) + data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert np.array_equal(np.frombuffer(file.readframes(file.getnframes()), np.int16), pcm)


# ------------------------------------------------------------------ Deepgram


@pytest.mark.parametrize("settles_every", [1, 2, None])
def test_deepgram_windows_of_any_length_make_the_utterance(
    settles_every: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeDeepgram, "settles_every", settles_every)

    async def scene(stage: Stage) -> None:
        assert await stage.finals("one two three four five", "six") == ["one two three four five", "six"]

    on_stage("deepgram", scene)


def test_deepgram_that_answers_each_finalize_does_not_keep_a_noise_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeDeepgram, "answers_empty_finalize", True)

    async def noise() -> AsyncGenerator[SttInput, None]:
        yield UtteranceStart(0)
        yield Heard(np.zeros(4000, np.int16))
        yield UtteranceEnd(0)

    async def scene(stage: Stage) -> None:
        await stage.stt.close()
        stage.stt = stage.client(final_s=60.0)
        assert [t.text for t in await stage.all_of(noise())] == [""]

    on_stage("deepgram", scene)


def test_deepgram_is_told_the_phrases_and_parameters_of_the_settings() -> None:
    async def scene(stage: Stage) -> None:
        await stage.stt.close()
        stage.stt = stage.client(query={"smart_format": "true", "punctuate": "false"}, language="multi")
        await stage.finals("one", context=replace(TELEPHONE, phrases=("opening hours", "a person")))
        query = stage.fake.connections[0].query
        assert query.getall("keyterm") == ["opening hours", "a person"]
        assert (query["smart_format"], query["punctuate"], query["language"]) == ("true", "false", "multi")
        assert stage.fake.controls[-1] == {"type": "CloseStream"}

    on_stage("deepgram", scene)


def test_flux_words_that_come_after_the_turn_was_ended_end_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeDeepgramFlux, "starts_late", True)

    async def scene(stage: Stage) -> None:
        await stage.stt.close()
        stage.stt = stage.client(final_s=60.0)
        assert await stage.finals("one two") == ["one two"]
        assert [c["type"] for c in stage.fake.controls] == ["ForceEndTurn", "ForceEndTurn", "CloseStream"]

    on_stage("deepgram-flux", scene)


# ------------------------------------------------------------------ the others


def test_assemblyai_turns_that_are_told_twice_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAssemblyAi, "formats", True)

    async def scene(stage: Stage) -> None:
        assert await stage.finals("one two", "three", "four") == ["one two", "three", "four"]
        assert stage.fake.controls[-1] == {"type": "Terminate"}

    on_stage("assemblyai", scene)


def test_openai_items_that_are_answered_out_of_order_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeOpenAiRealtime, "swaps_items", True)

    async def scene(stage: Stage) -> None:
        assert await stage.finals("one two", "three", "four") == ["one two", "three", "four"]

    on_stage("openai-transcription", scene)


def test_azure_turns_are_acknowledged_and_phrases_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAzure, "phrase_words", 2)

    async def scene(stage: Stage) -> None:
        context = replace(TELEPHONE, language="de", phrases=("grüß gott",))
        assert await stage.finals("one two three four five", "six", context=context) == [
            "one two three four five",
            "six",
        ]
        assert stage.fake.connections[0].query["language"] == "de-DE"
        assert isinstance(stage.fake, FakeAzure)
        await until(lambda: stage.fake.acknowledged == 2)  # type: ignore[attr-defined]

    on_stage("azure-stt", scene)


@pytest.mark.parametrize("name", ["vosk", "wyoming-stt"])
def test_the_next_connection_waits_for_the_caller(name: str) -> None:
    async def scene(stage: Stage) -> None:
        going_on = asyncio.Event()

        async def audio() -> AsyncGenerator[SttInput, None]:
            for item in utterance(0, "one"):
                yield item
            await going_on.wait()
            for item in utterance(1, "two"):
                yield item

        listening = asyncio.create_task(stage.all_of(audio()))
        await until(lambda: len(stage.fake.connections) == 2 and stage.fake.open == 1)
        going_on.set()
        assert [t.text for t in await listening if t.final] == ["one", "two"]

    on_stage(name, scene)
