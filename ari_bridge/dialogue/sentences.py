"""Cuts a model's stream of text into sentences that can be spoken one by one.

Where a sentence ends is decided by the text alone, never by how it was cut into deltas: a full stop waits for
the character after it (3.5, example.com), and for the beginning of the next word ("e.g. this" goes on). The
first sentence may end at a clause already, so that the agent starts to speak early; one that will not end is
cut at the last clause or space before MAX_CHARS, since a speech engine gives nothing back until it has it.

Terminators follow Unicode's Sentence_Terminal property (UAX #29) as far as living scripts use them.
"""

from __future__ import annotations

import re

FIRST_CLAUSE_CHARS = 40
"""The first sentence may end at a comma once it is this long."""
MAX_CHARS = 240

_WIDE_TERMINATORS = "。！？｡．।॥።፧၊။។៕"
"""End a sentence without a space after them."""
_TERMINATORS = ".!?…؟۔։" + _WIDE_TERMINATORS
_CLAUSE_MARKS = ",;:—،؛、，；：፣"
_WIDE_CLAUSE_MARKS = "、，；：—"
_CLOSERS = "\"'”’»›)]}」』】）》"

_BEFORE_NAMES = re.compile(
    r"mr|mrs|ms|dr|prof|st|capt|col|sgt|lt|rev|gen|hon|hr|fr|e\.g|i\.e|eg|ie|vs|z\.b|d\.h|sra|sr|mme|mlle"
)
"""Abbreviations whose sentence goes on, even with a capital."""
_BEFORE_NUMBERS = re.compile(
    r"nos?|nr|approx|ca|ext|fig|tel|vol|sec|pp?|art|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
"""Abbreviations only where a digit follows: "No. 5", but "Oh no."."""

_LAST_WORD = re.compile(r"(\S+)$")
_WORDS = re.compile(r"\w")


class SentenceChunker:
    """Push text as it comes, take whole sentences out; nothing but white space is ever lost."""

    def __init__(self) -> None:
        self._text = ""
        self._scanned = 0
        """Up to here there is no end of a sentence, whatever follows."""
        self._first = True

    def push(self, delta: str) -> list[str]:
        """The sentences that are complete with `delta`, stripped, none empty."""
        self._text += delta
        found: list[str] = []
        while (end := self._next_end(final=False)) is not None:
            self._take(end, found)
        return found

    def finish(self) -> list[str]:
        """The stream is over: what is left, as sentences."""
        found: list[str] = []
        while (end := self._next_end(final=True)) is not None:
            self._take(end, found)
        self._take(len(self._text), found)
        return found

    def _take(self, end: int, found: list[str]) -> None:
        sentence, self._text = self._text[:end].strip(), self._text[end:]
        self._scanned = 0
        if sentence:
            found.append(sentence)
            self._first = False

    def _next_end(self, *, final: bool) -> int | None:
        """The index after the first sentence in the text; None when more text is needed to tell."""
        # Leading space is no part of a sentence's length, else cuts would depend on how the last one ended.
        text = self._text = self._text.lstrip()
        position = self._scanned
        while position < len(text):
            if position >= MAX_CHARS:
                return _last_resort(text[:MAX_CHARS])
            verdict = self._verdict(text, position, final=final)
            if verdict is None:
                break
            if verdict > 0:
                return verdict
            position += 1
            self._scanned = position
        return None

    def _verdict(self, text: str, position: int, *, final: bool) -> int | None:
        """The end of the sentence that the character at `position` closes; 0: none; None: not known yet."""
        char = text[position]
        if char == "\n":
            return position + 1
        if char in _TERMINATORS:
            return _after_terminator(text, position, final=final)
        if self._first and char in _CLAUSE_MARKS and position + 1 >= FIRST_CLAUSE_CHARS:
            after = position + 1
            if char in _WIDE_CLAUSE_MARKS:
                return after
            if after == len(text):
                return 0 if final else None
            return after if text[after].isspace() else 0
        return 0


def sentences_of(text: str) -> list[str]:
    """A whole text, cut."""
    chunker = SentenceChunker()
    return [sentence for sentence in chunker.push(text) + chunker.finish() if has_words(sentence)]


def has_words(sentence: str) -> bool:
    """Whether there is anything to say: "..." and a lone bracket are not."""
    return _WORDS.search(sentence) is not None


def _after_terminator(text: str, position: int, *, final: bool) -> int | None:
    end = position + 1
    while end < len(text) and text[end] in _TERMINATORS + _CLOSERS:
        end += 1
    if end == len(text) and not final:
        return None
    if end == len(text):
        return end
    if text[position] in _WIDE_TERMINATORS:
        return end
    if not text[end].isspace():
        return 0
    if text[position] not in ".…":
        return end
    start = end
    while start < len(text) and text[start].isspace():
        if text[start] == "\n":
            return start + 1
        start += 1
    if start == len(text):
        return end if final else None
    return 0 if _goes_on(text[:position], text[start]) else end


def _goes_on(before: str, following: str) -> bool:
    """Whether a full stop after `before` is part of its word, judged by the next word's first character."""
    if following.islower():
        return True
    match = _LAST_WORD.search(before)
    if match is None:
        return False
    word = match.group(1).lstrip("\"'(“‘«[")
    if len(word) == 1 and word.isalpha() and word.isupper():
        return word != "I"  # an initial: J. Smith
    if word.isdigit() and before.strip() == word:
        return True  # the number of a list's item: 1. Open the door
    folded = word.lower()
    if _BEFORE_NAMES.fullmatch(folded):
        return True
    return following.isdigit() and _BEFORE_NUMBERS.fullmatch(folded) is not None


def _last_resort(text: str) -> int:
    """Where to cut a text in which no sentence ends: after a clause, at a space, or at its very end."""
    for index in range(len(text) - 1, len(text) // 3, -1):
        if text[index] in _CLAUSE_MARKS:
            return index + 1
    for index in range(len(text) - 1, len(text) // 3, -1):
        if text[index].isspace():
            return index + 1
    return len(text)
