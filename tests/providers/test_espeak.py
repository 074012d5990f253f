from __future__ import annotations

import asyncio
import itertools
import threading

import numpy as np
import pytest

from ari_bridge.core.audio import dbfs
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Speech, VoiceContext
from ari_bridge.providers.tts.espeak import EspeakOptions, EspeakTextToSpeech, synthesize


def _speak(
    sentence: str, rate_hz: int = 8000, language: str = "en", options: EspeakOptions | None = None
) -> list[Speech]:
    async def main() -> list[Speech]:
        tts = EspeakTextToSpeech(options or EspeakOptions())
        try:
            return [speech async for speech in tts.speak(sentence, VoiceContext(rate_hz, language))]
        finally:
            await tts.close()

    return asyncio.run(main())


def _samples(speech: list[Speech]) -> int:
    return sum(len(piece.pcm) for piece in speech)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_words_are_timed_at_the_call_s_rate_in_order_within_the_audio(rate_hz: int) -> None:
    text = "Hello there, it costs 25 dollars. Café 😀 end!"
    speech = _speak(text, rate_hz)
    words = [word for piece in speech for word in piece.words]
    said = [text[word.start_char : word.end_char] for word in words]
    assert said == ["Hello", "there", "it", "costs", "25", "dollars", "Café", "😀", "end"]
    times = [time for word in words for time in (word.start_sample, word.end_sample)]
    assert times == sorted(times)
    assert times[-1] <= _samples(speech)
    assert 2 * rate_hz < _samples(speech) < 8 * rate_hz


def test_a_word_sounds_where_its_time_says() -> None:
    speech = _speak("Stop. Go.")
    pcm = np.concatenate([piece.pcm for piece in speech])
    stop, go = (word for piece in speech for word in piece.words)
    pause = pcm[go.start_sample - 1200 : go.start_sample - 400]
    assert dbfs(pcm[stop.start_sample : stop.start_sample + 3000]) > dbfs(pause) + 20
    assert dbfs(pcm[go.start_sample : go.end_sample]) > dbfs(pause) + 20


def test_long_text_keeps_its_character_offsets_across_clauses() -> None:
    text = "This is a long story, and it goes on. " * 30
    words = [word for piece in _speak(text) for word in piece.words]
    assert len(words) == 9 * 30
    said = {text[w.start_char : w.end_char] for w in words}
    assert said == {"This", "is", "a", "long", "story", "and", "it", "goes", "on"}
    assert all(a.end_sample <= b.start_sample for a, b in itertools.pairwise(words))


@pytest.mark.parametrize("text", ["", "   ", "\n", "\0"])
def test_nothing_to_say_is_next_to_no_audio(text: str) -> None:
    assert _samples(_speak(text)) < 800


@pytest.mark.parametrize(
    ("language", "text"), [("de", "Grüß Gott"), ("fr", "Ça va"), ("en-gb", "Hello"), ("ja", "こんにちは")]
)
def test_other_languages_speak(language: str, text: str) -> None:
    assert _samples(_speak(text, language=language)) > 2000


def test_a_language_without_a_voice_is_a_provider_error() -> None:
    with pytest.raises(ProviderError, match="no voice 'xx-nowhere'"):
        _speak("hello", language="xx-nowhere")


def test_options_change_the_voice() -> None:
    text = "Some words to be spoken."
    plain = np.concatenate([piece.pcm for piece in _speak(text)])
    fast = np.concatenate([piece.pcm for piece in _speak(text, options=EspeakOptions(rate_wpm=300))])
    quiet = np.concatenate([piece.pcm for piece in _speak(text, options=EspeakOptions(volume=20))])
    assert len(fast) < 0.8 * len(plain)
    assert dbfs(quiet) < dbfs(plain) - 6


def test_a_sentence_stopped_in_the_middle_leaves_the_engine_to_the_next() -> None:
    async def main() -> int:
        tts = EspeakTextToSpeech(EspeakOptions())
        stopped = tts.speak("This will not be heard to its end. " * 20, VoiceContext(8000))
        await anext(stopped)
        await stopped.aclose()
        count = sum([len(piece.pcm) async for piece in tts.speak("Yes.", VoiceContext(8000))])
        await tts.close()
        return count

    assert 1000 < asyncio.run(main()) < 16000


def test_closing_ends_the_engine_s_thread() -> None:
    before = set(threading.enumerate())
    _speak("Hello.")
    for thread in set(threading.enumerate()) - before:
        thread.join(1)
        assert not thread.is_alive()


def test_the_plain_helper_gives_the_whole_text() -> None:
    assert 0.5 * 16000 < len(synthesize("good morning", 16000)) < 2 * 16000
