"""What a codec is: names, rates, and two functions over whole blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, Pcm16

Octets: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec without memory between frames: every block can be coded with every other at once.

    decode: octets of shape (..., bytes) to PCM16 of shape (..., samples). encode: the way back.
    """

    name: str
    """Asterisk's format name."""
    rate_hz: int
    """Of the PCM."""
    clock_hz: int
    """Of the RTP timestamps (RFC 3551; G.722 has 8000 beside its 16000 samples)."""
    payload_type: int
    """In Asterisk's static table for chan_rtp."""
    octets_per_clock: int
    """Bytes of payload for each step of the RTP timestamp."""
    decode: Callable[[Octets], Pcm16]
    encode: Callable[[Pcm16], Octets]
    send_as: str = ""
    """The codec in which we send on a leg of this format, where it is not this one: chan_rtp sends dynamic
    payload types but takes in static ones only (Asterisk's rtp_engine.c: AST_RTP_PT_LAST_STATIC is 34), and
    transcodes whatever static one it gets."""

    @property
    def frame_samples(self) -> int:
        """PCM samples in 20 ms."""
        return self.rate_hz * FRAME_MS // 1000

    @property
    def frame_clocks(self) -> int:
        """By how much the RTP timestamp moves in 20 ms."""
        return self.clock_hz * FRAME_MS // 1000

    @property
    def frame_octets(self) -> int:
        """Payload bytes of 20 ms."""
        return self.frame_clocks * self.octets_per_clock
