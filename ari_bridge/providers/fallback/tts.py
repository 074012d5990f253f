"""Text to speech with engines in reserve: the next one speaks the rest of the sentence, from the word on that
was not spoken to its end.

An engine that ends without a sound, though there are words to speak, has failed as well; silence at a
sentence's beginning is held until sound follows it, so that such an engine has put out nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np

from ari_bridge.core.errors import ProviderError
from ari_bridge.dialogue.history import CHAR_S
from ari_bridge.dialogue.sentences import has_words
from ari_bridge.providers.base import Preparing, Speech, TextToSpeech, VoiceContext, WordTime
from ari_bridge.providers.fallback.pool import Pool
from ari_bridge.providers.streams import StallLimits, watched

_WORD = re.compile(r"\S+")


class FallbackTextToSpeech:
    def __init__(self, pool: Pool[TextToSpeech], limits: StallLimits) -> None:
        self._pool, self._limits = pool, limits

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        """Raises ProviderError when no engine has spoken the sentence to its end."""
        spoken = _Spoken(sentence, context.rate_hz)
        attempts = self._pool.attempts("text to speech")
        for member in self._pool.in_order():
            with attempts.by(member):
                pieces = watched(member.engine.speak(spoken.rest, context), self._limits, _sounds)
                async with aclosing(pieces) as stream:
                    async for piece in stream:
                        for ready in spoken.add(piece):
                            yield ready
                if not spoken.sounds and has_words(spoken.rest):
                    raise ProviderError("it ended without a sound", retryable=True)
                for ready in spoken.held():
                    yield ready
                return
            spoken.cut()
            if not has_words(spoken.rest):
                return
        raise attempts.exhausted()

    async def warm(self) -> None:
        await self._pool.warm()

    async def prepare(self, text: str, context: VoiceContext) -> None:
        """By the first engine that keeps phrases. Raises ProviderError."""
        for engine in self._pool.engines:
            if isinstance(engine, Preparing):
                await engine.prepare(text, context)
                return

    async def close(self) -> None:
        await self._pool.close()


def _sounds(piece: Speech) -> bool:
    return bool(np.any(piece.pcm))


class _Spoken:
    """How far a sentence has been spoken, by one engine after another."""

    def __init__(self, sentence: str, rate_hz: int) -> None:
        self._sentence, self._rate_hz = sentence, rate_hz
        self._from_char = 0
        """Where the present engine's text begins."""
        self._from_sample = 0
        """Where its audio does."""
        self._samples = 0
        """Put out by it."""
        self._words: list[WordTime] = []
        """Of it, by its own count."""
        self._held: list[Speech] = []
        self.sounds = False

    @property
    def rest(self) -> str:
        return self._sentence[self._from_char :]

    def add(self, piece: Speech) -> Sequence[Speech]:
        """The present engine's next piece; what may be put out now, by the whole sentence's count."""
        self._held.append(piece)
        self.sounds = self.sounds or _sounds(piece)
        return self.held() if self.sounds else ()

    def held(self) -> Sequence[Speech]:
        ready, self._held = self._held, []
        for piece in ready:
            self._samples += len(piece.pcm)
            self._words.extend(piece.words)
        return [Speech(piece.pcm, tuple(self._shifted(word) for word in piece.words)) for piece in ready]

    def cut(self) -> None:
        """The present engine is left: the next begins with the first word that has not ended."""
        text = self.rest
        if self._words:
            ended = [word.end_char for word in self._words if word.end_sample <= self._samples]
        else:
            chars = self._samples / self._rate_hz / CHAR_S
            ended = [word.end() for word in _WORD.finditer(text) if word.end() <= chars]
        done = max(ended, default=0)
        done += len(text[done:]) - len(text[done:].lstrip())
        self._from_char += done
        self._from_sample += self._samples
        self._samples, self._words, self._held, self.sounds = 0, [], [], False

    def _shifted(self, word: WordTime) -> WordTime:
        return WordTime(
            word.start_char + self._from_char,
            word.end_char + self._from_char,
            word.start_sample + self._from_sample,
            word.end_sample + self._from_sample,
        )
