"""The caller's turn while it is open: its pieces of speech and its digits, until all are understood."""

from __future__ import annotations

from dataclasses import dataclass

from ari_bridge.dialogue.latency import Stamp, Waterfall

NOISE_MAX_S = 0.3
"""Voice without words is a cough or a door if it is shorter than this."""


@dataclass(slots=True)
class Piece:
    text: str | None
    """None until its transcript is there."""
    utterance: int | None = None
    known: bool = False
    """It was told already: as a digit, or committed as a turn before."""


class CallerTurn:
    """Opened by voice or a digit; committed when the caller is silent and all transcripts are in."""

    def __init__(self, started_s: float, *, answer_needed: bool) -> None:
        """`answer_needed`: the agent was stopped for it, so that it must not end in silence."""
        self.started_s = started_s
        self.last_voiced_s = started_s
        self.closed_s: float | None = None
        """When its end was decided; None while the caller may go on."""
        self.waterfall = Waterfall()
        self._answer_needed = answer_needed
        self._voiced_s = 0.0
        self._pieces: list[Piece] = []

    def open_utterance(self, number: int) -> None:
        self._pieces.append(Piece(None, number))
        self.closed_s = None

    def add_voice(self, from_s: float, until_s: float) -> None:
        self._voiced_s += until_s - from_s
        self.last_voiced_s = max(self.last_voiced_s, until_s)

    def add_digit(self, digit: str, at_s: float) -> None:
        self._pieces.append(Piece(f"[digit {digit}]", known=True))
        self.last_voiced_s = at_s

    def close(self, now: float) -> None:
        """The caller's part is over; transcripts may be on their way."""
        self.closed_s = now
        self.waterfall = Waterfall(self.last_voiced_s)
        self.waterfall.mark(Stamp.END_OF_TURN, now)

    def understood(self, utterance: int, text: str) -> None:
        for piece in self._pieces:
            if piece.utterance == utterance and piece.text is None:
                piece.text = text.strip()

    def give_up_waiting(self) -> None:
        """The recogniser owes transcripts for too long: they count as not understood."""
        for piece in self._pieces:
            piece.text = piece.text or ""

    def continue_from(self, text: str, started_s: float) -> None:
        """It turned out to be the second half of a turn that had been committed."""
        self._pieces.insert(0, Piece(text, known=True))
        self.started_s = started_s
        self._answer_needed = True

    @property
    def complete(self) -> bool:
        return self.closed_s is not None and all(piece.text is not None for piece in self._pieces)

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self._pieces if piece.text)

    @property
    def news(self) -> str:
        """The text without what was told before."""
        return " ".join(piece.text for piece in self._pieces if piece.text and not piece.known)

    @property
    def is_noise(self) -> bool:
        return not self._answer_needed and not self.text and self._voiced_s < NOISE_MAX_S
