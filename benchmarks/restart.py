"""The gap that callers hear when the media process is killed: its worst, of CALLS calls and KILLS kills.

    python benchmarks/restart.py

SIGKILL in the middle of the agent's speech, once the spare stands by; the gap is the longest time between two
packets at a leg's socket, by the kernel's time stamps. 20 ms of it are a packet's own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
from contextlib import AsyncExitStack
from itertools import pairwise

import numpy as np

from ari_bridge.core.clock import monotonic_s
from ari_bridge.media.mmsg import MmsgReceiver, want_timestamps
from ari_bridge.media.port import ProcessPlane
from ari_bridge.media.udp import bind
from ari_bridge.settings import MediaSettings

CALLS, KILLS = 100, 5
"""A sixth death within a minute would be the end (docs/media-process.md)."""
SETTLE_S = 1.0


class Leg:
    def __init__(self) -> None:
        self.socket = bind("127.0.0.1", 0)
        self.socket.setblocking(False)
        want_timestamps(self.socket)
        self.arrivals_s: list[float] = []

    def read(self, room: MmsgReceiver) -> None:
        count = room.fill(self.socket.fileno())
        if count:
            self.arrivals_s += room.received(count, monotonic_s()).arrivals_s.tolist()

    def worst_gap_s(self) -> float:
        gap_s = max(b - a for a, b in pairwise(self.arrivals_s))
        self.arrivals_s.clear()
        return gap_s


async def main() -> None:
    async with AsyncExitStack() as stack:
        plane = await ProcessPlane.start(MediaSettings(max_calls=CALLS))
        stack.push_async_callback(plane.close)
        legs = [Leg() for _ in range(CALLS)]
        for number, leg in enumerate(legs):
            stack.callback(leg.socket.close)
            port = await plane.open("ulaw", leg.socket.getsockname(), f"call-{number}")
            await port.play(np.full(16000, 6000, np.int16))
        room = MmsgReceiver(256)
        gaps_ms = []
        for _ in range(KILLS):
            while plane.spare_pid is None:
                await _listen(legs, room)
            for leg in legs:
                leg.arrivals_s.clear()
            await _listen(legs, room)
            os.kill(plane.media_pid, signal.SIGKILL)
            await _listen(legs, room)
            gaps_ms.append(max(leg.worst_gap_s() for leg in legs) * 1000)
    told = ", ".join(f"{gap:.0f}" for gap in gaps_ms)
    print(f"worst gap of {CALLS} calls: {told} ms; median {statistics.median(gaps_ms):.0f} ms")


async def _listen(legs: list[Leg], room: MmsgReceiver) -> None:
    until_s = monotonic_s() + SETTLE_S
    while monotonic_s() < until_s:
        for leg in legs:
            leg.read(room)
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
