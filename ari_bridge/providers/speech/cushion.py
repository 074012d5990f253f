"""A cushion under audio that comes at the pace of speech. No I/O.

A bot that paces itself sends each piece when the one before has just been spoken. A piece that is late by a
millisecond would be a gap. So the first audio after a silence is held until CUSHION_S of it are there, or as
much time has passed; what follows is passed on at once, and may be late by as much, less its own length.
Audio that comes faster than it is spoken is hardly held at all.
"""

from __future__ import annotations

import math

import numpy as np

from ari_bridge.core.audio import Pcm16

CUSHION_S = 0.08


class Cushion:
    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._held: list[Pcm16] = []
        self._spoken_until_s = -math.inf
        """When all that was passed on will have been spoken."""
        self.due_s = math.inf
        """When what is held has to be passed on."""

    def add(self, pcm: Pcm16, now: float) -> Pcm16 | None:
        """What may be passed on, at `now`; None while it is held."""
        if not self._held and now < self._spoken_until_s:
            self._spoken_until_s += len(pcm) / self._rate_hz
            return pcm
        if not self._held:
            self.due_s = now + CUSHION_S
        self._held.append(pcm)
        if sum(map(len, self._held)) / self._rate_hz < CUSHION_S and now < self.due_s:
            return None
        return self.release(now)

    def release(self, now: float) -> Pcm16 | None:
        """All that is held; None where nothing is."""
        if not self._held:
            return None
        pcm = np.concatenate(self._held)
        self.clear(now)
        self._spoken_until_s = now + len(pcm) / self._rate_hz
        return pcm

    def clear(self, now: float) -> None:
        """What was passed on or is held will not be spoken."""
        self._held = []
        self.due_s, self._spoken_until_s = math.inf, now
