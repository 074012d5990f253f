"""The RTP stream in a capture: classic pcap and pcapng, over Ethernet, Linux cooked (SLL, SLL2), loopback and
raw IP, IPv4 and IPv6.

Of all streams (addresses, ports, SSRC) the one with most packets is taken, of its packets those of its usual
payload type: what else shares the stream (telephone-events, comfort noise) holds no audio. Numbers and
timestamps that wrap are unwrapped. What a sequence gap leaves out was lost.

(pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng; link types: tcpdump.org/linktypes.html.)
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench.traces.trace import Trace, trace
from ari_bridge.core.errors import SettingsError
from ari_bridge.media import rtp

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
_INTERFACE, _PACKET = 1, 6
_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_TSRESOL = 9
_NULL, _ETHERNET, _RAW, _SLL, _SLL2 = 0, 1, (12, 14, 101, 228, 229), 113, 276
_VLANS = (0x8100, 0x88A8)
_IPV4, _IPV6 = 0x0800, 0x86DD
_UDP = 17
_RTCP_TYPES = range(72, 77)
"""Payload types that RTCP looks like (RFC 5761, section 4)."""
CLOCKS_HZ = {10: 44100, 11: 44100, 117: 16000, 118: 16000, 119: 24000, 120: 48000, 107: 48000, 111: 48000}
"""Of payload types whose clock is not 8 kHz: static ones of RFC 3551, and Asterisk's for slin and Opus."""


class _Cut(Exception):
    """The data end in the middle."""


@dataclass(frozen=True, slots=True)
class _Frame:
    at_s: float
    link: int
    data: bytes


def is_capture(head: bytes) -> bool:
    """By the first four bytes of a file."""
    return head[:4] in MAGICS or head[:4] == PCAPNG


def read_pcap(path: Path) -> Trace:
    """Raises SettingsError when there is no RTP stream in it. A capture that was cut short is read so far."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    return capture(path.stem, data)


def capture(name: str, data: bytes) -> Trace:
    """The same of a file's content."""
    streams: dict[tuple[bytes, int], list[tuple[float, rtp.Packet]]] = defaultdict(list)
    for frame in _frames(name, data):
        datagram = _datagram(frame)
        packet = rtp.parse(datagram[1]) if datagram is not None else None
        if datagram is not None and packet is not None and packet.payload_type not in _RTCP_TYPES:
            streams[datagram[0], packet.ssrc].append((frame.at_s, packet))
    if not streams:
        raise SettingsError(f"{name}: there is no RTP in this capture")
    return _trace(name, max(streams.values(), key=len))


def _trace(name: str, packets: list[tuple[float, rtp.Packet]]) -> Trace:
    usual = Counter(packet.payload_type for _, packet in packets).most_common(1)[0][0]
    number = _unwrap(np.array([packet.sequence for _, packet in packets], dtype=np.int64), 16)
    clock = _unwrap(np.array([packet.timestamp for _, packet in packets], dtype=np.int64), 32)
    audio = np.array([packet.payload_type == usual for _, packet in packets])
    sent_s = clock / CLOCKS_HZ.get(usual, 8000)
    arrived_s = np.array([at_s for at_s, _ in packets])
    gone = _never_came(name, number)
    # A lost packet's place: on the line between its neighbours.
    order = np.argsort(number[audio], kind="stable")
    gone_s = np.interp(gone, number[audio][order], sent_s[audio][order])
    return trace(
        name,
        np.concatenate((number[audio], gone)),
        np.concatenate((sent_s[audio], gone_s)),
        np.concatenate((arrived_s[audio], np.full(len(gone), np.inf))),
    )


def _never_came(name: str, number: NDArray[np.int64]) -> NDArray[np.int64]:
    first, last = int(number.min()), int(number.max())
    if last - first > 100 * len(number) + 1000:
        raise SettingsError(f"{name}: the sequence numbers do not belong to one stream")
    there = np.zeros(last - first + 1, dtype=np.bool_)
    there[number - first] = True
    return np.flatnonzero(~there) + first


def _unwrap(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Each is the nearest to the one before it that agrees in its lower bits."""
    half = 1 << bits - 1
    steps = (np.diff(values) + half) % (1 << bits) - half
    return np.concatenate((values[:1], values[0] + np.cumsum(steps)))


# ---------------------------------------------------------------- the file


def _frames(name: str, data: bytes) -> Iterator[_Frame]:
    if data[:4] == PCAPNG:
        return _pcapng(data)
    if data[:4] not in MAGICS:
        raise SettingsError(f"{name}: neither pcap nor pcapng")
    return _classic(data)


def _classic(data: bytes) -> Iterator[_Frame]:
    order, unit_s = MAGICS[data[:4]]
    if len(data) < 24:
        return
    link = int(struct.unpack_from(f"{order}I", data, 20)[0]) & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from(f"{order}IIII", data, at)
        yield _Frame(seconds + fraction * unit_s, link, data[at + 16 : at + 16 + kept])
        at += 16 + kept


def _pcapng(data: bytes) -> Iterator[_Frame]:
    order, at = "<", 0
    interfaces: list[tuple[int, float]] = []
    while at + 12 <= len(data):
        if data[at : at + 4] == PCAPNG:  # a section has a byte order of its own
            order = _BYTE_ORDERS.get(data[at + 8 : at + 12], "<")
            interfaces = []
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if length < 12:
            return
        body = data[at + 8 : at + length - 4]
        if kind == _INTERFACE and len(body) >= 8:
            interfaces.append((struct.unpack_from(f"{order}H", body)[0], _unit_s(body[8:], order)))
        elif kind == _PACKET and len(body) >= 20:
            interface, high, low, kept, _ = struct.unpack_from(f"{order}IIIII", body)
            if interface < len(interfaces):
                link, unit_s = interfaces[interface]
                yield _Frame((high << 32 | low) * unit_s, link, body[20 : 20 + kept])
        at += length + -length % 4


def _unit_s(options: bytes, order: str) -> float:
    """Of an interface's time stamps."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(f"{order}HH", options, at)
        if code == _TSRESOL and length >= 1 and at + 4 < len(options):
            exponent = options[at + 4]
            return float(2.0 ** -(exponent & 0x7F) if exponent & 0x80 else 10.0**-exponent)
        at += 4 + length + -length % 4
    return 1e-6


# ---------------------------------------------------------------- the packet


def _datagram(frame: _Frame) -> tuple[bytes, bytes] | None:
    """Of a UDP datagram that is whole: both its ends, and its payload."""
    try:
        found = _network(frame)
        if found is None:
            return None
        ends, protocol, rest = _internet(*found)
        if protocol != _UDP:
            return None
        ports, length = _part(rest, 0, 4), int.from_bytes(_part(rest, 4, 2), "big")
        return ends + ports, _part(rest, 8, length - 8)
    except _Cut:
        return None


def _network(frame: _Frame) -> tuple[int, bytes] | None:
    """The type of the network layer, and its packet."""
    data = frame.data
    if frame.link == _ETHERNET:
        at = 12
        while (kind := int.from_bytes(_part(data, at, 2), "big")) in _VLANS:
            at += 4
        return kind, data[at + 2 :]
    if frame.link == _SLL:
        return int.from_bytes(_part(data, 14, 2), "big"), data[16:]
    if frame.link == _SLL2:
        return int.from_bytes(_part(data, 0, 2), "big"), data[20:]
    if frame.link in _RAW or frame.link == _NULL:
        data = data[4:] if frame.link == _NULL else data
        return (_IPV4 if _part(data, 0, 1)[0] >> 4 == 4 else _IPV6), data
    return None


def _internet(kind: int, data: bytes) -> tuple[bytes, int, bytes]:
    """Both addresses, the protocol inside, and its packet. A fragment is as good as cut."""
    if kind == _IPV4:
        header = 4 * (_part(data, 0, 1)[0] & 0x0F)
        if header < 20 or int.from_bytes(_part(data, 6, 2), "big") & 0x3FFF:
            raise _Cut
        return _part(data, 12, 8), data[9], _part(data, header, len(data) - header)
    if kind == _IPV6:
        return _part(data, 8, 32), data[6], data[40:]
    raise _Cut


def _part(data: bytes, at: int, length: int) -> bytes:
    if length < 0 or at + length > len(data):
        raise _Cut
    return data[at : at + length]
