"""Captures: every file kind and link type gives the same stream; anything else is refused in one line."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.cli.bench.traces.pcap import MAGICS, PCAPNG, capture, is_capture
from ari_bridge.core.errors import SettingsError
from ari_bridge.media import rtp

V4 = bytes([10, 0, 0, 1, 10, 0, 0, 2])
V6 = bytes(range(32))


def udp(payload: bytes, ports: tuple[int, int] = (4000, 5000)) -> bytes:
    return struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload


def ipv4(payload: bytes, protocol: int = 17, fragment: int = 0) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x46, 0, 24 + len(payload), 0, fragment, 64, protocol, 0)
    return head + V4 + b"\x01\x01\x01\x00" + payload  # with an option


def ipv6(payload: bytes) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(payload), 17, 64) + V6 + payload


LINKS = {
    "ethernet": (1, lambda p: bytes(12) + b"\x08\x00" + ipv4(p)),
    "vlan": (1, lambda p: bytes(12) + b"\x81\x00\x00\x05\x08\x00" + ipv4(p)),
    "ethernet, IPv6": (1, lambda p: bytes(12) + b"\x86\xdd" + ipv6(p)),
    "cooked": (113, lambda p: bytes(14) + b"\x08\x00" + ipv4(p)),
    "cooked 2": (276, lambda p: b"\x86\xdd" + bytes(18) + ipv6(p)),
    "raw": (101, ipv4),
    "raw IPv6": (229, ipv6),
    "loopback": (0, lambda p: b"\x02\x00\x00\x00" + ipv4(p)),
}


def packet(number: int, payload_type: int = 0, ssrc: int = 7, first: int = 65530) -> bytes:
    clock = (2**32 - 800 + 160 * number) % 2**32
    return rtp.build(rtp.Packet(False, payload_type, (first + number) % 65536, clock, ssrc, bytes(160)))


def pcap(frames: list[tuple[float, bytes]], link: int, magic: bytes = b"\xd4\xc3\xb2\xa1") -> bytes:
    order, unit_s = MAGICS[magic]
    data = magic + struct.pack(f"{order}HHiIII", 2, 4, 0, 0, 65535, link)
    for at_s, content in frames:
        fraction = round((at_s - int(at_s)) / unit_s)
        data += struct.pack(f"{order}IIII", int(at_s), fraction, len(content), len(content)) + content
    return data


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(f"{order}II", kind, 12 + len(body)) + body + struct.pack(f"{order}I", 12 + len(body))


def pcapng(frames: list[tuple[float, bytes]], link: int, order: str = "<") -> bytes:
    section = block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    nanoseconds = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0)
    data = section + block(order, 1, struct.pack(f"{order}HHI", link, 0, 65535) + nanoseconds)
    for at_s, content in frames:
        units = round(at_s * 1e9)
        head = struct.pack(f"{order}IIIII", 0, units >> 32, units & 0xFFFFFFFF, len(content), len(content))
        data += block(order, 6, head + content)
    return data


def stream(wrap: object = ipv4) -> list[tuple[float, bytes]]:
    """Ten packets over both wraps, and others'; number 3 is lost, 5 and 6 change places."""
    order = [0, 1, 2, 4, 6, 5, 7, 8, 9]
    frames = [(1000 + 0.02 * turn, wrap(udp(packet(number)))) for turn, number in enumerate(order)]  # type: ignore[operator]
    others = [
        wrap(udp(packet(1, ssrc=8))),  # type: ignore[operator]
        wrap(udp(b"\x80\xc8" + bytes(26))),  # type: ignore[operator]
        wrap(udp(b"not RTP")),  # type: ignore[operator]
        wrap(b"\x00\x01"),  # type: ignore[operator]
    ]
    return sorted(frames + [(1000.03, other) for other in others], key=lambda frame: frame[0])


def check(data: bytes) -> None:
    assert is_capture(data)
    one = capture("a call", data)
    assert one.packet_ms == 20
    assert np.diff(one.sequence).tolist() == [1] * 9
    assert one.sent_s == pytest.approx(np.arange(10) * 0.02)
    turn = [0, 1, 2, np.inf, 3, 5, 4, 6, 7, 8]
    assert one.arrived_s == pytest.approx(np.array(turn) * 0.02, abs=1e-5)


@pytest.mark.parametrize("link", LINKS)
def test_link_types(link: str) -> None:
    number, wrap = LINKS[link]
    check(pcap(stream(wrap), number))
    check(pcapng(stream(wrap), number))


@pytest.mark.parametrize("magic", MAGICS)
def test_byte_orders_and_units(magic: bytes) -> None:
    check(pcap(stream(), 101, magic))


def test_pcapng_of_the_other_byte_order() -> None:
    check(pcapng(stream(), 101, ">"))


def test_telephone_events_are_no_audio_but_use_up_numbers() -> None:
    frames = [(0.02 * n, ipv4(udp(packet(n, payload_type=101 if n in (4, 5) else 0)))) for n in range(10)]
    one = capture("digits", pcap(frames, 101))
    assert len(one) == 8
    assert one.lost == 0


def test_fragments_and_other_protocols_are_passed_over() -> None:
    noise = [(1000.0, ipv4(udp(packet(99)), protocol=6)), (1000.0, ipv4(udp(packet(98)), fragment=0x2000))]
    check(pcap(noise + stream(), 101))


def test_a_capture_cut_short_is_read_so_far() -> None:
    data = pcap(stream(), 101)
    assert len(capture("cut", data[: len(data) - 100])) == 9


@pytest.mark.parametrize("data", [b"", b"RIFF1234", pcap([], 1), pcapng([], 1), PCAPNG])
def test_without_rtp_it_is_refused(data: bytes) -> None:
    with pytest.raises(SettingsError, match=r"^a file: "):
        capture("a file", data)


@given(st.sampled_from([pcap(stream(), 101), pcapng(stream(), 101)]), st.data())
def test_damaged_captures_raise_nothing_else(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(whole))) :]
    try:
        one = capture("damaged", bytes(damaged))
    except SettingsError:
        return
    assert len(one) >= 2
    assert np.isfinite(one.sent_s).all()
