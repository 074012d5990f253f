"""Both transports, through the same tests, on loopback."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from ari_bridge.core.errors import MediaError, PortTaken
from ari_bridge.media.mmsg import MmsgTransport, has_mmsg
from ari_bridge.media.packets import PACKET_ROOM, Outgoing, endpoint, host_and_port
from ari_bridge.media.udp import PortableTransport, Transport, TransportKind, bind, open_transport

KINDS = [TransportKind.PORTABLE] + ([TransportKind.MMSG] if has_mmsg() else [])


@pytest.fixture(params=KINDS, ids=lambda kind: kind.value)
def transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    opened = open_transport(bind("127.0.0.1", 0), request.param)
    yield opened
    opened.close()


@pytest.fixture
def legs() -> Iterator[list[socket.socket]]:
    opened = [bind("127.0.0.1", 0) for _ in range(3)]
    yield opened
    for leg in opened:
        leg.close()


def address(transport: Transport) -> tuple[str, int]:
    with socket.socket(fileno=socket.dup(transport.fileno())) as twin:
        name: tuple[str, int] = twin.getsockname()
        return name


def received(transport: Transport, count: int) -> list[tuple[int, bytes, float]]:
    """Wait until `count` packets have come: source, content, arrival."""
    packets: list[tuple[int, bytes, float]] = []
    while len(packets) < count:
        readable, _, _ = select.select([transport.fileno()], [], [], 5)
        assert readable, f"only {len(packets)} of {count} packets came"
        for batch in transport.receive(time.monotonic()):
            for i in range(len(batch)):
                content = batch.octets[i, : batch.lengths[i]].tobytes()
                packets.append((int(batch.sources[i]), content, float(batch.arrivals_s[i])))
    return packets


def test_packets_come_with_their_source_and_time(transport: Transport, legs: list[socket.socket]) -> None:
    to = address(transport)
    before_s = time.monotonic()
    sent = []
    for number in range(150):
        leg = legs[number % 3]
        content = bytes([number]) * (1 + 11 * number)
        leg.sendto(content, to)
        sent.append((endpoint(*leg.getsockname()), content))
    packets = received(transport, len(sent))
    assert [(source, content) for source, content, _ in packets] == sent
    for _, _, arrival_s in packets:
        assert before_s - 0.01 <= arrival_s <= time.monotonic()


def test_batches_of_any_size_from_any_memory(transport: Transport, legs: list[socket.socket]) -> None:
    """An engine builds packets in the same memory again and again, of each codec in its own."""
    narrow, wide = np.zeros((40, 50), np.uint8), np.zeros((40, 90), np.uint8)
    to = np.full(40, endpoint(*legs[0].getsockname()))
    legs[0].settimeout(5)
    for value, memory, count in (
        (1, narrow, 10),
        (2, narrow, 40),
        (3, wide, 40),
        (4, narrow, 5),
        (5, wide, 9),
    ):
        memory[:count] = value
        packets = memory[:count]
        assert transport.send(Outgoing(packets, to[:count])) == count
        assert [legs[0].recv(2048) for _ in range(count)] == [packet.tobytes() for packet in packets]


def test_packets_go_to_their_destinations(transport: Transport, legs: list[socket.socket]) -> None:
    octets = np.arange(30 * 50, dtype=np.uint16).astype(np.uint8).reshape(30, 50)
    to = np.array([endpoint(*legs[n % 3].getsockname()) for n in range(30)])
    assert transport.send(Outgoing(octets, to)) == 30
    for n in range(30):
        legs[n % 3].settimeout(5)
        content, source = legs[n % 3].recvfrom(2048)
        assert content == octets[n].tobytes()
        assert source == address(transport)


def test_one_bad_destination_does_not_stop_the_others(
    transport: Transport, legs: list[socket.socket]
) -> None:
    good = endpoint(*legs[0].getsockname())
    nowhere = endpoint("255.255.255.255", 9)  # not allowed without SO_BROADCAST
    octets = np.arange(4, dtype=np.uint8)[:, None].repeat(20, axis=1)
    assert transport.send(Outgoing(octets, np.array([good, nowhere, good, nowhere]))) == 2
    legs[0].settimeout(5)
    assert [legs[0].recv(100)[0] for _ in range(2)] == [0, 2]


def test_empty_and_oversized_packets_are_survived(transport: Transport, legs: list[socket.socket]) -> None:
    to = address(transport)
    for content in (b"", b"x" * 9000, b"end"):
        legs[0].sendto(content, to)
    contents = [content for _, content, _ in received(transport, 3)]
    assert contents == [b"", b"x" * PACKET_ROOM, b"end"]


def test_nothing_to_receive_returns_at_once(transport: Transport) -> None:
    assert list(transport.receive(time.monotonic())) == []


def test_a_peer_that_is_gone_disturbs_nobody(transport: Transport, legs: list[socket.socket]) -> None:
    gone = endpoint(*legs[2].getsockname())
    legs.pop().close()
    for _ in range(3):
        transport.send(Outgoing(np.zeros((1, 20), np.uint8), np.array([gone])))
    legs[0].sendto(b"hello", address(transport))
    assert [content for _, content, _ in received(transport, 1)] == [b"hello"]


@pytest.mark.skipif(not has_mmsg(), reason="no recvmmsg on this system")
def test_time_in_the_socket_counts_as_arrived(legs: list[socket.socket]) -> None:
    transport = open_transport(bind("127.0.0.1", 0), TransportKind.MMSG)
    try:
        legs[0].sendto(b"early", address(transport))
        sent_s = time.monotonic()
        select.select([], [], [], 0.05)
        ((_, _, arrival_s),) = received(transport, 1)
        assert arrival_s < sent_s + 0.02
    finally:
        transport.close()


def test_the_best_transport_is_chosen() -> None:
    transport = open_transport(bind("127.0.0.1", 0))
    assert isinstance(transport, MmsgTransport if has_mmsg() else PortableTransport)
    transport.close()


def test_a_port_in_use_is_named() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match=re.escape(f"media.port: UDP port {port} on 127.0.0.1 is in use")):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no host", "::1", "a" * 70 + ".example"])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(MediaError, match=re.escape(f"media.bind_host: {host!r} is not an IPv4 address")):
        bind(host, 0)


def test_endpoints_travel_as_numbers() -> None:
    assert host_and_port(endpoint("192.0.2.77", 65535)) == ("192.0.2.77", 65535)
    for host, port in (("pbx.example", 5000), ("127.0.0.1", 0), ("127.0.0.1", 65536), ("::1", 5000)):
        with pytest.raises(ValueError):
            endpoint(host, port)
