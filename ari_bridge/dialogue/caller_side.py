"""The caller's side of a dialogue: voice and digits come in and are gathered into turns."""

from __future__ import annotations

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.caller import CallerTurn
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.voice import Voice

PREROLL_S = 0.25
"""The recogniser gets the audio from this long before the onset: soft consonants come before loud vowels."""


class CallerSide:
    def __init__(self, outbox: Outbox) -> None:
        self.voice = Voice()
        self.turn: CallerTurn | None = None
        """What the caller has said since the last answer was asked for."""
        self._utterance: int | None = None
        """The one that is open at the recogniser."""
        self._outbox = outbox

    def heard_until(self, until_s: float, *, is_turn: bool) -> None:
        """The voice that is on goes on. `is_turn`: it is the caller's turn, not only a sound."""
        if is_turn and self.turn is not None:
            self.turn.add_voice(self.voice.until_s, until_s)
        self.voice.until_s = until_s

    def open_utterance(self, *, answer_needed: bool) -> None:
        """Have the voice that is on transcribed. `answer_needed`: the agent was stopped for it."""
        since_s = self.voice.since_s
        assert since_s is not None
        if self.turn is None:
            self.turn = CallerTurn(since_s, answer_needed=answer_needed)
        self._utterance = self._outbox.number()
        self.turn.open_utterance(self._utterance)
        self.turn.add_voice(since_s, self.voice.until_s)
        self._outbox.do(s.OpenUtterance(self._utterance, since_s - PREROLL_S))

    def close_utterance(self, now: float) -> None:
        """The caller's part is over."""
        if self._utterance is not None:
            self._outbox.do(s.CloseUtterance(self._utterance))
            self._utterance = None
        if self.turn is not None:
            self.turn.close(now)

    def take_digit(self, digit: str, at_s: float, now: float) -> None:
        if self.turn is None:
            self.turn = CallerTurn(at_s, answer_needed=True)
        self.turn.add_digit(digit, at_s)
        self.turn.close(now)
        self.voice.spend()

    def understood(self, utterance: int, text: str) -> None:
        if self.turn is not None:
            self.turn.understood(utterance, text)

    def forget_turn(self) -> None:
        self.turn = None

    def take_turn(self) -> CallerTurn:
        """The turn, complete, for whoever answers it."""
        turn, self.turn = self.turn, None
        assert turn is not None
        if turn.news or not turn.text:
            self._outbox.tell(LiveKind.CALLER_SAID, turn.news)
        return turn
