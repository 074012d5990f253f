"""Opus (RFC 6716, RFC 7587), decoded at 16 kHz. We hear it only: Asterisk takes no dynamic payload type in.

It needs libopus by way of the package opuslib_next (the extra `opus`); without it there is a LACK in place of
the codec.

A packet's size says nothing of its duration, and the jitter buffer cuts what it holds into blocks of some ms.
So a packet is *stowed*: its length and itself at the start of its first block, nothing in the others.

    │ length (2 octets), packet, 0 … │ 0 …            │ 0 …            │ …

It is decoded when its first block is due; what it holds beyond that block waits until the next are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import InternalError
from ari_bridge.media.codecs.base import Codec, Lack, Octets

try:
    from opuslib_next import Decoder, OpusError
except (ImportError, RuntimeError, OSError):  # RuntimeError: the package is there, its libopus is not
    Decoder = None

_RATE_HZ = 16000
_CLOCK_HZ = 48000
_OCTETS_A_CLOCK = 5
"""So that the largest packet fits into the shortest audio it may hold, which is also the shortest block."""
_LENGTH_OCTETS = 2
_LARGEST_OCTETS = _CLOCK_HZ * 25 // 10000 * _OCTETS_A_CLOCK - _LENGTH_OCTETS
_MOST_SAMPLES = _RATE_HZ * 60 // 1000
_NOTHING = np.zeros(0, dtype=np.int16)


def packet_ms(packet: Octets) -> float:
    """How much audio is in it (RFC 6716, section 3.1); 0.0 for what is no packet."""
    if len(packet) == 0:
        return 0.0
    config, code = int(packet[0]) >> 3, int(packet[0]) & 3
    if config < 12:  # SILK
        frame_ms = (10.0, 20.0, 40.0, 60.0)[config & 3]
    elif config < 16:  # hybrid
        frame_ms = (10.0, 20.0)[config & 1]
    else:  # CELT
        frame_ms = (2.5, 5.0, 10.0, 20.0)[config & 3]
    if code == 3:
        return frame_ms * (int(packet[1]) & 0x3F) if len(packet) > 1 else 0.0
    return frame_ms * (1, 2, 2)[code]


def stow(packet: Octets) -> Octets | None:
    """The packet as the jitter buffer can hold it; None for what is none, for more than 60 ms, and for more
    than 598 octets, which is 240 kbit/s at 20 ms."""
    duration_ms = packet_ms(packet)
    if not 0 < duration_ms <= 60 or len(packet) > _LARGEST_OCTETS:
        return None
    stowed = np.zeros(round(duration_ms * _CLOCK_HZ / 1000) * _OCTETS_A_CLOCK, dtype=np.uint8)
    stowed[:_LENGTH_OCTETS] = divmod(len(packet), 256)
    stowed[_LENGTH_OCTETS : _LENGTH_OCTETS + len(packet)] = packet
    return stowed


class _Stream:
    """One caller's decoder, and what it has decoded of the packet that is being played."""

    def __init__(self) -> None:
        self._decoder = Decoder(_RATE_HZ, 1)
        self._rest = _NOTHING

    def block(self, stowed: Octets, samples: int) -> Pcm16:
        """The next block, shape (at most samples,)."""
        length = int(stowed[0]) << 8 | int(stowed[1])
        if length:
            packet = stowed[_LENGTH_OCTETS : _LENGTH_OCTETS + length].tobytes()
            try:
                self._rest = np.frombuffer(self._decoder.decode(packet, _MOST_SAMPLES), dtype=np.int16)
            except OpusError:  # damaged on its way
                self._rest = _NOTHING
        now, self._rest = self._rest[:samples], self._rest[samples:]
        return now

    def miss(self) -> None:
        """The next block is lost: so is the rest of the packet before."""
        self._rest = _NOTHING


class _OpusCoders:
    def __init__(self, rows: int) -> None:
        self._streams: list[_Stream | None] = [None] * rows

    def open(self, slot: int) -> None:
        self._streams[slot] = _Stream()

    def decode(self, slots: NDArray[np.int64], octets: Octets, there: NDArray[np.bool_]) -> Pcm16:
        samples = octets.shape[1] * _RATE_HZ // (_CLOCK_HZ * _OCTETS_A_CLOCK) // there.shape[1]
        pcm = np.zeros((*there.shape, samples), dtype=np.int16)
        blocks = octets.reshape(*there.shape, -1)
        for i, slot in enumerate(slots.tolist()):
            stream = self._streams[slot]
            assert stream is not None
            for block in range(there.shape[1]):
                if there[i, block]:
                    piece = stream.block(blocks[i, block], samples)
                    pcm[i, block, : len(piece)] = piece
                else:
                    stream.miss()
        return pcm.reshape(len(slots), -1)

    def encode(self, slots: NDArray[np.int64], pcm: Pcm16) -> Octets:
        return _encode(pcm)


def _decode(octets: Octets) -> Pcm16:
    streams = octets.reshape(-1, octets.shape[-1])
    coders = _OpusCoders(len(streams))
    for slot in range(len(streams)):
        coders.open(slot)
    whole = np.ones((len(streams), 1), dtype=np.bool_)
    return coders.decode(np.arange(len(streams)), streams, whole).reshape(*octets.shape[:-1], -1)


def _encode(pcm: Pcm16) -> Octets:
    raise InternalError("Opus is heard, never sent")


CODEC = (
    Codec(
        name="opus",
        rate_hz=_RATE_HZ,
        clock_hz=_CLOCK_HZ,
        payload_type=107,
        octets_per_clock=_OCTETS_A_CLOCK,
        decode=_decode,
        encode=_encode,
        memory=_OpusCoders,
        stow=stow,
        send_as="g722",
    )
    if Decoder is not None
    else None
)
LACK = Lack("opus", "libopus: pip install 'ari_bridge[opus]'") if Decoder is None else None
