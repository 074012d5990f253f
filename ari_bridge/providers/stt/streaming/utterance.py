"""One of the caller's utterances, with its audio and what is understood of it so far. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Transcript
from ari_bridge.providers.stt.streaming.dialect import Words, joined

BYTES = 2
"""Of a sample."""


@dataclass(slots=True, eq=False)
class Utterance:
    number: int
    audio: bytearray = field(default_factory=bytearray)
    """PCM16, without the `dropped` samples at its front."""
    dropped: int = 0
    is_ended: bool = False
    settled: list[Words] = field(default_factory=list)
    settled_samples: int = 0
    """How far into the utterance the settled words reach, where the vendor tells."""
    tentative: Words | None = None
    told: str = ""
    answer: Transcript | None = None

    # On the present connection, in samples.
    turn: int | None = None
    """None: not begun."""
    origin: int = 0
    """Where the utterance's first sample lies, or would lie, in the connection's audio."""
    sent: int = 0
    end: int | None = None
    """Where it ended in the connection's audio; its finish has been sent."""
    due_s: float | None = None

    @property
    def length(self) -> int:
        return self.dropped + len(self.audio) // BYTES

    def unsent(self, most: int) -> Pcm16:
        begin = (self.sent - self.dropped) * BYTES
        return np.frombuffer(bytes(self.audio[begin : begin + most * BYTES]), np.int16)

    def forget(self, until: int) -> None:
        until = min(until, self.sent)
        if until > self.dropped:
            del self.audio[: (until - self.dropped) * BYTES]
            self.dropped = until

    def settle(self, words: Words, until: int | None) -> None:
        if words.text:
            self.settled.append(words)
        self.tentative = None
        if until is not None:
            self.settled_samples = max(self.settled_samples, min(until, self.length))
            self.forget(self.settled_samples)

    def disconnect(self) -> None:
        """What can be had again is taken back."""
        if not self.settled_samples:
            self.settled.clear()
        self.tentative = self.turn = self.end = self.due_s = None
        self.sent = max(self.settled_samples, self.dropped)

    def transcript(self, *, final: bool) -> Transcript:
        parts = [*self.settled, *([self.tentative] if self.tentative else [])]
        weights = [(len(part.text), part.confidence) for part in parts if part.confidence is not None]
        total = sum(weight for weight, _ in weights)
        confidence = sum(weight * sure for weight, sure in weights) / total if total else None
        return Transcript(self.number, joined(part.text for part in parts), final, confidence)
