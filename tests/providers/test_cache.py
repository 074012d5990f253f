"""Fixed phrases are spoken once and remembered."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.providers.base import Speech, VoiceContext, WordTime
from ari_bridge.providers.cache import CachingTextToSpeech
from ari_bridge.providers.phrase_store import Phrase, PhraseStore
from tests.providers.engines import WORD_SAMPLES, Voice

GREETING = "Hello there. How can I help you?"
CONTEXT = VoiceContext(8000)


def cached(engine: Voice, store: PhraseStore, **options: object) -> CachingTextToSpeech:
    return CachingTextToSpeech(engine, store, provider="espeak", options=options, phrases=[GREETING])


async def spoken(tts: CachingTextToSpeech, sentence: str, context: VoiceContext = CONTEXT) -> list[Speech]:
    async with aclosing(tts.speak(sentence, context)) as pieces:
        return [piece async for piece in pieces]


def in_store(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_a_fixed_phrase_is_made_once_and_sounds_the_same() -> None:
    async def main() -> None:
        voice, store = Voice(7), PhraseStore(None)
        tts = cached(voice, store)
        first = Phrase.of(await spoken(tts, "How can I help you?"), 8000)
        again = Phrase.of(await spoken(tts, "How can I help you?"), 8000)
        assert voice.spoken == ["How can I help you?"]
        assert np.array_equal(first.pcm, again.pcm)
        assert first.words == again.words
        assert len(again.words) == 5

    in_store(main())


def test_what_a_model_says_is_not_kept() -> None:
    async def main() -> None:
        voice, store = Voice(), PhraseStore(None)
        for _ in range(2):
            await spoken(cached(voice, store), "Your balance is 12 euros.")
        assert len(voice.spoken) == 2

    in_store(main())


def test_voice_rate_and_language_have_phrases_of_their_own() -> None:
    async def main() -> None:
        voice, store = Voice(), PhraseStore(None)
        await spoken(cached(voice, store, voice="en-us", rate_wpm=165), "Hello there.")
        await spoken(cached(voice, store, voice="en-gb", rate_wpm=165), "Hello there.")
        await spoken(cached(voice, store, voice="en-us", rate_wpm=120), "Hello there.")
        await spoken(cached(voice, store, voice="en-us", rate_wpm=165), "Hello there.", VoiceContext(16000))
        await spoken(
            cached(voice, store, voice="en-us", rate_wpm=165), "Hello there.", VoiceContext(8000, "de")
        )
        assert len(voice.spoken) == 5

    in_store(main())


def test_a_phrase_outlives_the_process(tmp_path: Path) -> None:
    async def main() -> None:
        store = PhraseStore(tmp_path / "speech")
        await spoken(cached(Voice(7), store), "Hello there.")
        await store.close()
        voice = Voice(9)
        pieces = await spoken(cached(voice, PhraseStore(tmp_path / "speech")), "Hello there.")
        assert voice.spoken == []
        assert Phrase.of(pieces, 8000).pcm[0] == 7
        assert [word.end_sample for word in Phrase.of(pieces, 8000).words] == [WORD_SAMPLES, 2 * WORD_SAMPLES]

    in_store(main())


def test_a_phrase_that_was_broken_off_or_is_silent_is_not_kept(tmp_path: Path) -> None:
    async def main() -> None:
        voice, store = Voice(), PhraseStore(tmp_path)
        async with aclosing(cached(voice, store).speak("Hello there.", CONTEXT)) as pieces:
            await anext(pieces)
        await spoken(cached(voice, store), "Hello there.")
        assert len(voice.spoken) == 2
        await spoken(cached(Voice(0), store), "How can I help you?")
        await spoken(cached(voice, store), "How can I help you?")
        assert len(voice.spoken) == 3
        await store.close()

    in_store(main())


def test_calls_that_greet_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    async def main() -> None:
        store = PhraseStore(tmp_path)
        tts = cached(Voice(7), store)
        told = await asyncio.gather(*(spoken(tts, "Hello there.") for _ in range(8)))
        assert all(len(Phrase.of(pieces, 8000).pcm) == 2 * WORD_SAMPLES for pieces in told)
        await store.close()
        assert len(list(tmp_path.iterdir())) == 1

    in_store(main())


def test_memory_and_disk_are_bounded_and_the_oldest_goes(tmp_path: Path) -> None:
    async def main() -> None:
        phrase = Phrase(np.ones(1000, np.int16), 8000)
        size = len(phrase.to_bytes())
        store = PhraseStore(tmp_path, memory_bytes=phrase.size * 2, disk_bytes=size * 2)
        for number, key in enumerate(("a", "b")):
            store.put(key, phrase)
            await store.close()
            os.utime(tmp_path / f"{key}.phrase", (number, number))
        await PhraseStore(tmp_path).get("a")  # used now
        store.put("c", phrase)
        await store.close()
        assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c"]
        memory_only = PhraseStore(None, memory_bytes=phrase.size * 2)
        for key in ("a", "b"):
            memory_only.put(key, phrase)
        await memory_only.get("a")
        memory_only.put("c", phrase)
        assert await memory_only.get("a") is not None
        assert await memory_only.get("b") is None

    in_store(main())


@pytest.mark.parametrize("damage", [b"", b"nonsense", b'{"format": 1}\n', b"\x00" * 100, b"[]\n12"])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: bytes) -> None:
    async def main() -> None:
        store = PhraseStore(tmp_path)
        await spoken(cached(Voice(), store), "Hello there.")
        await store.close()
        [path] = tmp_path.iterdir()
        path.write_bytes(damage)
        voice, anew = Voice(), PhraseStore(tmp_path)
        await spoken(cached(voice, anew), "Hello there.")
        await anew.close()
        assert voice.spoken == ["Hello there."]
        assert Phrase.from_bytes(path.read_bytes()) is not None

    in_store(main())


def test_a_directory_that_cannot_be_written_costs_nothing_but_the_phrase(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        (tmp_path / "file").write_text("in the way")
        store = PhraseStore(tmp_path / "file")
        assert await spoken(cached(Voice(), store), "Hello there.")
        await store.close()

    in_store(main())
    assert "phrases are not kept on disk" in caplog.text


@given(st.binary(max_size=200))
def test_any_file_is_a_phrase_or_none(data: bytes) -> None:
    assert Phrase.from_bytes(data) is None


@given(st.integers(1, 50), st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), max_size=5))
def test_a_phrase_comes_back_as_it_was(size: int, words: list[tuple[int, int, int, int]]) -> None:
    phrase = Phrase(np.arange(size, dtype=np.int16), 16000, tuple(WordTime(*word) for word in words))
    back = Phrase.from_bytes(phrase.to_bytes())
    assert back is not None
    assert np.array_equal(back.pcm, phrase.pcm)
    assert (back.rate_hz, back.words) == (16000, phrase.words)
    assert Phrase.from_bytes(phrase.to_bytes()[:-1]) is None
