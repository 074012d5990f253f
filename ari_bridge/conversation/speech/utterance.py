"""One utterance of the agent's: its audio on the way from the engine to the caller, and its words.

    engine ─▶ received ─▶ queued at the port ─▶ heard

Engines of this kind give no word times. Where the caller cut it short, the words heard are estimated by their
share of the audio (`dialogue.history.Sentence`).
"""

from __future__ import annotations

from ari_bridge.dialogue.history import Sentence


class Utterance:
    def __init__(self, item: str, number: int, earlier: int = 0) -> None:
        """`item`: the engine's name for it, of which `earlier` samples were taken for all of it before."""
        self.item, self.earlier = item, earlier
        self.sentence = Sentence(number, "")
        """Its words, and the place of its audio in the port."""
        self.received = self._queued = 0
        self.spaced_text = ""
        """Its words as they came."""

    @property
    def started(self) -> bool:
        """Some of its audio is queued."""
        return self.sentence.start is not None

    @property
    def is_queued(self) -> bool:
        """All of it that was received is."""
        return self._queued == self.received

    @property
    def is_complete(self) -> bool:
        return self.sentence.complete

    def receive(self, sample_count: int) -> None:
        self.received += sample_count
        self._lay()

    def queue(self, start: int, sample_count: int) -> None:
        """Its next samples go to the port's position `start`."""
        self.sentence.start = (
            start - self._queued
        )  # should others have spoken in between: as if they came first
        self._queued += sample_count
        self._lay()

    def add_text(self, text: str) -> None:
        """Its next words, with the spaces that stand between them."""
        self.spaced_text += text
        self.sentence.text = " ".join(self.spaced_text.split())

    def complete(self) -> None:
        """All of it was received."""
        self.sentence.complete = True

    def heard_samples(self, position: int) -> int:
        """How much of it had been heard when audio had left up to `position`."""
        start = self.sentence.start
        return 0 if start is None else min(max(0, position - start), self.received)

    def is_heard_out(self, position: int) -> bool:
        return self.is_complete and self.heard_samples(position) == self.received

    def is_sounding_or_to_come(self, position: int) -> bool:
        """Some of what was received has not been heard."""
        return self.heard_samples(position) < self.received

    def _lay(self) -> None:
        if self.sentence.start is not None:
            self.sentence.end = self.sentence.start + self.received
