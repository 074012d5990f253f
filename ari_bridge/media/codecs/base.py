"""What a codec is: names, rates, two functions over whole blocks, and what it remembers between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, Pcm16

Octets: TypeAlias = NDArray[np.uint8]


class Coders(Protocol):
    """One codec at work for many rows, a frame of 20 ms at a time. Slots are row numbers, shape (n,), each
    at most once a call."""

    def open(self, slot: int) -> None:
        """Make the row new."""
        ...

    def decode(self, slots: NDArray[np.int64], octets: Octets, there: NDArray[np.bool_]) -> Pcm16:
        """The next frame of each row: octets of shape (n, frame octets) to PCM of shape (n, frame samples).
        `there`, shape (n, blocks of a frame), tells which blocks hold something: of the others the PCM means
        nothing."""
        ...

    def encode(self, slots: NDArray[np.int64], pcm: Pcm16) -> Octets:
        """The way back, for the frames that are sent."""
        ...


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec's record.

    `decode` takes octets of shape (..., bytes) to PCM16 of shape (..., samples) and `encode` is the way back,
    each row of them by itself, as if a stream began with it. That is all there is to a codec without memory.
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
    memory: Callable[[int], Coders] | None = None
    """For a codec that remembers: the coders of that many rows."""
    stow: Callable[[Octets], Octets | None] | None = None
    """For a codec whose packets tell their duration only inside: one payload as it came to one of
    `octets_per_clock`; None for what is no packet of the codec."""
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

    def coders(self, rows: int) -> Coders:
        """The coders of that many rows."""
        return Memoryless(self) if self.memory is None else self.memory(rows)


@dataclass(frozen=True, slots=True)
class Lack:
    """In place of a codec that this installation could have."""

    name: str
    needs: str
    """What is missing, and how to get it."""


class Memoryless:
    """The coders of a codec that remembers nothing: all rows are coded at once."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def open(self, slot: int) -> None:
        pass

    def decode(self, slots: NDArray[np.int64], octets: Octets, there: NDArray[np.bool_]) -> Pcm16:
        return self._codec.decode(octets)

    def encode(self, slots: NDArray[np.int64], pcm: Pcm16) -> Octets:
        return self._codec.encode(pcm)
