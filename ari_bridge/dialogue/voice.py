"""The caller's voice as it was told: since when it is on, and until when it was heard."""

from __future__ import annotations


class Voice:
    def __init__(self) -> None:
        self.since_s: float | None = None
        """Beginning of the first voiced frame; None in silence."""
        self.until_s = 0.0
        """End of the latest voiced frame."""
        self._spent = False

    def begin(self, started_s: float) -> None:
        self.since_s = self.until_s = started_s
        self._spent = False

    def end(self) -> None:
        self.since_s = None

    def spend(self) -> None:
        """The voice that is on has had its effect (it was a digit's tone): ignore the rest of it."""
        self._spent = self.since_s is not None

    @property
    def counts(self) -> bool:
        return not self._spent

    @property
    def on(self) -> bool:
        return self.since_s is not None and not self._spent

    @property
    def lasted_ms(self) -> float:
        return 0.0 if self.since_s is None else (self.until_s - self.since_s) * 1000
