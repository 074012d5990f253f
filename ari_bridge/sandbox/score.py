"""Where things stand in the picture of a call: rows broken where nobody speaks, words broken into lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ari_bridge.sandbox.evidence import Turn
from ari_bridge.sandbox.measure import Span

WIDTH = 1000
LEFT, RIGHT = 76, 24
LANE = 34
"""Height of one voice, px."""
LINE = 15
"""Height of a line of text."""
LETTER = 6.9
"""Mean width of a letter; system fonts differ, this is a wide one."""
MOST_ROWS = 8
ROW_MS = 16_000.0
"""Length of a full row; longer where the call would need more than MOST_ROWS."""
CALLER_LINES, AGENT_LINES = 2, 4
FEWEST_LETTERS = 8
"""With room for less, a turn stays without words."""
UNHEARD_WORDS = 9
"""So many words of what was never spoken are shown."""


class Word(NamedTuple):
    text: str
    heard: bool


@dataclass(frozen=True, slots=True)
class Words:
    """A turn's text in lines; `x` is where it starts."""

    who: str
    x: float
    lines: tuple[tuple[Word, ...], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of the call and where it is drawn."""

    span: Span
    px_per_ms: float
    axis: float
    """y of the time line, between the two voices."""
    words: tuple[Words, ...]

    def x(self, at_ms: float) -> float:
        return LEFT + (at_ms - self.span.start_ms) * self.px_per_ms

    def holds(self, at_ms: float) -> bool:
        return self.span.start_ms <= at_ms < self.span.end_ms


def rows(duration_ms: float, turns: Sequence[Turn], busy: Sequence[Span], top: float) -> list[Row]:
    """The call as rows, from `top` px downwards, broken if possible where nothing is `busy`: neither a turn,
    nor the wait for its answer, nor what else must not be cut."""
    row_ms = max(ROW_MS, duration_ms / (MOST_ROWS - 1))
    px_per_ms = (WIDTH - LEFT - RIGHT) / row_ms
    whole = [*busy, *(Span(turn.start_ms, turn.end_ms) for turn in turns)]
    exchanges = [*whole, *_exchanges(turns)]
    placed: list[Row] = []
    start_ms = 0.0
    while start_ms < duration_ms:
        end_ms = min(start_ms + row_ms, duration_ms)
        if end_ms < duration_ms:
            end_ms = _quiet(start_ms, end_ms, exchanges) or _quiet(start_ms, end_ms, whole) or end_ms
        span = Span(start_ms, end_ms)
        words = tuple(_words(span, px_per_ms, turns))
        axis = top + 14 + LINE * _most(words, "caller") + LANE
        placed.append(Row(span, px_per_ms, axis, words))
        top = bottom(placed[-1]) + 12
        start_ms = end_ms
    return placed


def bottom(row: Row) -> float:
    return row.axis + LANE + 8 + LINE * _most(row.words, "agent")


def wrap(words: Sequence[Word], letters: int, most: int) -> tuple[tuple[Word, ...], ...]:
    """Words in at most `most` lines of `letters`; what does not fit becomes an ellipsis."""
    lines: list[list[Word]] = [[]]
    used = 0
    unheard = 0
    for index, word in enumerate(words):
        shown = word.text if len(word.text) <= letters else word.text[: max(letters - 1, 1)] + "…"
        if used and used + 1 + len(shown) > letters:
            if len(lines) == most:
                lines[-1].append(Word("…", word.heard))
                break
            lines.append([])
            used = 0
        lines[-1].append(Word(shown, word.heard))
        used += len(shown) + (1 if used else 0)
        unheard += not word.heard
        if unheard == UNHEARD_WORDS and index + 1 < len(words):
            lines[-1].append(Word("…", False))
            break
    return tuple(tuple(line) for line in lines if line)


def marked(turn: Turn) -> list[Word]:
    """The turn's words; of an interrupted one, those that the caller did not hear are marked."""
    words = turn.text.split()
    if not words and turn.who == "caller":
        return [Word("(not understood)", True)]
    heard = len(turn.heard.split()) if turn.interrupted and turn.heard is not None else len(words)
    return [Word(word, index < heard) for index, word in enumerate(words)]


def _most(words: Sequence[Words], who: str) -> int:
    return max((len(entry.lines) for entry in words if entry.who == who), default=1)


def _words(span: Span, px_per_ms: float, turns: Sequence[Turn]) -> list[Words]:
    found = []
    for who, most in (("caller", CALLER_LINES), ("agent", AGENT_LINES)):
        mine = [
            turn
            for turn in turns
            if turn.who == who and not turn.is_pressed and span.start_ms <= turn.start_ms < span.end_ms
        ]
        places = [LEFT + (turn.start_ms - span.start_ms) * px_per_ms for turn in mine]
        for turn, x, following in zip(mine, places, [*places[1:], WIDTH - RIGHT + 12.0], strict=False):
            letters = int((following - x - 12) / LETTER)
            if letters < FEWEST_LETTERS:
                continue
            found.append(Words(who, x, wrap(marked(turn), letters, most)))
    return found


def _exchanges(turns: Sequence[Turn]) -> list[Span]:
    """Turns, each of the caller's stretched to the answer it got: a row does not part the two."""
    spans = []
    for index, turn in enumerate(turns):
        end_ms = turn.end_ms
        if turn.who == "caller" and index + 1 < len(turns):
            end_ms = max(end_ms, turns[index + 1].start_ms + 1)
        spans.append(Span(turn.start_ms, end_ms))
    return spans


def _quiet(start_ms: float, end_ms: float, busy: Sequence[Span]) -> float | None:
    """The latest moment of the row's second half that lies in no busy stretch."""
    at_ms = end_ms
    while at_ms > start_ms + (end_ms - start_ms) * 0.45:
        if not any(span.start_ms - 200 < at_ms < span.end_ms + 100 for span in busy):
            return at_ms
        at_ms -= 50
    return None
