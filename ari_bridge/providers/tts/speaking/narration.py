"""One part of a sentence as it is answered: bytes and words in, pieces of speech out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.providers.base import Speech, WordTime
from ari_bridge.providers.tts.speaking.sound import SoundDecoder, SoundFormat
from ari_bridge.providers.tts.speaking.words import PlacedWord, SpokenWord, WordPlacer

PIECE_MS = 200
"""Vendors' pieces may hold seconds."""


class Narration:
    """A word's time is told with the piece in which the word ends: what is told has its audio, and none lies
    behind the end."""

    def __init__(
        self, text: str, source: SoundFormat, rate_hz: int, *, char_offset: int = 0, sample_offset: int = 0
    ) -> None:
        """`char_offset`, `sample_offset`: where in the sentence the part begins."""
        self._decoder = SoundDecoder(source, rate_hz)
        self._placer = WordPlacer(text)
        self._rate_hz = rate_hz
        self._char_offset, self._sample_offset = char_offset, sample_offset
        self._waiting: list[PlacedWord] = []
        self.samples = 0
        """Put out, at the call's rate."""

    def sound(self, octets: bytes) -> Iterator[Speech]:
        return self.pcm(self._decoder.feed(octets))

    def word(self, word: SpokenWord) -> None:
        self._waiting.extend(self._placer.place(word))

    def finish(self) -> Iterator[Speech]:
        """The rest; the words with it that were told too late, or of more audio than came."""
        yield from self.pcm(self._decoder.finish())
        self._waiting.extend(self._placer.finish())
        if self._waiting:
            yield Speech(np.zeros(0, dtype=np.int16), self._told(self._waiting))

    def pcm(self, pcm: Pcm16) -> Iterator[Speech]:
        size = samples(PIECE_MS, self._rate_hz)
        for start in range(0, len(pcm), size):
            piece = pcm[start : start + size]
            self.samples += len(piece)
            sounded_s = self.samples / self._rate_hz
            done = [word for word in self._waiting if word.end_s <= sounded_s]
            self._waiting = self._waiting[len(done) :]
            yield Speech(piece, self._told(done))

    def _told(self, words: list[PlacedWord]) -> tuple[WordTime, ...]:
        return tuple(
            WordTime(
                word.start_char + self._char_offset,
                word.end_char + self._char_offset,
                self._at(word.start_s),
                self._at(word.end_s),
            )
            for word in words
        )

    def _at(self, time_s: float) -> int:
        return self._sample_offset + min(round(time_s * self._rate_hz), self.samples)
