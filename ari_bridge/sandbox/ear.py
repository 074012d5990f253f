"""How the synthetic caller hears: from the level of each frame, who speaks and since when. No I/O.

A turn of the agent begins with the first of three voiced frames and ends when nothing was heard for
`quiet_s` (a pause between sentences is shorter). The second person of the sandbox answers with a tone
of 1004 Hz, which no voice holds for 200 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ari_bridge.core.audio import Pcm16, dbfs

HUMAN_TONE_HZ = 1004


class Sound(Enum):
    AGENT_STARTED = "agent started"
    AGENT_STOPPED = "agent stopped"
    HUMAN_ANSWERED = "human answered"


@dataclass(frozen=True, slots=True)
class Noticed:
    """`at_s` is when it happened, which is before it was noticed."""

    at_s: float
    sound: Sound


class Ear:
    def __init__(
        self,
        rate_hz: int,
        *,
        threshold_dbfs: float = -45.0,
        quiet_s: float = 1.0,
        voiced_frames: int = 3,
        tone_frames: int = 10,
    ) -> None:
        self._rate_hz = rate_hz
        self._threshold_dbfs = threshold_dbfs
        self._quiet_s = quiet_s
        self._voiced_frames = voiced_frames
        self._tone_frames = tone_frames
        self._run: list[float] = []
        """Arrival times of the voiced frames in a row, while no turn is open."""
        self._tones = 0
        self._last_voice_s = 0.0
        self.turns_started = 0
        self.turn_started_s = 0.0
        self.agent_speaks = False
        self.human_answered = False

    def hear(self, frame: Pcm16, at_s: float) -> list[Noticed]:
        """One frame as it arrives."""
        if dbfs(frame) < self._threshold_dbfs:
            self._run.clear()
            self._tones = 0
            return self.tick(at_s)
        if is_tone(frame, HUMAN_TONE_HZ, self._rate_hz):
            self._run.clear()
            return self._hear_tone(at_s)
        self._tones = 0
        self._last_voice_s = at_s + len(frame) / self._rate_hz
        if self.agent_speaks:
            return []
        self._run.append(at_s)
        if len(self._run) < self._voiced_frames:
            return []
        self.agent_speaks = True
        self.turns_started += 1
        self.turn_started_s = self._run[0]
        self._run.clear()
        return [Noticed(self.turn_started_s, Sound.AGENT_STARTED)]

    def tick(self, now: float) -> list[Noticed]:
        """Time passes, with or without packets."""
        return self._close() if self.agent_speaks and now - self._last_voice_s >= self._quiet_s else []

    def audible(self, now: float) -> bool:
        """Whether the agent speaks, or pauses for no longer than between two sentences. (That a turn is
        over is known only `quiet_s` after its end.)"""
        return self.agent_speaks and now - self._last_voice_s < 0.5

    def caller_spoke(self, now: float) -> list[Noticed]:
        """The caller has just said or done something: what the agent says next is a new turn, however
        short the gap was, unless it is speaking at this moment."""
        return self._close() if self.agent_speaks and now - self._last_voice_s >= 0.2 else []

    def _close(self) -> list[Noticed]:
        self.agent_speaks = False
        return [Noticed(self._last_voice_s, Sound.AGENT_STOPPED)]

    def _hear_tone(self, at_s: float) -> list[Noticed]:
        self._tones += 1
        if self.human_answered or self._tones < self._tone_frames:
            return []
        self.human_answered = True
        began_s = at_s - (self._tone_frames - 1) * 0.02
        return [*(self._close() if self.agent_speaks else []), Noticed(began_s, Sound.HUMAN_ANSWERED)]


def is_tone(frame: Pcm16, tone_hz: float, rate_hz: int) -> bool:
    """Whether nearly all of the frame's power lies at `tone_hz` (one bin of a DFT, as Goertzel has it)."""
    signal = frame.astype(np.float64)
    phase = np.exp(-2j * np.pi * tone_hz / rate_hz * np.arange(len(frame)))
    power = 2.0 * abs(np.dot(signal, phase)) ** 2 / len(frame)
    return bool(power > 0.8 * np.dot(signal, signal))
