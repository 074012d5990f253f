"""The latency of one answer: stamps on one monotonic clock, counted from the caller's last voiced frame.

    last voiced frame ▶ end_of_turn ▶ transcript ▶ first_token ▶ first_sentence ▶ first_audio ▶ first_packet

`end_of_turn` is the configured silence (the field calls it end-of-utterance delay), `transcript` minus it the
recogniser's share, `first_token` the model's time to first token, `first_audio` the synthesiser's first
piece, and `first_packet` the moment at which the caller could first hear the answer.
"""

from __future__ import annotations

from enum import Enum


class Stamp(Enum):
    END_OF_TURN = "end_of_turn"
    TRANSCRIPT = "transcript"
    FIRST_TOKEN = "first_token"
    FIRST_SENTENCE = "first_sentence"
    FIRST_AUDIO = "first_audio"
    FIRST_PACKET = "first_packet"


class Waterfall:
    """The stamps of one answer. The first of each kind counts."""

    def __init__(self, last_voiced_s: float | None = None) -> None:
        """`last_voiced_s`: None for words that answer nothing (the greeting)."""
        self._origin_s = last_voiced_s
        self._at_s: dict[Stamp, float] = {}

    def mark(self, stamp: Stamp, now: float) -> None:
        self._at_s.setdefault(stamp, now)

    def latency_ms(self) -> dict[str, float]:
        """Milliseconds since the last voiced frame, by the stamp's name, in the order above."""
        if self._origin_s is None:
            return {}
        return {
            stamp.value: round((self._at_s[stamp] - self._origin_s) * 1000, 1)
            for stamp in Stamp
            if stamp in self._at_s
        }
