"""An answer that is begun before the caller's turn is surely over (*eager end of turn*).

The model is asked with the words so far. What it says is kept and shown to nobody: no sentence is spoken, no
tool with effects runs (one that only looks things up may, early), the history knows nothing of it. When the
turn ends with those very words the answer is taken as if the model had been asked then, and has an advance;
when the caller goes on, or turns out to have said something else, it is cancelled and was never there.
"""

from __future__ import annotations

from typing import TypeAlias

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import History
from ari_bridge.dialogue.latency import Stamp, Waterfall
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.words import words

ReplyEvent: TypeAlias = s.ReplyText | s.ReplyToolCall | s.ReplyEnded

TRIES_MAX = 2
"""In one turn: words that keep changing are not worth a model's time."""


class Speculation:
    def __init__(self, history: History, outbox: Outbox) -> None:
        self._history, self._outbox = history, outbox
        self._round: int | None = None
        self._text = ""
        self._said: list[ReplyEvent] = []
        self._tries = 0
        self._asked_s = 0.0
        self._first_token_s: float | None = None

    def begin(self, text: str, now: float) -> None:
        """Ask the model, unless it has been asked with these words."""
        if (self._round is not None and words(text) == words(self._text)) or self._tries >= TRIES_MAX:
            return
        self.drop()
        self._tries += 1
        self._round, self._text = self._outbox.number(), text
        self._asked_s, self._first_token_s = now, None
        self._outbox.do(s.StartReply(self._round, self._history.messages(text), tentative=True))

    def take(self, event: ReplyEvent, now: float) -> bool:
        """Whether the event is of this answer; then it is kept."""
        if event.round != self._round:
            return False
        self._said.append(event)
        if isinstance(event, s.ReplyToolCall):
            self._outbox.do(s.RunEarly(event.call))
        if self._first_token_s is None:
            self._first_token_s = now
        return True

    def failed(self, round_number: int) -> bool:
        """Whether it was this answer that failed; then it never was."""
        if round_number != self._round:
            return False
        self._round, self._said = None, []
        return True

    def commit(self, text: str, waterfall: Waterfall) -> tuple[int, list[ReplyEvent]] | None:
        """The turn is over with these words: the round that answers them, and what it has said so far. When
        it was asked and began to answer goes into the waterfall."""
        fits = self._round is not None and words(text) == words(self._text)
        taken = None if not fits or self._round is None else (self._round, self._said)
        if taken is None:
            self.drop()
        else:
            waterfall.mark(Stamp.MODEL_ASKED, self._asked_s)
            if self._first_token_s is not None:
                waterfall.mark(Stamp.FIRST_TOKEN, self._first_token_s)
        self._round, self._said, self._tries = None, [], 0
        return taken

    def drop(self) -> None:
        """The caller goes on."""
        if self._round is not None and not any(isinstance(event, s.ReplyEnded) for event in self._said):
            self._outbox.do(s.CancelReply(self._round))
        self._round, self._said = None, []
