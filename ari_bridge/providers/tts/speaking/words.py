"""Which characters of a sentence are sounding when: vendors' words to the sentence's own. No I/O.

A vendor times what it speaks, and it speaks another text than it was given: "25" is "twenty" and "five",
"Dr." is "doctor", punctuation is gone or stuck to a word. A spoken word that is found in what follows of the
sentence is a landmark. What lies between two landmarks, on either side, belongs together: the "25" before
"dollars" sounds from the beginning of "twenty" to the end of "five".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

_WORDS_AHEAD = 3
"""A landmark may lie this many words behind those that were spoken since the last one."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """As a vendor tells of it; times since the beginning of the audio."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """text[start_char:end_char] sounds from start_s to end_s."""

    start_char: int
    end_char: int
    start_s: float
    end_s: float


class WordPlacer:
    """The words of one text, in order: spoken ones in, placed ones out, no two of them overlapping."""

    def __init__(self, text: str) -> None:
        self._text = "".join(map(_folded, text))
        self._position = 0
        """Up to here the text has been spoken."""
        self._lost: list[SpokenWord] = []
        """Spoken since the last landmark."""
        self._end_s = 0.0

    def place(self, word: SpokenWord) -> Iterator[PlacedWord]:
        wanted = _bare(word.text)
        if not wanted:
            return
        start = self._find(wanted)
        if start is None and self._lost:  # a word that was cut in two
            before = self._lost[-1]
            start = self._find(_bare(before.text + wanted))
            if start is not None:
                word, wanted = replace(word, start_s=before.start_s), _bare(before.text + wanted)
                self._lost.pop()
        if start is None:
            self._lost.append(word)
            return
        yield from self._between(start)
        self._position = start + len(wanted)
        yield self._placed(start, self._position, word.start_s, word.end_s)

    def finish(self) -> Iterator[PlacedWord]:
        """What was spoken after the last landmark, as the rest of the text."""
        yield from self._between(len(self._text))
        self._position = len(self._text)

    def _find(self, wanted: str) -> int | None:
        text, start = self._text, self._position
        while (start := text.find(wanted, start)) >= 0:
            skipped = text[self._position : start].split()
            if sum(any(map(str.isalnum, word)) for word in skipped) > len(self._lost) + _WORDS_AHEAD:
                return None
            end = start + len(wanted)
            begins = start in (0, self._position) or _parted(text[start - 1], text[start])
            if begins and (end == len(text) or _parted(text[end - 1], text[end])):
                return start
            start += 1
        return None

    def _between(self, end: int) -> Iterator[PlacedWord]:
        inside = [i for i in range(self._position, end) if self._text[i].isalnum()]
        if self._lost and inside:
            yield self._placed(inside[0], inside[-1] + 1, self._lost[0].start_s, self._lost[-1].end_s)
        self._lost.clear()

    def _placed(self, start_char: int, end_char: int, start_s: float, end_s: float) -> PlacedWord:
        start_s = max(start_s, self._end_s)
        self._end_s = max(start_s, end_s)
        return PlacedWord(start_char, end_char, start_s, self._end_s)


class CharacterWords:
    """Words out of characters with their times, given in runs that may cut a word in two."""

    def __init__(self) -> None:
        self._letters: list[SpokenWord] = []

    def add(self, characters: Iterable[SpokenWord]) -> Iterator[SpokenWord]:
        """The words that are complete."""
        for character in characters:
            if not character.text.isspace():
                self._letters.append(character)
            elif self._letters:
                yield self._word()

    def finish(self) -> Iterator[SpokenWord]:
        if self._letters:
            yield self._word()

    def _word(self) -> SpokenWord:
        letters, self._letters = self._letters, []
        return SpokenWord("".join(c.text for c in letters), letters[0].start_s, letters[-1].end_s)


def _bare(word: str) -> str:
    """Folded, without what is around its letters and digits."""
    folded = "".join(map(_folded, word))
    return folded.strip("".join({c for c in folded if not c.isalnum()}))


def _folded(character: str) -> str:
    """In lower case, where that is one character too."""
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _parted(before: str, after: str) -> bool:
    """Whether a word may end between two characters. Within a script that has no case it may anywhere:
    Chinese and Japanese put no spaces."""
    if not (before.isalnum() and after.isalnum()):
        return True
    return any(c.isalpha() and c.lower() == c.upper() for c in (before, after))
