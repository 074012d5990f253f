"""The one form in which audio moves inside the product: PCM16, mono, numpy int16, shape (samples,)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm16: TypeAlias = NDArray[np.int16]

FRAME_MS = 20
"""The grid on which audio is played out and handed over."""


class FrameFlags(IntFlag):
    """What is known of one 20 ms frame of received audio."""

    NONE = 0
    CONCEALED = 1
    """No packet arrived in time: the samples were made up."""
    SILENCE = 2
    """The far end sent nothing on purpose (DTX, or it has not started yet)."""


@dataclass(frozen=True, slots=True)
class FrameAnalysis:
    """What was found out about a run of 20 ms frames of received audio, beside their way."""

    first_frame: int
    """Of the run, counted since the port was opened."""
    voice: NDArray[np.float32]
    """The probability that somebody speaks, by a model of the human voice; NaN without such a model."""
    near: NDArray[np.float32]
    """The share of the frame's power that is no echo of what we sent: 1.0 for all of it."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A run of whole 20 ms frames, in order, without gaps."""

    pcm: Pcm16
    rate_hz: int
    start_sample: int
    """Media time of pcm[0], in samples since the port was opened."""
    captured_s: float
    """Monotonic time at which the last frame of the chunk was played out of the jitter buffer."""
    flags: NDArray[np.uint8]
    """FrameFlags, one a frame."""
    analysis: FrameAnalysis | None = None
    """What became known since the chunk before. It may be of earlier frames than the chunk's, or of none:
    audio does not wait for it."""


@dataclass(frozen=True, slots=True)
class Onset:
    """Where played audio began to leave after silence."""

    position: int
    """Of its first sample."""
    left_s: float
    """Monotonic time at which the packet with it left."""

    def at_s(self, position: int, rate_hz: int) -> float | None:
        """When the packet with that later sample left, or will, if nothing holds it up; None for one before
        the onset."""
        if position < self.position:
            return None
        frames = (position - self.position) // samples(FRAME_MS, rate_hz)
        return self.left_s + frames * FRAME_MS / 1000


def samples(duration_ms: float, rate_hz: int) -> int:
    """The number of samples in `duration_ms` at `rate_hz`."""
    return round(duration_ms * rate_hz / 1000)


def dbfs(pcm: Pcm16) -> float:
    """RMS level relative to a full-scale square wave (digital silence is -120.0)."""
    if len(pcm) == 0:
        return -120.0
    mean_square = float(np.mean(np.square(pcm, dtype=np.float64)))
    return max(-120.0, 10.0 * float(np.log10(mean_square / 32768.0**2))) if mean_square > 0 else -120.0
