"""The caller's turn while it is open: its pieces of speech and its digits, until all are understood."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ari_bridge.dialogue.latency import Stamp, Waterfall
from ari_bridge.dialogue.words import words

NOISE_MAX_S = 0.3
"""Voice without words is a cough or a door if it is shorter than this."""


@dataclass(slots=True)
class Piece:
    text: str | None
    """None until its transcript is there."""
    utterance: int | None = None
    known: bool = False
    """It was told already: as a digit, or committed as a turn before."""
    so_far: str = ""
    """Of an utterance that is not over: its sure words."""
    guess: str = ""
    """The same, with words that may change."""
    goes_on: bool = False
    """It begins with the end of the piece before, which was cut where the voice went on."""
    owed_since_s: float = math.inf
    """When its final transcript was asked for."""


class CallerTurn:
    """Opened by voice or a digit; committed when the caller is silent and all transcripts are in."""

    def __init__(self, started_s: float) -> None:
        self.started_s = started_s
        self.last_voiced_s = started_s
        self.voiced_s = 0.0
        """How long there was voice in it."""
        self.closed_s: float | None = None
        """When its end was decided; None while the caller may go on."""
        self.answer_needed = False
        """The agent was stopped for it, so that it must not end in silence."""
        self.waterfall = Waterfall()
        self._pieces: list[Piece] = []
        self._digits: Piece | None = None

    def open_utterance(self, number: int, *, goes_on: bool = False) -> None:
        self._pieces.append(Piece(None, number, goes_on=goes_on))
        self.closed_s = None

    def add_voice(self, from_s: float, until_s: float) -> None:
        self.voiced_s += until_s - from_s
        self.last_voiced_s = max(self.last_voiced_s, until_s)

    def add_digits(self, entry: str, at_s: float, *, is_new: bool) -> None:
        """What was entered at the keypad; not `is_new`: with the digits of it that are here already."""
        if self._digits is None or is_new:
            self._digits = Piece(None, known=True)
            self._pieces.append(self._digits)
        self._digits.text = f"[digit {entry}]" if len(entry) == 1 else f"[digits {entry}]"
        self.answer_needed = True
        self.last_voiced_s = at_s
        self.closed_s = None

    def close(self, now: float) -> None:
        """The caller's part is over; transcripts may be on their way."""
        self.closed_s = now
        self.waterfall = Waterfall(self.last_voiced_s)
        self.waterfall.mark(Stamp.END_OF_TURN, now)

    def understood(self, utterance: int, text: str) -> bool:
        """Whether it is one of its own, and news."""
        for piece in self._pieces:
            if piece.utterance == utterance and piece.text is None:
                piece.text = text.strip()
                return True
        return False

    def understood_so_far(self, utterance: int, text: str, *, is_sure: bool) -> None:
        for piece in self._pieces:
            if piece.utterance == utterance:
                piece.guess = text.strip()
                piece.so_far = text.strip() if is_sure else piece.so_far

    def utterance_closed(self, number: int, now: float) -> None:
        for piece in self._pieces:
            if piece.utterance == number:
                piece.owed_since_s = now

    @property
    def owed_since_s(self) -> float:
        """Since when a transcript is waited for; math.inf when none is, or the caller may go on yet."""
        return min(map(self._waited_since_s, self._pieces), default=math.inf)

    def _waited_since_s(self, piece: Piece) -> float:
        if piece.text is not None or self.closed_s is None:
            return math.inf
        return max(piece.owed_since_s, self.closed_s)

    def settle(self) -> None:
        """Nothing more will be understood."""
        for piece in self._pieces:
            piece.text = piece.so_far if piece.text is None else piece.text

    def give_up_waiting(self, after_s: float, now: float) -> None:
        """For transcripts that are owed for so long: what is known of them has to do."""
        for piece in self._pieces:
            if self._waited_since_s(piece) + after_s <= now:
                piece.text = piece.so_far

    def continue_from(self, text: str, started_s: float, ended_s: float) -> None:
        """It turned out to be the second half of a turn that had been committed (or the first half, of which
        the transcript came late)."""
        self._pieces.insert(0 if started_s <= self.started_s else len(self._pieces), Piece(text, known=True))
        self.started_s = min(self.started_s, started_s)
        self.last_voiced_s = max(self.last_voiced_s, ended_s)
        self.answer_needed = True

    def absorb(self, other: CallerTurn) -> None:
        """What was said in `other` belongs to this turn."""
        if other.started_s < self.started_s:
            self._pieces[:0] = other._pieces
        else:
            self._pieces += other._pieces
        self.started_s = min(self.started_s, other.started_s)
        self.voiced_s += other.voiced_s
        self.last_voiced_s = max(self.last_voiced_s, other.last_voiced_s)
        self.closed_s = None

    @property
    def all_understood(self) -> bool:
        return all(piece.text is not None for piece in self._pieces)

    @property
    def complete(self) -> bool:
        return self.closed_s is not None and self.all_understood

    @property
    def text(self) -> str:
        return _joined((piece, piece.text) for piece in self._pieces)

    @property
    def text_so_far(self) -> str:
        """With the sure words of what is not over."""
        texts = (piece.so_far if piece.text is None else piece.text for piece in self._pieces)
        return _joined(zip(self._pieces, texts, strict=True))

    @property
    def guess(self) -> str:
        """With all words of what is not over; "" where there are none yet."""
        guesses = [piece.guess if piece.text is None else piece.text for piece in self._pieces]
        is_guessed = all(piece.guess or piece.text is not None for piece in self._pieces)
        return _joined(zip(self._pieces, guesses, strict=True)) if is_guessed else ""

    @property
    def news(self) -> str:
        """The text without what was told before."""
        return _joined((piece, piece.text) for piece in self._pieces if not piece.known)

    @property
    def is_spoken(self) -> bool:
        """No digit is in it."""
        return self._digits is None

    @property
    def is_noise(self) -> bool:
        return not self.answer_needed and not self.text and self.voiced_s < NOISE_MAX_S


def _joined(pieces: Iterable[tuple[Piece, str | None]]) -> str:
    """One text; a word that two pieces share, at the cut between them, counts once."""
    said: list[str] = []
    for piece, text in pieces:
        new = (text or "").split()
        if piece.goes_on and said and words(said[-1]) == words(" ".join(new[:1])):
            new = new[1:]
        said += new
    return " ".join(said)
