"""Numbers in speech, counted: how many digits somebody has said, as numerals or in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ari_bridge.dialogue.languages.base import Language


@dataclass(frozen=True, slots=True)
class Run:
    """Number words with nothing but hesitation between them: said[start:end]."""

    start: int
    end: int
    digits: int
    """How many it would take to dial it; "twenty five" is two, "double five" too."""


def runs(said: Sequence[str], language: Language) -> list[Run]:
    """Every number in `said` (see words.words), in order."""
    found: list[Run] = []
    counter = _Counter(language)
    start = end = 0
    for index, word in enumerate(said):
        if counter.take(word):
            start = start if counter.words > 1 else index
            end = index + 1
        elif counter.words and not counter.may_pass(word):
            found.append(Run(start, end, counter.digits))
            counter = _Counter(language)
    if counter.words:
        found.append(Run(start, end, counter.digits))
    return found


class _Counter:
    def __init__(self, language: Language) -> None:
        self._language = language
        self.words = 0
        self.digits = 0
        self._open_ten = False
        """The last word was a ten, whose second digit the next one may give."""
        self._times = 1

    def take(self, word: str) -> bool:
        """Whether it belongs to a number."""
        language = self._language
        if word in language.repeats:
            self._times = 2
            return False
        if word.isdecimal():
            self._add(len(word))
        elif word in language.units:
            self._add(0 if self._open_ten else 1)
        elif word in language.teens:
            self._add(0 if self._open_ten else 2)
        elif word in language.tens:
            self._add(2, open_ten=True)
        else:
            return False
        return True

    def may_pass(self, word: str) -> bool:
        """Whether the number may go on after it."""
        language = self._language
        if word in language.joiners:
            return True
        self._open_ten = False
        return word in language.repeats or bool(language.hesitations.begin([word]))

    def _add(self, digits: int, *, open_ten: bool = False) -> None:
        self.words += 1
        self.digits += digits * self._times
        self._times = 1
        self._open_ten = open_ten
