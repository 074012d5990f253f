"""The minutes of a call: its finished turns as records, in the journal as soon as they are finished."""

from __future__ import annotations

from collections.abc import Sequence

from ari_bridge.dialogue.latency import metrics_ms
from ari_bridge.dialogue.log import Turn
from ari_bridge.store.journal import Journal
from ari_bridge.store.record import DigitRecord, TurnRecord


class Minutes:
    def __init__(self, journal: Journal, start_s: float, turns: Sequence[Turn]) -> None:
        """`start_s`: the instant from which the records count. `turns`: those that the journal has."""
        self._journal = journal
        self._start_s = start_s
        self._written = list(turns)
        self.digits: list[DigitRecord] = []

    def record(self, turns: Sequence[Turn]) -> list[TurnRecord]:
        return [self._record(turn) for turn in turns]

    def pressed(self, digit: str, at_s: float) -> None:
        self.digits.append(DigitRecord(digit, self._since_start_ms(at_s)))

    def write(self, finished: Sequence[Turn]) -> None:
        """Bring the journal up to date: turns were added, or the last was taken back."""
        same = 0
        for mine, theirs in zip(finished, self._written, strict=False):
            if mine is not theirs:
                break
            same += 1
        if same < max(len(finished), len(self._written)):
            self._journal.turns_from(same, self.record(finished[same:]))
            self._written = list(finished)

    def _record(self, turn: Turn) -> TurnRecord:
        return TurnRecord(
            who=turn.who.value,
            text=turn.text,
            start_ms=self._since_start_ms(turn.start_s),
            end_ms=self._since_start_ms(turn.end_s),
            heard=turn.heard,
            interrupted=turn.interrupted,
            latency_ms=turn.latency_ms,
            metrics_ms=metrics_ms(turn.latency_ms),
        )

    def _since_start_ms(self, at_s: float) -> float:
        return round((at_s - self._start_s) * 1000, 1)
