"""Patterns of the scripted agent: what a caller may say, written once, used to match and to list sentences.

    are you open [on] {day: saturday|sunday} (today|tomorrow|)

    word            itself                      [ ... ]         may be left out
    ( a | b )       one of them                 {name: a | b}   one of them, kept as slot `name`

Brackets nest. A pattern matches anywhere in what was said, as whole words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_SENTENCES = 500
_TOKEN = re.compile(r"\s*(?:(?P<word>[^\W_](?:[\w'’-]*[\w])?)|(?P<mark>[\[\](){}|:]))")
_NOT_A_WORD = re.compile(r"[^\w']+")
_CLOSING = {"[": "]", "(": ")", "{": "}"}


class PatternError(ValueError):
    """The pattern cannot be read; the message says why and where."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `options`; each is a sequence of parts, an empty one may be left out."""

    options: tuple[tuple[Part, ...], ...]
    slot: str = ""


Part = Word | Choice


@dataclass(frozen=True, slots=True)
class Match:
    words: int
    """How many words of the caller's the pattern covered: the longest match wins."""
    slots: dict[str, str]


class Pattern:
    """A table of all the sentences it stands for, each with its slots. Raises PatternError."""

    def __init__(self, source: str) -> None:
        expansions = list(itertools.islice(_expand(_Parser(source).parse()), MOST_SENTENCES + 1))
        if len(expansions) > MOST_SENTENCES:
            raise PatternError(f"is more than {MOST_SENTENCES} sentences; split it")
        self._slots_of: dict[tuple[str, ...], dict[str, str]] = {}
        for words, slots in expansions:
            self._slots_of.setdefault(words, dict(slots))
        if () in self._slots_of:
            raise PatternError("matches silence: at least one word must not be optional")
        self._lengths = sorted({len(words) for words in self._slots_of}, reverse=True)
        self.slots = frozenset(name for slots in self._slots_of.values() for name in slots)

    def match(self, said: str) -> Match | None:
        """The longest of its sentences in `said`, which is normalised text (see `normalise`)."""
        words = tuple(said.split())
        for length in self._lengths:
            for start in range(len(words) - length + 1):
                slots = self._slots_of.get(words[start : start + length])
                if slots is not None:
                    return Match(length, slots)
        return None

    def sentences(self) -> Iterator[str]:
        """Every sentence the pattern stands for."""
        return map(" ".join, self._slots_of)


def normalise(text: str) -> str:
    """Lower-case words with one space between; punctuation is dropped, apostrophes inside words stay."""
    words = _NOT_A_WORD.sub(" ", text.lower().replace("’", "'")).split()
    return " ".join(stripped for word in words if (stripped := word.strip("'_")))


_Expansion = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""The words of one sentence, and its slots as (name, value)."""


def _expand(parts: tuple[Part, ...]) -> Iterator[_Expansion]:
    if not parts:
        yield (), ()
        return
    for words, slots in _expand_one(parts[0]):
        for more_words, more_slots in _expand(parts[1:]):
            yield words + more_words, slots + more_slots


def _expand_one(part: Part) -> Iterator[_Expansion]:
    if isinstance(part, Word):
        yield (part.text,), ()
        return
    for words, slots in itertools.chain.from_iterable(map(_expand, part.options)):
        yield words, (*slots, (part.slot, " ".join(words))) if part.slot else slots


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens: list[str] = []
        position = 0
        while source[position:].strip():
            found = _TOKEN.match(source, position)
            if found is None:
                raise PatternError(f"{source[position:].strip()[:12]!r} is neither a word nor a bracket")
            self._tokens.append(found["mark"] or found["word"].lower().replace("’", "'"))
            position = found.end()
        self._next = 0
        self._names: set[str] = set()

    def parse(self) -> tuple[Part, ...]:
        options = self._options()
        if self._next < len(self._tokens):
            raise PatternError(f"{self._tokens[self._next]!r} stands where nothing is open")
        parts = options[0] if len(options) == 1 else (Choice(options),)
        if not parts:
            raise PatternError("is empty")
        return parts

    def _options(self) -> tuple[tuple[Part, ...], ...]:
        options: list[list[Part]] = [[]]
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token in ("]", ")", "}"):
                break
            self._next += 1
            if token == "|":
                options.append([])
            elif token in _CLOSING:
                options[-1].append(self._bracket(token))
            elif token == ":":
                raise PatternError("':' belongs after a slot's name, as in {day: monday|tuesday}")
            else:
                options[-1].extend(Word(part) for part in normalise(token).split())
        return tuple(map(tuple, options))

    def _bracket(self, opened: str) -> Choice:
        slot = self._slot_name() if opened == "{" else ""
        options = self._options()
        if self._next >= len(self._tokens) or self._tokens[self._next] != _CLOSING[opened]:
            raise PatternError(f"{opened!r} is not closed by {_CLOSING[opened]!r}")
        self._next += 1
        if opened == "[":
            options = (*options, ())
        return Choice(options, slot)

    def _slot_name(self) -> str:
        name = self._tokens[self._next] if self._next < len(self._tokens) else ""
        if not name.isidentifier() or self._tokens[self._next + 1 : self._next + 2] != [":"]:
            raise PatternError("a slot is written {name: one|other}")
        if name in self._names:
            raise PatternError(f"the slot {name!r} is there twice")
        self._names.add(name)
        self._next += 2
        return name
