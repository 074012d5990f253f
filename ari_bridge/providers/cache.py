"""Text to speech that remembers fixed phrases: the greeting is there at once, and costs nothing the second
time.

Only phrases that were named beforehand are kept: what a model says differs each time, and may be about the
caller. The key holds all that the audio depends on: provider and its options (voice, speaking rate),
language, sample rate and text; change one, and the phrase is made anew. Word times are kept with the audio.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from itertools import chain

import numpy as np

from ari_bridge.core.audio import samples
from ari_bridge.dialogue.sentences import SentenceChunker
from ari_bridge.providers.base import Options, Speech, TextToSpeech, VoiceContext, warmed
from ari_bridge.providers.phrase_store import Phrase, PhraseStore
from ari_bridge.providers.streams import watched

PIECE_MS = 200
_KEY_VERSION = 1


class CachingTextToSpeech:
    """An engine, with `store` before it for `phrases`."""

    def __init__(
        self,
        engine: TextToSpeech,
        store: PhraseStore,
        *,
        provider: str,
        options: Options,
        phrases: Iterable[str],
    ) -> None:
        """`phrases`: texts as they are spoken; each of their sentences is kept by itself, as that is what an
        engine gets."""
        self._engine, self._store = engine, store
        self._voice = json.dumps([_KEY_VERSION, provider, options], sort_keys=True, default=str)
        self._sentences = frozenset(chain.from_iterable(map(_sentences, phrases)))

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        if sentence not in self._sentences:
            async with aclosing(watched(self._engine.speak(sentence, context))) as pieces:
                async for piece in pieces:
                    yield piece
            return
        key = self._key(sentence, context)
        phrase = await self._store.get(key)
        if phrase is None:
            heard: list[Speech] = []
            async with aclosing(watched(self._engine.speak(sentence, context))) as pieces:
                async for piece in pieces:
                    heard.append(piece)
                    yield piece
            phrase = Phrase.of(heard, context.rate_hz)
            if np.any(phrase.pcm):
                self._store.put(key, phrase)
            return
        for piece in _pieces(phrase):
            yield piece

    async def warm(self) -> None:
        await warmed(self._engine)

    async def prepare(self, text: str, context: VoiceContext) -> None:
        """Keep `text`, one of the phrases. Raises ProviderError."""
        for sentence in self._sentences.intersection(_sentences(text)):
            if await self._store.get(self._key(sentence, context)) is None:
                async with aclosing(self.speak(sentence, context)) as pieces:
                    async for _ in pieces:
                        pass

    async def close(self) -> None:
        """Closes the engine; the store is its owner's."""
        await self._engine.close()

    def _key(self, sentence: str, context: VoiceContext) -> str:
        parts = json.dumps([self._voice, context.language, context.rate_hz, context.pace, sentence])
        return hashlib.sha256(parts.encode()).hexdigest()


def _sentences(text: str) -> list[str]:
    chunker = SentenceChunker()
    return chunker.push(text) + chunker.finish()


def _pieces(phrase: Phrase) -> Iterable[Speech]:
    """All word times with the first piece: there is no reason to tell them late."""
    size = samples(PIECE_MS, phrase.rate_hz)
    for start in range(0, len(phrase.pcm), size):
        yield Speech(phrase.pcm[start : start + size], phrase.words if start == 0 else ())
