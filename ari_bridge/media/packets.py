"""What passes between the engine and a UDP transport: batches of packets as arrays.

An IPv4 address and port travel as one number, `ip << 16 | port`, so that a whole batch is looked up at once.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

PACKET_ROOM = 2112
"""Bytes kept of a packet: 60 ms of slin16 and its header fit. An odd number of cache lines: with a power of
two the headers of a batch would all compete for the same few."""

ALL = slice(None)

Endpoint: TypeAlias = int
"""`ip << 16 | port`."""


def endpoint(host: str, port: int) -> Endpoint:
    """Raises ValueError unless `host` is a dotted IPv4 address and `port` one that can be sent to."""
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a UDP port")
    return int(ipaddress.IPv4Address(host)) << 16 | port


def host_and_port(value: Endpoint) -> tuple[str, int]:
    return str(ipaddress.IPv4Address(value >> 16)), value & 0xFFFF


@dataclass(frozen=True, slots=True)
class Received:
    """n packets, in order of arrival. The arrays may be views of a transport's buffers: they hold until its
    next receive."""

    octets: NDArray[np.uint8]
    """(n, PACKET_ROOM); what lies beyond a packet's length is left over from others."""
    lengths: NDArray[np.int64]
    sources: NDArray[np.int64]
    """Endpoints."""
    arrivals_s: NDArray[np.float64]
    """Monotonic, as the kernel saw them come in."""

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Outgoing:
    """n packets of one size, to be sent now. The octets hold until the engine is used again. One that comes a
    second time has the same destinations, and its octets lie where they lay."""

    octets: NDArray[np.uint8]
    """(n, bytes), C-contiguous."""
    destinations: NDArray[np.int64]
    """Endpoints."""

    def __len__(self) -> int:
        return len(self.destinations)


@dataclass(frozen=True, slots=True)
class Lot:
    """Some of the packets of a tick, which are to leave together."""

    packets: Outgoing
    """All of the tick: a transport lays them out once."""
    which: slice
    due_s: float

    @property
    def octets(self) -> NDArray[np.uint8]:
        return self.packets.octets[self.which]

    @property
    def destinations(self) -> NDArray[np.int64]:
        return self.packets.destinations[self.which]

    def __len__(self) -> int:
        return len(self.destinations)
