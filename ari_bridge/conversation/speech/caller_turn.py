"""One turn of the caller's, as the engine tells of it and our voice detection times it."""

from __future__ import annotations

from ari_bridge.dialogue.caller import NOISE_MAX_S
from ari_bridge.dialogue.history import CallerSaid
from ari_bridge.dialogue.log import Turn, Who


class CallerTurn:
    def __init__(self, started_s: float) -> None:
        self.entry = CallerSaid("")
        """For the history."""
        self.started_s = started_s
        self.last_voiced_s = started_s
        self.stopped_s: float | None = None
        """When the engine took it for over."""
        self.understood_s: float | None = None
        """When the last of its final texts came."""
        self.is_over = False
        self._texts: dict[str, str] = {}
        """By the engine's items, in their order."""
        self._finals: set[str] = set()
        self._turn: Turn | None = None

    def begin_item(self, item: str) -> None:
        self._texts.setdefault(item, "")

    def has(self, item: str) -> bool:
        return item in self._texts

    def understood(self, item: str, text: str, *, final: bool, now: float) -> None:
        """`text`: all of the item's so far."""
        self._texts[item] = text.strip()
        if final:
            self._finals.add(item)
            self.understood_s = now
        self._changed()

    def voiced_until(self, at_s: float) -> None:
        self.last_voiced_s = max(self.last_voiced_s, at_s)
        self._changed()

    def end(self) -> None:
        self.is_over = True
        self._changed()

    @property
    def owes_text(self) -> bool:
        """Of an item that was told of, nothing final has come."""
        return any(item not in self._finals for item in self._texts)

    @property
    def text(self) -> str:
        return self.entry.text

    @property
    def turn(self) -> Turn | None:
        """For the record, the same object until it changes; None for what may have been noise."""
        long_enough = self.last_voiced_s - self.started_s >= NOISE_MAX_S
        if self._turn is None and self.is_over and (self.text or long_enough):
            self._turn = Turn(Who.CALLER, self.text, self.started_s, self.last_voiced_s)
        return self._turn

    def _changed(self) -> None:
        self._turn = None
        self.entry.text = " ".join(filter(None, self._texts.values()))
