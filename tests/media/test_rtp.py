"""RTP headers: what is read back, what is refused, and that no input does harm."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media import rtp
from ari_bridge.media.packets import PACKET_ROOM

packets = st.builds(
    rtp.Packet,
    marker=st.booleans(),
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=400),
)


def batch(datagrams: list[bytes]) -> rtp.Headers:
    octets = np.full((len(datagrams), PACKET_ROOM), 0xAA, dtype=np.uint8)
    for row, datagram in zip(octets, datagrams, strict=True):
        row[: len(datagram)] = np.frombuffer(datagram, np.uint8)
    return rtp.parse_batch(octets, np.array([len(d) for d in datagrams]))


@given(packets)
def test_what_is_built_is_parsed(packet: rtp.Packet) -> None:
    assert rtp.parse(rtp.build(packet)) == packet


@given(
    packet=packets,
    csrcs=st.integers(0, 15),
    extension=st.none() | st.binary(max_size=40).map(lambda b: b[: len(b) // 4 * 4]),
    padding=st.integers(0, 20),
)
def test_optional_parts_are_skipped(
    packet: rtp.Packet, csrcs: int, extension: bytes | None, padding: int
) -> None:
    plain = rtp.build(packet)
    first = 0x80 | csrcs | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    raw = bytes([first]) + plain[1:12] + b"\x11" * 4 * csrcs
    if extension is not None:
        raw += b"\xbe\xde" + (len(extension) // 4).to_bytes(2, "big") + extension
    raw += packet.payload
    if padding:
        raw += b"\0" * (padding - 1) + bytes([padding])
    assert rtp.parse(raw) == packet


@given(st.lists(st.binary(max_size=64), min_size=1, max_size=8))
def test_a_batch_is_parsed_like_its_packets(datagrams: list[bytes]) -> None:
    headers = batch(datagrams)
    for i, datagram in enumerate(datagrams):
        single = rtp.parse(datagram)
        assert bool(headers.valid[i]) == (single is not None)
        if single is not None:
            start, count = int(headers.payload_start[i]), int(headers.payload_octets[i])
            assert count >= 0
            assert datagram[start : start + count] == single.payload
            assert int(headers.sequence[i]) == single.sequence


@given(st.binary(max_size=200))
def test_a_payload_never_reaches_beyond_its_packet(datagram: bytes) -> None:
    packet = rtp.parse(datagram)
    if packet is not None:
        assert datagram[0] >> 6 == 2
        assert packet.payload in datagram


def test_what_is_cut_short_is_refused() -> None:
    whole = rtp.build(rtp.Packet(False, 0, 1, 2, 3, b""))
    assert rtp.parse(whole) is not None
    assert rtp.parse(whole[:-1]) is None
    assert rtp.parse(b"\x81" + whole[1:]) is None, "a CSRC is announced that is not there"
    assert rtp.parse(b"\x90" + whole[1:]) is None, "an extension is announced that is not there"
    assert rtp.parse(b"\x90" + whole[1:] + b"\0\0\0\x02" + b"\0" * 4) is None, "half an extension"
    assert rtp.parse(b"\xa0" + whole[1:] + b"\x09") is None, "more padding than packet"
    assert rtp.parse(b"\xa0" + whole[1:] + b"\x00") is None, "padding counts itself, it is never 0"
    assert rtp.parse(b"\x40" + whole[1:]) is None, "version 1"
    assert rtp.parse(b"OPTIONS sip:100@127.0.0.1 SIP/2.0") is None
