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
    """Raises PatternError."""

    def __init__(self, source: str) -> None:
        self._parts = _Parser(source).parse()
        self.slots = frozenset(_slots(self._parts))
        self._regex = re.compile(rf"{_regex(self._parts)}(?= |$)")
        if any(not sentence for sentence in itertools.islice(self.sentences(), 1000)):
            raise PatternError("matches silence: at least one word must not be optional")

    def match(self, said: str) -> Match | None:
        """Where the pattern covers most of `said`, which is normalised text (see `normalise`)."""
        best: Match | None = None
        for found in self._regex.finditer(" " + said):
            words = len(found[0].split())
            if best is None or words > best.words:
                slots = {name: value.strip() for name, value in found.groupdict().items() if value}
                best = Match(words, slots)
        return best

    def sentences(self) -> Iterator[str]:
        """Every sentence the pattern stands for."""
        return (" ".join(words) for words in _expand(self._parts))


def normalise(text: str) -> str:
    """Lower-case words with one space between; punctuation is dropped, apostrophes inside words stay."""
    words = _NOT_A_WORD.sub(" ", text.lower().replace("’", "'")).split()
    return " ".join(stripped for word in words if (stripped := word.strip("'_")))


def _regex(parts: tuple[Part, ...]) -> str:
    """Each word is written with one space before it."""
    out = []
    for part in parts:
        if isinstance(part, Word):
            out.append(" " + re.escape(part.text))
        else:
            group = f"?P<{part.slot}>" if part.slot else "?:"
            # Longer options first: a regex takes the first that fits.
            options = sorted((_regex(option) for option in part.options), key=len, reverse=True)
            out.append(f"({group}{'|'.join(options)})")
    return "".join(out)


def _expand(parts: tuple[Part, ...]) -> Iterator[tuple[str, ...]]:
    if not parts:
        yield ()
        return
    head, tail = parts[0], parts[1:]
    heads: Iterator[tuple[str, ...]]
    if isinstance(head, Word):
        heads = iter([(head.text,)])
    else:
        heads = itertools.chain.from_iterable(map(_expand, head.options))
    for words in heads:
        for rest in _expand(tail):
            yield words + rest


def _slots(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Choice):
            if part.slot:
                yield part.slot
            for option in part.options:
                yield from _slots(option)


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
