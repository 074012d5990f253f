"""What is particular to one voice: what it asks of its vendor, and how it takes what comes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, VoiceContext
from ari_bridge.providers.registry import build
from ari_bridge.providers.tts import azure_tts, cartesia, deepgram_aura, elevenlabs
from ari_bridge.providers.tts.speaking.narration import Narration
from ari_bridge.providers.tts.speaking.options import VendorVoice
from ari_bridge.providers.tts.speaking.over_websocket import Dialect, Done, WebSocketTextToSpeech
from ari_bridge.providers.tts.speaking.sound import Encoding, SoundFormat
from ari_bridge.providers.tts.speaking.words import SpokenWord
from ari_bridge.providers.vendor.retry import Retry
from tests.providers.fakes.elevenlabs import FakeElevenLabs
from tests.providers.fakes.openai_speech import FakeOpenAiSpeech
from tests.providers.fakes.piper_voice import make_voice
from tests.providers.fakes.studio import KEY
from tests.providers.fakes.wyoming_speak import FakeWyomingSpeak
from tests.providers.voices import KEY_ENV, Fake, say, until

CALL = VoiceContext(8000)
WIDE = VoiceContext(16_000, "de-AT", 0.8)


@pytest.fixture(autouse=True)
def keyed_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)
    monkeypatch.setattr(Retry.__init__, "__defaults__", (lambda: 0.0,))


def dialect(module: Any, options: Any) -> Dialect:
    """The vendor's, with the voice that its options choose."""
    return module._Dialect(options)  # type: ignore[no-any-return]


def run_with(
    fake: Fake, provider: str, options: dict[str, Any], url_option: str, sentences: list[str]
) -> Any:
    async def main() -> list[Any]:
        async with fake.running() as url:
            tts = build(provider, Kind.TTS, {url_option: url, **options}, table="providers.x")
            try:
                return [await say(tts, sentence) for sentence in sentences]
            finally:
                await tts.close()
                await until(lambda: fake.studio.open == 0)

    return asyncio.run(main())


# ------------------------------------------------------------------ ElevenLabs


def test_elevenlabs_is_asked_for_the_line_s_format_and_its_language() -> None:
    options = elevenlabs.ElevenLabsOptions(voice="Ava", voices={"de": "Käthe/1"}, stability=0.4)
    speaks = dialect(elevenlabs, options)
    narrow, wide = speaks.address(CALL), speaks.address(WIDE)
    assert narrow.url == "wss://api.elevenlabs.io/v1/text-to-speech/Ava/multi-stream-input"
    assert wide.url.endswith("/K%C3%A4the%2F1/multi-stream-input")
    assert dict(narrow.params)["output_format"] == "ulaw_8000"
    assert (dict(wide.params)["output_format"], dict(wide.params)["language_code"]) == ("pcm_16000", "de")
    other = dialect(elevenlabs, options.model_copy(update={"model": "eleven_multilingual_v2"}))
    assert "language_code" not in dict(other.address(CALL).params)
    opening, text, close = (dict(m) for m in speaks.utterance(" Hallo. ", WIDE).request())  # type: ignore[call-overload]
    assert opening["voice_settings"] == {"stability": 0.4, "speed": 0.8}
    assert (text["text"], text["flush"], close["close_context"]) == ("Hallo. ", True, True)
    assert opening["context_id"] == text["context_id"] == close["context_id"]
    plain = dialect(elevenlabs, elevenlabs.ElevenLabsOptions(voice="Ava")).utterance("Hi.", CALL).request()[0]
    assert "voice_settings" not in plain


def test_elevenlabs_times_are_counted_from_each_message_s_own_audio() -> None:
    utterance = dialect(elevenlabs, elevenlabs.ElevenLabsOptions(voice="Ava")).utterance("Hi you", CALL)
    context = dict(utterance.request()[0])["context_id"]  # type: ignore[call-overload]

    def message(text: str, octets: int) -> str:
        columns = {"chars": [*text], "charStartTimesMs": [10 * i for i in range(len(text))]}
        alignment = {**columns, "charDurationsMs": [10] * len(text)}
        audio = "AAAA" * (octets // 3)
        return json.dumps({"audio": audio, "normalizedAlignment": alignment, "contextId": context})

    first = utterance.heard(message(" Hi", 2400))
    second = utterance.heard(message(" you", 2400))
    last = utterance.heard(json.dumps({"isFinal": True, "contextId": context}))
    assert [h for h in first if isinstance(h, SpokenWord)] == []
    assert [h for h in second if isinstance(h, SpokenWord)] == [SpokenWord("Hi", 0.01, 0.03)]
    assert last == [SpokenWord("you", pytest.approx(0.31), pytest.approx(0.34)), Done()]
    assert utterance.heard(json.dumps({"audio": "AAAA", "contextId": "another"})) == ()


@pytest.mark.parametrize(
    ("error", "code", "may_pass"),
    [
        ("max_active_conversations", 1008, True),
        ("quota_exceeded", 1008, False),
        ("internal_server_error", 1011, True),
    ],
)
def test_elevenlabs_errors_that_pass_are_told_from_those_that_do_not(
    error: str, code: int, may_pass: bool
) -> None:
    utterance = dialect(elevenlabs, elevenlabs.ElevenLabsOptions(voice="Ava")).utterance("Hi", CALL)
    with pytest.raises(ProviderError, match="elevenlabs: Out of luck") as caught:
        utterance.heard(json.dumps({"message": "Out\nof luck", "error": error, "code": code}))
    assert caught.value.retryable is may_pass


def test_elevenlabs_never_has_more_contexts_open_than_the_vendor_grants() -> None:
    fake = FakeElevenLabs()
    options = {"voice": "Ava", "api_key_env": KEY_ENV}
    said = run_with(fake, "elevenlabs", options, "url", ["One two."] * 12)
    assert all(len(one.pcm) > 0 for one in said)
    assert fake.studio.connections == 1


# ------------------------------------------------------------------ Cartesia, Deepgram, Azure


def test_cartesia_is_asked_for_the_line_s_format_language_and_pace() -> None:
    options = cartesia.CartesiaOptions(voice="a0e9", voices={"de": "b1f0"})
    speaks = dialect(cartesia, options)
    assert speaks.address(CALL) == speaks.address(WIDE)
    narrow, wide = (dict(speaks.utterance("Hi", c).request()[0]) for c in (CALL, WIDE))  # type: ignore[call-overload]
    assert narrow["output_format"] == {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
    assert wide["output_format"] == {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
    assert (narrow["voice"]["id"], narrow["language"]) == ("a0e9", "en")
    assert (wide["voice"]["id"], wide["language"]) == ("b1f0", "de")
    assert "generation_config" not in narrow
    assert wide["generation_config"] == {"speed": 0.8}


def test_cartesia_tells_why_it_will_not() -> None:
    utterance = dialect(cartesia, cartesia.CartesiaOptions(voice="a0e9")).utterance("Hi", CALL)
    said = {
        "type": "error",
        "done": True,
        "title": "Bad voice",
        "message": "No such voice.",
        "status_code": 400,
    }
    with pytest.raises(
        ProviderError, match=r"^cartesia: answered 400: Bad voice: No such voice\.$"
    ) as caught:
        utterance.heard(json.dumps(said))
    assert not caught.value.retryable


def test_deepgram_s_connection_is_of_a_format_a_voice_and_a_pace() -> None:
    options = deepgram_aura.DeepgramAuraOptions(voices={"de": "aura-2-viktoria-de"})
    speaks = dialect(deepgram_aura, options)
    assert dict(speaks.address(CALL).params) == {
        "model": "aura-2-thalia-en",
        "encoding": "mulaw",
        "sample_rate": "8000",
    }
    assert dict(speaks.address(WIDE).params) == {
        "model": "aura-2-viktoria-de",
        "encoding": "linear16",
        "sample_rate": "16000",
        "speed": "0.8",
    }


def test_a_warning_of_deepgram_s_is_that_it_does_not_do_it() -> None:
    utterance = dialect(deepgram_aura, deepgram_aura.DeepgramAuraOptions()).utterance("Hi", CALL)
    warning = {"type": "Warning", "description": "Too many flushes", "code": "EXCESSIVE_FLUSH"}
    with pytest.raises(ProviderError, match="deepgram: Too many flushes"):
        utterance.heard(json.dumps(warning))


@given(st.text(max_size=40), st.sampled_from([0.1, 0.75, 1.0, 9.0]))
def test_azure_gets_xml_with_the_text_as_it_was(text: str, pace: float) -> None:
    clean = "".join(c for c in text if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    speak = ElementTree.fromstring(azure_tts.ssml(clean, "en-US-AvaMultilingualNeural", pace))
    assert "".join(speak.itertext()) == clean
    assert speak.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"
    rates = [element.get("rate") for element in speak.iter() if element.tag.endswith("prosody")]
    assert rates == ([] if pace == 1.0 else [f"{min(max(pace, 0.5), 2.0):g}"])


@pytest.mark.parametrize(
    ("provider", "options", "message"),
    [
        ("elevenlabs", {}, "voice: name a voice"),
        ("cartesia", {}, "voice: name a voice"),
        ("azure-tts", {}, "region: name the region"),
        ("azure-tts", {"region": "x.evil.example/"}, "region"),
        ("piper", {}, "voice: name a voice file"),
        ("piper", {"voice": "nowhere.onnx"}, "voice: there is no file nowhere.onnx"),
        ("wyoming-tts", {"uri": "10200"}, "uri: must be tcp://HOST:PORT"),
        ("wyoming-tts", {"uri": "tcp://host:99999"}, "uri: must be tcp://HOST:PORT"),
        ("deepgram-aura", {"stall_s": 0}, "stall_s"),
    ],
)
def test_a_wrong_option_is_named(provider: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=rf"^providers\.x\.{message}"):
        build(provider, Kind.TTS, options, table="providers.x")


# ------------------------------------------------------------------ OpenAI-compatible, Wyoming, Piper


def test_a_server_that_sends_wav_whatever_it_was_asked_for_is_understood() -> None:
    (said,) = run_with(FakeOpenAiSpeech(wav=True, key=None), "openai-tts", {}, "base_url", ["One two."])
    assert len(said.pcm) == pytest.approx(2 * 0.06 * 8000, rel=0.05)
    assert abs(int(said.pcm[0])) < 1000, "the header was played"


def test_a_server_that_sends_mp3_is_told() -> None:
    fake = FakeOpenAiSpeech(content_type="audio/mpeg", key=None)
    with pytest.raises(ProviderError, match="it sends audio/mpeg, not pcm") as caught:
        run_with(fake, "openai-tts", {}, "base_url", ["One two."])
    assert not caught.value.retryable


def test_instructions_and_the_language_s_voice_reach_openai() -> None:
    fake = FakeOpenAiSpeech(key=None)
    options = {"instructions": "Whisper.", "voices": {"en": "nova"}, "model": "kokoro"}
    run_with(fake, "openai-tts", options, "base_url", ["One."])
    assert fake.bodies == [
        {
            "model": "kokoro",
            "voice": "nova",
            "input": "One.",
            "response_format": "pcm",
            "instructions": "Whisper.",
        }
    ]


@pytest.mark.parametrize(
    ("options", "voice"),
    [
        ({}, (None, "en", None)),
        ({"voice": "en_US-amy"}, ("en_US-amy", None, None)),
        ({"voice": "en_US-amy", "speaker": "3"}, ("en_US-amy", None, "3")),
    ],
)
def test_wyoming_s_own_server_reads_text_and_voice(
    options: dict[str, str], voice: tuple[object, ...]
) -> None:
    fake = FakeWyomingSpeak()
    run_with(fake, "wyoming-tts", options, "uri", ["Grüß Gott."])
    (asked,) = fake.asked_for
    assert asked.text == "Grüß Gott."
    assert asked.voice is not None
    assert (asked.voice.name, asked.voice.language, asked.voice.speaker) == voice


def test_piper_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "piper", None)
    with pytest.raises(SettingsError, match=r"use: piper needs the package piper-tts: pip install"):
        build("piper", Kind.TTS, {"voice": "x.onnx"}, table="providers.x")


def test_a_file_that_is_no_voice_is_told(tmp_path: Path) -> None:
    model = make_voice(tmp_path)
    model.write_bytes(b"no network")
    with pytest.raises(SettingsError, match=r"voice: .*tone\.onnx is no voice of piper's"):
        build("piper", Kind.TTS, {"voice": str(model)}, table="providers.x")


def test_piper_failing_in_the_middle_is_a_provider_error(tmp_path: Path) -> None:
    async def main() -> None:
        tts = build(
            "piper", Kind.TTS, {"voice": str(make_voice(tmp_path)), "speaker": 3}, table="providers.x"
        )
        (voice,) = tts._voices.values()  # type: ignore[attr-defined]
        voice.config.num_speakers = 5  # as its description says, but not its network
        with pytest.raises(ProviderError, match="piper: cannot speak"):
            await say(tts, "Hello.")
        await tts.close()

    asyncio.run(main())


# ------------------------------------------------------------------ what all share


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "Ava"),
        ("de", "Katja"),
        ("de-CH", "Katja"),
        ("de_at", "Ingrid"),
        ("DE-AT", "Ingrid"),
        ("", "Ava"),
    ],
)
def test_a_language_s_own_voice_comes_before_the_others(language: str, voice: str) -> None:
    options = VendorVoice(voice="Ava", voices={"de": "Katja", "de-AT": "Ingrid"})
    assert options.voice_for(language) == voice


def test_a_word_is_told_with_the_piece_in_which_it_ends() -> None:
    narration = Narration(
        "One two", SoundFormat(Encoding.PCM16, 8000), 8000, char_offset=10, sample_offset=100
    )
    narration.word(SpokenWord("one", 0.0, 0.25))
    narration.word(SpokenWord("two", 0.25, 9.0))
    second = np.ones(8000, "<i2").tobytes()
    pieces = [*narration.sound(second), *narration.finish()]
    told = [(i, w) for i, piece in enumerate(pieces) for w in piece.words]
    assert [(i, w.start_char, w.end_char) for i, w in told] == [(1, 10, 13), (len(pieces) - 1, 14, 17)]
    assert [(w.start_sample, w.end_sample) for _, w in told] == [(100, 2100), (2100, 8100)]


def test_a_connection_that_went_stale_costs_the_caller_nothing() -> None:
    """The vendor closes an idle connection, with a code that else means that trying again is useless, and our
    request is on its way already."""

    async def main() -> None:
        fake = FakeElevenLabs()
        async with fake.running() as url:
            options = {"voice": "Ava", "api_key_env": KEY_ENV, "url": url}
            tts = build("elevenlabs", Kind.TTS, options, table="providers.x")
            assert isinstance(tts, WebSocketTextToSpeech)
            await say(tts, "One.")
            fake.closes_at_the_next_message = 1008
            said = await say(tts, "One two three.")
            await tts.close()
        assert len(said.pcm) == 3 * 0.06 * 8000
        assert [usage.characters for usage in said.usage] == [14]
        assert fake.studio.connections == 2

    asyncio.run(main())
