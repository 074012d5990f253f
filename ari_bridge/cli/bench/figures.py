"""What the ledger of a run comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench.frames import FRAME_S
from ari_bridge.cli.bench.ledger import READ_TOO_LATE, Ledger

_TAIL_FRAMES = 25
"""At the end of a run, which may still have been on their way."""


@dataclass(frozen=True, slots=True)
class Window:
    """What counts of a run: the time between the warm-up and the end."""

    start_s: float
    """Monotonic."""
    end_s: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Of many times, in ms; NaN when there was none."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, times_s: NDArray[np.float64]) -> Spread:
        if not len(times_s):
            return cls(np.nan, np.nan, np.nan)
        p50, p99 = np.percentile(times_s, (50, 99)) * 1000
        return cls(round(float(p50), 3), round(float(p99), 3), round(float(times_s.max()) * 1000, 3))

    def to_dict(self) -> dict[str, float | None]:
        return {name: None if np.isnan(value) else value for name, value in self._values()}

    def _values(self) -> list[tuple[str, float]]:
        return [("p50", self.p50), ("p99", self.p99), ("max", self.max)]


@dataclass(frozen=True, slots=True)
class Figures:
    sent: int
    """Frames that left the callers in the window."""
    lost: int
    """Those whose audio never came back, but for the next."""
    reader_late: int
    """Those the reader in the bridge process took too late to play back: its own fault, not the engine's."""
    damaged: int
    """Packets that came back without the audio of a frame: concealed, or silence."""
    foreign: int
    """Packets with another call's audio (whole run)."""
    added: Spread
    """Round trip of a frame's audio, less the jitter buffer's delay and the echo's own frame."""
    inbound: Spread
    """From a frame's leaving the caller to its being readable in the bridge process, less the delay."""
    pacing: Spread
    """By how much each packet of the engine is later than its call's own grid of 20 ms."""
    load_late: Spread
    """By how much the load process itself was late: nothing smaller than this is told of the engine."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "lost": self.lost,
            "reader_late": self.reader_late,
            "damaged": self.damaged,
            "foreign": self.foreign,
            "added_ms": self.added.to_dict(),
            "inbound_ms": self.inbound.to_dict(),
            "pacing_ms": self.pacing.to_dict(),
            "load_late_ms": self.load_late.to_dict(),
        }


def figures(
    ledger: Ledger, due_s: NDArray[np.float64], window: Window, *, delay_s: float, echo_s: float
) -> Figures:
    """`due_s`, shape (calls, frames), is when each frame was to leave (NaN: never)."""
    counted = (ledger.sent_s >= window.start_s) & (ledger.sent_s < window.end_s - _TAIL_FRAMES * FRAME_S)
    sent_s, back_s, read_s = ledger.sent_s[counted], ledger.back_s[counted], ledger.read_s[counted]
    back = ~np.isnan(back_s)
    too_late = read_s == READ_TOO_LATE
    read = ~np.isnan(read_s) & ~too_late
    return Figures(
        sent=len(sent_s),
        lost=int(np.count_nonzero(~back & ~too_late)),
        reader_late=int(np.count_nonzero(too_late)),
        damaged=_inside(ledger.heard_s, window) - _inside(ledger.back_s, window),
        foreign=int(ledger.counts["foreign"][0]),
        added=Spread.of((back_s - sent_s)[back] - delay_s - echo_s),
        inbound=Spread.of((read_s - sent_s)[read] - delay_s),
        pacing=Spread.of(lateness_s(ledger.heard_s, window)[1]),
        load_late=Spread.of(sent_s - due_s[counted]),
    )


def _inside(times_s: NDArray[np.float64], window: Window) -> int:
    return int(np.count_nonzero((times_s >= window.start_s) & (times_s < window.end_s)))


def lateness_s(
    heard_s: NDArray[np.float64], window: Window
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each packet in the window: when it came, and how much later that is than its call's grid of 20 ms,
    on which the call's most punctual packet of the window lies. heard_s: shape (calls, packets)."""
    inside = (heard_s >= window.start_s) & (heard_s < window.end_s)
    offset = heard_s - np.arange(heard_s.shape[1]) * FRAME_S
    grid = np.where(inside, offset, np.inf).min(axis=1, keepdims=True)
    return heard_s[inside], (offset - np.where(np.isfinite(grid), grid, 0.0))[inside]
