"""What was said, as words that can be compared, and tables of phrases to compare them with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

Words: TypeAlias = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_REMARK = re.compile(r"[\[(<*][^\])>*]*[\])>*]")


def words(text: str) -> Words:
    """Case-folded, in composed form (NFC), without punctuation; hyphens part words ("uh-huh" is two).

    Remarks of a recogniser in brackets or asterisks are no words: "[noise]", "(coughs)", "<unk>", "*laughs*".
    """
    plain = unicodedata.normalize("NFC", _REMARK.sub(" ", text)).casefold()
    return tuple(_WORD.findall(plain.replace("’", "'")))


def split(table: str) -> list[str]:
    """The words of a table, as they are written."""
    return table.split()


class Phrases:
    """A set of phrases, for questions about a row of words. Longest match wins."""

    def __init__(self, *tables: str) -> None:
        """Each table is phrases with commas between them."""
        found = (words(phrase) for table in tables for phrase in table.split(","))
        self._phrases = frozenset(phrase for phrase in found if phrase)
        self._lengths = sorted({len(phrase) for phrase in self._phrases}, reverse=True)

    def __or__(self, other: Phrases) -> Phrases:
        joined = Phrases()
        joined._phrases = self._phrases | other._phrases
        joined._lengths = sorted({len(phrase) for phrase in joined._phrases}, reverse=True)
        return joined

    def __iter__(self) -> Iterator[Words]:
        return iter(self._phrases)

    def at(self, said: Sequence[str], start: int) -> int:
        """How many words a phrase covers that begins at `start`; 0 where none does."""
        return next(
            (
                n
                for n in self._lengths
                if start + n <= len(said) and tuple(said[start : start + n]) in self._phrases
            ),
            0,
        )

    def begin(self, said: Sequence[str]) -> int:
        """How many of the first words are a phrase."""
        return self.at(said, 0)

    def end(self, said: Sequence[str]) -> int:
        """How many of the last words are a phrase."""
        return next(
            (n for n in self._lengths if n <= len(said) and tuple(said[len(said) - n :]) in self._phrases),
            0,
        )

    def within(self, said: Sequence[str]) -> bool:
        """Whether one stands anywhere."""
        return any(self.at(said, start) for start in range(len(said)))

    def left_over(self, said: Sequence[str]) -> Words:
        """The words that no phrase covers, taken from left to right."""
        rest, start = [], 0
        while start < len(said):
            covered = self.at(said, start)
            if not covered:
                rest.append(said[start])
            start += covered or 1
        return tuple(rest)

    def make_up(self, said: Sequence[str]) -> bool:
        """Whether `said` is words, and all of them phrases."""
        return bool(said) and not self.left_over(said)
