"""Words as audio that a few lines of code can recognise, after µ-law and resampling too: each word is a level
for 120 ms, and then 40 ms of silence. Levels lie a fifth apart, µ-law errs by 3 %."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.media.codecs import ulaw

WORDS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("grüße", "aus", "köln", "мир", "你好", "世界", "안녕", "été", "naïve", "señor"),
)
WORD_MS, GAP_MS, BLOCK_MS = 120, 40, 10
_LOWEST, _RATIO = 400.0, 1.2


def spoken(text: str, rate_hz: int) -> Pcm16:
    """The audio of words that are in WORDS."""
    parts = [np.zeros(samples(GAP_MS, rate_hz), np.int16)]
    for word in text.split():
        level = round(_LOWEST * _RATIO ** WORDS.index(word))
        parts += [
            np.full(samples(WORD_MS, rate_hz), level, np.int16),
            np.zeros(samples(GAP_MS, rate_hz), np.int16),
        ]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Word:
    text: str
    start_s: float
    end_s: float


class Recogniser:
    """Finds them in a stream of PCM16 or µ-law bytes."""

    def __init__(self, rate_hz: int, *, is_ulaw: bool = False) -> None:
        self.rate_hz, self._is_ulaw = rate_hz, is_ulaw
        self._rest = np.zeros(0, np.int16)
        self._levels: list[float] = []
        self._block = 0

    @property
    def heard_s(self) -> float:
        return self._block * BLOCK_MS / 1000 + len(self._rest) / self.rate_hz

    def feed(self, data: bytes) -> list[Word]:
        """The words that have come to their end."""
        pcm = (
            ulaw.CODEC.decode(np.frombuffer(data, np.uint8)) if self._is_ulaw else np.frombuffer(data, "<i2")
        )
        self._rest = np.concatenate((self._rest, pcm))
        size, words = samples(BLOCK_MS, self.rate_hz), []
        while len(self._rest) >= size:
            level, self._rest = float(np.mean(self._rest[:size])), self._rest[size:]
            self._block += 1
            if level > _LOWEST / 2:
                self._levels.append(level)
            else:
                words += self.flush()
        return words

    def flush(self) -> list[Word]:
        """The word in progress, if enough of it was heard."""
        levels, self._levels = self._levels, []
        if len(levels) < WORD_MS // BLOCK_MS // 2:
            return []
        number = round(np.log(float(np.median(levels)) / _LOWEST) / np.log(_RATIO))
        end_s = self._block * BLOCK_MS / 1000
        return [Word(WORDS[number], end_s - len(levels) * BLOCK_MS / 1000, end_s)]
