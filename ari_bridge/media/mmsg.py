"""UDP in batches: recvmmsg(2) and sendmmsg(2) through ctypes, on buffers laid out once in numpy.

    struct mmsghdr ──▶ struct sockaddr_in     name
                   ──▶ struct iovec ──▶ packet
                   ──▶ control: cmsghdr and timespec (SO_TIMESTAMPNS)

The layouts are those of 64-bit Linux: recvmmsg(2), recvmsg(2), cmsg(3), ip(7).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ari_bridge.media.packets import ALL, PACKET_ROOM, Outgoing, Received

_MMSGHDR = np.dtype(
    [
        ("name", "u8"),
        ("name_octets", "u4"),
        ("_", "u4"),
        ("iov", "u8"),
        ("iov_count", "u8"),
        ("control", "u8"),
        ("control_octets", "u8"),
        ("flags", "i4"),
        ("__", "i4"),
        ("packet_octets", "u4"),
        ("___", "u4"),
    ]
)
_IOVEC = np.dtype([("base", "u8"), ("octets", "u8")])
_SOCKADDR_IN = np.dtype([("family", "u2"), ("port", ">u2"), ("ip", ">u4"), ("zero", "u8")])
_CONTROL = np.dtype(
    [("octets", "u8"), ("level", "i4"), ("type", "i4"), ("seconds", "i8"), ("nanoseconds", "i8")]
)
_SO_TIMESTAMPNS = 35
_BATCH = 1536
_MAX_BATCHES = 4
"""After which receive() lets the pacing go on, whatever floods the port."""
_HUGE_PAGE = 2 << 20
_MAX_AGE_NS = 5_000_000_000
"""Of a kernel time stamp that is believed: the wall clock may have been set meanwhile."""


def has_mmsg() -> bool:
    """Whether this system has both calls, in the layout above."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    libc = ctypes.CDLL(None)
    return hasattr(libc, "recvmmsg") and hasattr(libc, "sendmmsg")


class _Buffers:
    """`count` message headers, each with an address and, if wanted, room for control data."""

    def __init__(self, count: int) -> None:
        self.headers = np.zeros(count, dtype=_MMSGHDR)
        self.iovecs = np.zeros(count, dtype=_IOVEC)
        self.names = np.zeros(count, dtype=_SOCKADDR_IN)
        self.names["family"] = socket.AF_INET
        self.headers["name"] = _addresses(self.names)
        self.headers["name_octets"] = _SOCKADDR_IN.itemsize
        self.headers["iov"] = _addresses(self.iovecs)
        self.headers["iov_count"] = 1
        self.address = self.headers.ctypes.data


def _addresses(array: NDArray[np.void] | NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The memory address of each row."""
    return np.uint64(array.ctypes.data) + np.arange(len(array), dtype=np.uint64) * np.uint64(array.strides[0])


class MmsgReceiver:
    """Room for a batch of packets, to be filled from any sockets whose kernel time stamps are on."""

    def __init__(self, packets: int = _BATCH) -> None:
        self.room = packets
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._recvmmsg.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        )
        self._in = _Buffers(packets)
        self._octets = _in_huge_pages(packets * PACKET_ROOM).reshape(packets, PACKET_ROOM)
        self._in.iovecs["base"] = _addresses(self._octets)
        self._in.iovecs["octets"] = PACKET_ROOM
        control = np.zeros(packets, dtype=_CONTROL)
        self._in.headers["control"] = _addresses(control)
        self._in.headers["control_octets"] = _CONTROL.itemsize
        # Columns, looked up once.
        self._lengths = self._in.headers["packet_octets"]
        self._control_octets = self._in.headers["control_octets"]
        self._ip, self._port = self._in.names["ip"], self._in.names["port"]
        self._kind, self._seconds = control["type"], control["seconds"]
        self._nanoseconds = control["nanoseconds"]

    def fill(self, fd: int, at: int = 0) -> int:
        """Read what waits in a socket into the room from packet `at` on; never waits. Returns how many."""
        address = self._in.address + at * _MMSGHDR.itemsize
        count: int = self._recvmmsg(fd, address, self.room - at, socket.MSG_DONTWAIT, None)
        return max(0, count)

    def received(self, count: int, now: float) -> Received:
        """The first `count` packets, which makes room for the next."""
        age_ns = time.time_ns() - self._seconds[:count] * 1_000_000_000
        age_ns -= self._nanoseconds[:count]
        # The kernel has written how much room for control data it used: all of it, for a time stamp.
        stamped = self._control_octets[:count] == _CONTROL.itemsize
        if np.count_nonzero(stamped) < count:
            stamped &= self._kind[:count] == _SO_TIMESTAMPNS
            age_ns[~stamped] = 0
            self._control_octets[:count] = _CONTROL.itemsize
        if age_ns.view(np.uint64).max() > _MAX_AGE_NS:  # or negative
            age_ns[age_ns.view(np.uint64) > _MAX_AGE_NS] = 0
        sources = self._ip[:count].astype(np.int64)
        sources <<= 16
        sources |= self._port[:count]
        arrivals_s = age_ns * -1e-9
        arrivals_s += now
        return Received(self._octets[:count], self._lengths[:count].astype(np.int64), sources, arrivals_s)


def _in_huge_pages(size: int) -> NDArray[np.uint8]:
    """So many octets, in as few pages as the system gives: they are touched a packet here and there."""
    memory = mmap.mmap(-1, -(-size // _HUGE_PAGE) * _HUGE_PAGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, dtype=np.uint8)[:size]


def want_timestamps(sock: socket.socket) -> None:
    """Have the kernel stamp what comes in."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


class MmsgTransport:
    """A batch of packets a system call; arrival times are the kernel's."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._fd = sock.fileno()
        want_timestamps(sock)
        self._receiver = MmsgReceiver()
        self._sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self._laid_out: WeakKeyDictionary[Outgoing, _Buffers] = WeakKeyDictionary()
        """Message headers, once for packets that come again and again."""
        self._packets: Outgoing | None = None
        self._headers = _Buffers(0)
        """Those that were sent last."""

    def fileno(self) -> int:
        return self._fd

    def receive(self, now: float) -> Iterator[Received]:
        for _ in range(_MAX_BATCHES):
            count = self._receiver.fill(self._fd)
            if count:
                yield self._receiver.received(count, now)
            if count < _BATCH:
                return

    def send(self, packets: Outgoing, which: slice = ALL) -> int:
        if packets is not self._packets:
            self._packets = packets
            self._headers = self._laid_out.get(packets) or _lay_out(packets)
            self._laid_out[packets] = self._headers
        first, last, _ = which.indices(len(packets))
        return self._send(self._headers.address, first, last)

    def _send(self, address: int, first: int, last: int) -> int:
        """The headers from `first` to before `last`. One that the system refuses is left out, as if lost on
        the way."""
        at, refused = first, 0
        while at < last:
            result = self._sendmmsg(
                self._fd, address + at * _MMSGHDR.itemsize, last - at, socket.MSG_DONTWAIT
            )
            if result > 0:
                at += result
            elif ctypes.get_errno() in (errno.EAGAIN, errno.ENOBUFS):
                break
            elif ctypes.get_errno() != errno.EINTR:
                at += 1
                refused += 1
        return at - first - refused

    def close(self) -> None:
        self._socket.close()


def _lay_out(packets: Outgoing) -> _Buffers:
    """Message headers for these packets."""
    out = _Buffers(len(packets))
    out.iovecs["base"] = _addresses(packets.octets)
    out.iovecs["octets"] = packets.octets.shape[1]
    out.names["port"] = packets.destinations & 0xFFFF
    out.names["ip"] = packets.destinations >> 16
    return out
