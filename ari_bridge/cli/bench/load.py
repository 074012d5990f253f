"""The load process: N callers, each with a socket of its own, as Asterisk has.

    python -m ari_bridge.cli.bench.load START      says its ports, is told the engine's, runs, ends

Packets leave on a grid of 1 ms and are built for many calls at once. What comes in waits in the sockets,
with the kernel's time stamp: each socket is emptied some eight times a second, many packets a system call.
"""

from __future__ import annotations

import ctypes
import json
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench import frames
from ari_bridge.cli.bench.ledger import Ledger
from ari_bridge.cli.bench.schedule import GRID_S, Impairment, Schedule, plan
from ari_bridge.core.clock import monotonic_s
from ari_bridge.media import rtp
from ari_bridge.media.mmsg import MmsgReceiver, want_timestamps
from ari_bridge.media.packets import Received

_EMPTY_TURNS = 8
"""Turns of the grid between two looks into sockets."""
_LOOKS = 16
"""After which every socket has been looked into: 128 ms."""
_DRAIN_S = 0.5
"""How long after its last packet a call may still be answered."""
_BLOCK = 256
_PAYLOAD_TYPE = 0
_PR_SET_TIMERSLACK = 29


@dataclass(frozen=True, slots=True)
class Start:
    """The process's only argument. The ledger's descriptor is inherited."""

    calls: int
    frames: int
    ledger_fd: int
    loss: float
    jitter_s: float
    seed: int

    def text(self) -> str:
        return json.dumps(asdict(self))


class Callers:
    """The sockets, what they are to send, and the ledger of it all."""

    def __init__(self, sockets: list[socket.socket], schedule: Schedule, ledger: Ledger) -> None:
        self._schedule = schedule
        self._ledger = ledger
        self._sends: list[Callable[[memoryview], int]] = [sock.send for sock in sockets]
        self._fds = [sock.fileno() for sock in sockets]
        self._call_of = np.zeros(max(self._fds) + 1, dtype=np.int64)
        self._call_of[self._fds] = np.arange(len(sockets))
        self._packets = np.zeros((_BLOCK, rtp.HEADER_OCTETS + frames.FRAME_OCTETS), dtype=np.uint8)
        self._views = [packet.data for packet in self._packets]
        self._receiver = MmsgReceiver(1024)
        self._first_sequence = np.full(len(sockets), -1, dtype=np.int64)
        self._next_fd = 0
        self._at = 0

    def run(self, start_s: float) -> None:
        """Until everything is sent, and what was answered has come back."""
        for fd in self._fds:  # the engine has begun already
            self._receiver.fill(fd)
        due_s = self._schedule.due_s
        end_s = float(due_s[-1]) + _DRAIN_S
        share = -(-len(self._fds) // _LOOKS)
        turn = 0
        while (elapsed_s := monotonic_s() - start_s) < end_s:
            self._send(int(np.searchsorted(due_s, elapsed_s, side="right")))
            if turn % _EMPTY_TURNS == 0:
                self._empty(share)
            turn += 1
            time.sleep(max(0.0, start_s + turn * GRID_S - monotonic_s()))
        self._empty(len(self._fds))

    def _send(self, until: int) -> None:
        """All packets of the schedule before the index `until`."""
        while self._at < until:
            block = slice(self._at, min(until, self._at + _BLOCK))
            call, frame = self._schedule.call[block], self._schedule.frame[block]
            packets = self._packets[: len(call)]
            rtp.write_headers(
                packets,
                payload_type=_PAYLOAD_TYPE,
                marker=frame == 0,
                sequence=frame.astype(np.uint16),
                timestamp=(frame * frames.FRAME_OCTETS).astype(np.uint32),
                ssrc=call.astype(np.uint32),
            )
            frames.write(call, frame, packets[:, rtp.HEADER_OCTETS :])
            began_s = monotonic_s()
            for index, view in zip(call.tolist(), self._views, strict=False):
                try:
                    self._sends[index](view)
                except OSError:
                    self._ledger.counts["refused"] += 1
            self._ledger.sent_s[call, frame] = np.linspace(began_s, monotonic_s(), len(call))
            self._at = block.stop

    def _empty(self, count: int) -> None:
        """Read what waits in the next `count` sockets."""
        now, filled, whose = monotonic_s(), 0, []
        for _ in range(count):
            fd = self._fds[self._next_fd]
            got = self._receiver.fill(fd, filled)
            whose.append((fd, got))
            filled += got
            self._next_fd = (self._next_fd + 1) % len(self._fds)
            if filled > self._receiver.room // 2:
                self._enter(self._receiver.received(filled, now), whose)
                now, filled, whose = monotonic_s(), 0, []
        if filled:
            self._enter(self._receiver.received(filled, now), whose)

    def _enter(self, batch: Received, whose: list[tuple[int, int]]) -> None:
        """Note what has come. Several packets of a call may be in a batch."""
        fds, counts = np.array(whose).T
        call = np.repeat(self._call_of[fds], counts)
        headers = rtp.parse_batch(batch.octets, batch.lengths)
        new = self._first_sequence[call] < 0
        if new.any():
            self._begin(call[new], headers.sequence[new])
        ledger = self._ledger
        place = (headers.sequence - self._first_sequence[call]).astype(np.uint16).astype(np.int64)
        fits = place < ledger.heard_s.shape[1]
        ledger.heard_s[call[fits], place[fits]] = batch.arrivals_s[fits]

        end = rtp.HEADER_OCTETS + frames.FRAME_OCTETS
        marks = frames.read(batch.octets[:, rtp.HEADER_OCTETS : end])
        known = (marks.frame >= 0) & (marks.frame < ledger.frames)
        ours = known & (marks.call == call & frames.CALL_MASK)
        again = ours & ~np.isnan(ledger.back_s[call, np.where(ours, marks.frame, 0)])
        first = ours & ~again
        # A frame that begins in the middle of a packet is back that much later than the packet.
        back_s = batch.arrivals_s + marks.shift * frames.SAMPLE_S
        ledger.back_s[call[first], marks.frame[first]] = back_s[first]
        ledger.counts["foreign"] += np.count_nonzero(known & ~ours)

    def _begin(self, call: NDArray[np.int64], sequence: NDArray[np.uint16]) -> None:
        """Each call's first packet from the engine."""
        calls, first = np.unique(call, return_index=True)
        self._first_sequence[calls] = sequence[first]


def main(argument: str) -> int:
    start = Start(**json.loads(argument))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1000, 0, 0, 0)
    ledger = Ledger(start.ledger_fd, start.calls, start.frames)
    schedule = plan(
        start.calls, start.frames, Impairment(start.loss, start.jitter_s), np.random.default_rng(start.seed)
    )
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(start.calls)
        ]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
            want_timestamps(sock)
        print(json.dumps([sock.getsockname()[1] for sock in sockets]), flush=True)
        line = sys.stdin.readline()
        if not line:  # the engine did not start
            return 0
        begin_s, ports = json.loads(line)
        for sock, port in zip(sockets, ports, strict=True):
            sock.connect(("127.0.0.1", port))
            sock.setblocking(False)
        Callers(sockets, schedule, ledger).run(begin_s)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
