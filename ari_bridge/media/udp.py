"""The one UDP socket of all calls, behind two transports of one interface.

`open_transport` takes the one that moves a batch of packets with one system call where the system has
recvmmsg and sendmmsg (Linux), and else the portable one, which takes a call a packet (macOS).
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from typing import Protocol

import numpy as np

from ari_bridge.core.errors import MediaError, PortTaken
from ari_bridge.media.mmsg import MmsgTransport, has_mmsg
from ari_bridge.media.packets import ALL, PACKET_ROOM, Outgoing, Received, endpoint, host_and_port

_BUFFER_OCTETS = 4 << 20
"""Room in the kernel for packets while we are held up: some 100 ms at 2500 calls."""
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33  # socket(7)
_BATCH = 64
_MAX_BATCHES = 64
"""After which receive() lets the pacing go on, whatever floods the port."""


class TransportKind(Enum):
    AUTO = "auto"
    MMSG = "mmsg"
    PORTABLE = "portable"


class Transport(Protocol):
    def fileno(self) -> int: ...

    def receive(self, now: float) -> Iterator[Received]:
        """What has come in, in batches; never waits. `now` is the monotonic time."""
        ...

    def send(self, packets: Outgoing, which: slice = ALL) -> int:
        """Send each packet, or some of them, to its destination; never waits. Returns how many the system
        took."""
        ...

    def close(self) -> None: ...


def bind(host: str, port: int) -> socket.socket:
    """A UDP socket on `host` and `port` (0: the system chooses).

    Raises PortTaken, or MediaError when the host is not an IPv4 address of this machine.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except (OSError, UnicodeError) as error:
        sock.close()
        raise _explained(error, host, port) from None
    return sock


def _explained(error: Exception, host: str, port: int) -> MediaError:
    if isinstance(error, OSError):
        if error.errno == errno.EADDRINUSE:
            return PortTaken(f"media.port: UDP port {port} on {host} is in use by another program")
        if error.errno == errno.EACCES:
            return MediaError(f"media.port: no permission to use UDP port {port}")
    return MediaError(f"media.bind_host: {host!r} is not an IPv4 address of this machine")


def open_transport(sock: socket.socket, kind: TransportKind = TransportKind.AUTO) -> Transport:
    """Take over a bound UDP socket."""
    sock.setblocking(False)
    for option, beyond_limit in ((socket.SO_RCVBUF, _SO_RCVBUFFORCE), (socket.SO_SNDBUF, _SO_SNDBUFFORCE)):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_OCTETS)
            if sys.platform == "linux":  # with CAP_NET_ADMIN; else what net.core.rmem_max allows must do
                sock.setsockopt(socket.SOL_SOCKET, beyond_limit, _BUFFER_OCTETS)
    if kind is TransportKind.MMSG or (kind is TransportKind.AUTO and has_mmsg()):
        return MmsgTransport(sock)
    return PortableTransport(sock)


class PortableTransport:
    """One packet a system call. Packets count as arrived when they are read."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._octets = np.zeros((_BATCH, PACKET_ROOM), dtype=np.uint8)
        self._rows = [row.data for row in self._octets]
        self._lengths = np.zeros(_BATCH, dtype=np.int64)
        self._sources = np.zeros(_BATCH, dtype=np.int64)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self, now: float) -> Iterator[Received]:
        for _ in range(_MAX_BATCHES):
            count = self._fill()
            if count:
                arrivals_s = np.full(count, now)
                yield Received(self._octets[:count], self._lengths[:count], self._sources[:count], arrivals_s)
            if count < _BATCH:
                return

    def _fill(self) -> int:
        for i in range(_BATCH):
            try:
                length, (host, port) = self._socket.recvfrom_into(self._rows[i])
            except OSError:  # nothing more; or an ICMP error of an earlier packet
                return i
            self._lengths[i] = length
            self._sources[i] = endpoint(host, port) if port else 0
        return _BATCH

    def send(self, packets: Outgoing, which: slice = ALL) -> int:
        sent = 0
        destinations = packets.destinations[which].tolist()
        for octets, destination in zip(packets.octets[which], destinations, strict=True):
            with suppress(OSError):  # no room, no route: lost on the way like any other
                self._socket.sendto(octets, host_and_port(destination))
                sent += 1
        return sent

    def close(self) -> None:
        self._socket.close()
