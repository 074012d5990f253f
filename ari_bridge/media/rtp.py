"""RTP headers (RFC 3550, section 5.1), read and written for whole batches of packets.

 0                   1                   2                   3
|V=2|P|X|  CC   |M|     PT      |       sequence number         |
|                           timestamp                           |
|                             SSRC                              |
|                 CSRC, CC times; extension if X                |
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HEADER_OCTETS = 12
COMFORT_NOISE = 13
"""RFC 3389; Asterisk's payload type 13."""
TELEPHONE_EVENT = 101
"""RFC 4733; Asterisk's payload type 101. Digits come by ARI events, never by media."""

_VERSION_2 = 0x80
_MARKER = np.uint32(1 << 23)


@dataclass(slots=True)
class Headers:
    """The headers of n packets, as columns. Where `valid` is False the others mean nothing."""

    valid: NDArray[np.bool_]
    first_word: NDArray[np.uint32]
    """V, P, X, CC, M, PT and sequence number, as above."""
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    ssrc: NDArray[np.uint32]
    payload_start: NDArray[np.int64]
    """Index of the payload's first byte."""
    payload_octets: NDArray[np.int64]

    @property
    def payload_type(self) -> NDArray[np.uint32]:
        return self.first_word >> np.uint32(16) & np.uint32(0x7F)

    @property
    def marker(self) -> NDArray[np.bool_]:
        marked: NDArray[np.bool_] = self.first_word & _MARKER != 0
        return marked


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, taken apart."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse_batch(octets: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Headers:
    """The headers of packets in rows of `octets`, shape (n, room) with room >= 12; nothing is copied but
    the columns. A packet is valid when it is version 2 and all parts that its header announces are there."""
    first_word, timestamp, ssrc = octets[:, :HEADER_OCTETS].view(">u4").T.astype(np.uint32, order="C")
    start = _starts(len(lengths))
    payload_octets = lengths - HEADER_OCTETS
    valid = payload_octets >= 0
    kind = first_word >> np.uint32(24)
    if np.count_nonzero(kind != _VERSION_2):  # seldom: a plain header is nothing but its version
        start = start.copy()
        valid &= kind & 0xC0 == _VERSION_2
        padding = np.zeros(len(lengths), dtype=np.int64)
        _skip_optional_parts(octets, lengths, start, padding, valid)
        payload_octets = lengths - start - padding
    return Headers(
        valid=valid,
        first_word=first_word,
        sequence=first_word.astype(np.uint16),
        timestamp=timestamp,
        ssrc=ssrc,
        payload_start=start,
        payload_octets=payload_octets,
    )


@lru_cache(8)
def _longest(count: int) -> NDArray[np.int64]:
    starts = np.full(count, HEADER_OCTETS, dtype=np.int64)
    starts.flags.writeable = False
    return starts


def _starts(count: int) -> NDArray[np.int64]:
    """Where payloads begin behind plain headers; only to be read."""
    return _longest(max(1024, 1 << count.bit_length()))[:count]


def _skip_optional_parts(
    octets: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    start: NDArray[np.int64],
    padding: NDArray[np.int64],
    valid: NDArray[np.bool_],
) -> None:
    """Move `start` behind CSRCs and extension, and set `padding`, for the packets that have them."""
    first = octets[:, 0]
    start += 4 * (first & 0x0F)
    valid &= lengths >= start
    extended = np.flatnonzero(valid & (first & 0x10 != 0) & (lengths >= start + 4))
    valid &= (first & 0x10 == 0) | (lengths >= start + 4)
    words = (
        octets[extended, start[extended] + 2].astype(np.int64) << 8 | octets[extended, start[extended] + 3]
    )
    start[extended] += 4 + 4 * words
    valid &= lengths >= start
    padded = np.flatnonzero(valid & (first & 0x20 != 0))
    padding[padded] = octets[padded, lengths[padded] - 1]
    valid[padded] &= (padding[padded] > 0) & (lengths[padded] >= start[padded] + padding[padded])


def parse(packet: bytes) -> Packet | None:
    """One packet, or None when it is not RTP version 2 or is cut short."""
    octets = np.frombuffer(packet.ljust(HEADER_OCTETS, b"\0"), dtype=np.uint8)[None, :]
    headers = parse_batch(octets, np.array([len(packet)]))
    if not headers.valid[0]:
        return None
    start = int(headers.payload_start[0])
    return Packet(
        marker=bool(headers.marker[0]),
        payload_type=int(headers.payload_type[0]),
        sequence=int(headers.sequence[0]),
        timestamp=int(headers.timestamp[0]),
        ssrc=int(headers.ssrc[0]),
        payload=packet[start : start + int(headers.payload_octets[0])],
    )


def first_word(payload_type: int) -> np.uint32:
    """Of a plain header, without marker and sequence number."""
    return np.uint32(_VERSION_2 << 24 | payload_type << 16)


def write_headers(
    octets: NDArray[np.uint8],
    *,
    payload_type: int,
    marker: NDArray[np.bool_],
    sequence: NDArray[np.uint16],
    timestamp: NDArray[np.uint32],
    ssrc: NDArray[np.uint32],
) -> None:
    """Write plain 12-byte headers into the first columns of `octets`, shape (n, room)."""
    write_ssrc(octets, ssrc)
    write_next(octets, payload_type=payload_type, marker=marker, sequence=sequence, timestamp=timestamp)


def write_ssrc(octets: NDArray[np.uint8], ssrc: NDArray[np.uint32]) -> None:
    """The part of plain headers that stays the same from packet to packet."""
    octets[:, :HEADER_OCTETS].view(">u4")[:, 2] = ssrc


def write_next(
    octets: NDArray[np.uint8],
    *,
    payload_type: int,
    marker: NDArray[np.bool_],
    sequence: NDArray[np.uint16],
    timestamp: NDArray[np.uint32],
) -> None:
    """The rest."""
    words = octets[:, :HEADER_OCTETS].view(">u4")
    first = sequence | first_word(payload_type)
    if np.count_nonzero(marker):
        first[marker] |= _MARKER
    words[:, 0] = first
    words[:, 1] = timestamp


def build(packet: Packet) -> bytes:
    """One packet, with a plain 12-byte header."""
    octets = np.zeros((1, HEADER_OCTETS), dtype=np.uint8)
    write_headers(
        octets,
        payload_type=packet.payload_type,
        marker=np.array([packet.marker]),
        sequence=np.array([packet.sequence], dtype=np.uint16),
        timestamp=np.array([packet.timestamp], dtype=np.uint32),
        ssrc=np.array([packet.ssrc], dtype=np.uint32),
    )
    return octets.tobytes() + packet.payload
