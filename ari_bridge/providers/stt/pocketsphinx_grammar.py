"""Expected sentences as a finite-state grammar, and the words that the pronunciation dictionary lacks.

The grammar is a prefix tree: sentences that begin alike share their first words, so that a thousand of them
cost hardly more than ten.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

START_STATE, FINAL_STATE = 0, 1


@dataclass(frozen=True, slots=True)
class Grammar:
    transitions: tuple[tuple[int, int, float, str], ...]
    """(from state, to state, probability, word), as pocketsphinx's create_fsg wants them."""
    sentences: frozenset[str]
    words: frozenset[str]
    unknown_words: tuple[str, ...]
    """Words without a pronunciation: the sentences that hold them were left out."""

    def complete(self, words: str) -> str:
        """The sentence that `words` are, or lack one last word of (it is often swallowed); else ""."""
        if words in self.sentences:
            return words
        longer = [s for s in self.sentences if s.startswith(words + " ")]
        return longer[0] if len(longer) == 1 and len(longer[0].split()) == len(words.split()) + 1 > 3 else ""


_MARKS = '.,;:!?"()'
"""Of written sentences; an apostrophe belongs to its word."""


def build_grammar(phrases: Iterable[str], known: Container[str]) -> Grammar:
    transitions: list[tuple[int, int, float, str]] = []
    arcs: dict[tuple[int, str, bool], int] = {}
    sentences: set[str] = set()
    unknown: dict[str, None] = {}
    states = FINAL_STATE + 1
    for phrase in phrases:
        words = [word for part in phrase.lower().split() if (word := part.strip(_MARKS))]
        missing = [word for word in words if word not in known]
        unknown.update(dict.fromkeys(missing))
        if missing or not words:
            continue
        sentences.add(" ".join(words))
        state = START_STATE
        for index, word in enumerate(words):
            is_last = index == len(words) - 1
            arc = (state, word, is_last)
            if arc not in arcs:
                arcs[arc] = FINAL_STATE if is_last else states
                states += not is_last
                transitions.append((state, arcs[arc], 1.0, word))
            state = arcs[arc]
    words_used = frozenset(word for *_, word in transitions)
    return Grammar(tuple(transitions), frozenset(sentences), words_used, tuple(unknown))


def read_dictionary(path: Path) -> dict[str, list[str]]:
    """{word: its pronunciations} from a CMU dictionary (`word(2) P H O N E S` is a second one)."""
    found: dict[str, list[str]] = {}
    for word, phones in _entries(path):
        found.setdefault(word.partition("(")[0], []).append(phones)
    return found


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            word, _, phones = line.strip().partition(" ")
            if phones:
                yield word, phones.strip()
