"""How fast audio that has waited may be sent. No I/O."""

from __future__ import annotations


class Pace:
    """A bucket of audio that leaks `speed` times as fast as time passes, and may be `ahead_s` full."""

    def __init__(self, speed: float | None, ahead_s: float) -> None:
        """`speed` None: as fast as may be."""
        self._speed, self._ahead_s = speed, ahead_s
        self._level_s, self._at_s = 0.0, 0.0

    def pause_s(self, now: float, audio_s: float) -> float:
        """`audio_s` more is to be sent: how long to wait before."""
        if self._speed is None:
            return 0.0
        self._level_s = max(0.0, self._level_s - (now - self._at_s) * self._speed) + audio_s
        self._at_s = now
        return max(0.0, self._level_s - self._ahead_s) / self._speed
