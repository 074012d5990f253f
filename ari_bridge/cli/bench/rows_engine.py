"""The product's own media process, and a reader in the bridge process that plays back what it hears.

The reader works on the shared rows themselves, all that have ticked at once, as a service with many calls
would: what is measured is the media plane, not an asyncio task a call.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench import frames, machine
from ari_bridge.cli.bench.engine import Pin, Running
from ari_bridge.cli.bench.ledger import READ_TOO_LATE, Ledger
from ari_bridge.core.audio import Pcm16
from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.errors import MediaError
from ari_bridge.media.child import MediaChild
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.control import OpenRow, Refused, Serve, Start
from ari_bridge.media.items import as_items, sliding_items
from ari_bridge.media.packets import endpoint
from ari_bridge.media.shared import RX_FRAMES, SharedRows, create_memory, map_rows, size, tx_capacity
from ari_bridge.media.udp import TransportKind, bind
from ari_bridge.media.wake import Wake

CODEC = "ulaw"
_READ_SAMPLES = 24
"""At a frame's end; enough to tell whose and which it is."""
_OPENED_AT_ONCE = 25
_OPEN_PAUSE_S = 0.03


class Echo:
    """Reads every row that has ticked, and queues what it read."""

    def __init__(self, shared: SharedRows, codec: Codec, ledger: Ledger) -> None:
        self._codec = codec
        self._ledger = ledger
        self._frames = shared.media["frames"]
        self._heard = shared.media["heard"]
        self._queued = shared.bridge["queued"]
        self._rx = shared.rx(codec.rate_hz)
        self._rx_frames = as_items(self._rx)
        self._tx = shared.tx.reshape(-1)
        self._frames_at = sliding_items(self._tx, codec.frame_samples)
        self._stride = shared.tx.shape[1]
        self._mask = tx_capacity(codec.rate_hz) - 1
        self._frame = np.arange(codec.frame_samples)
        self._read = np.zeros(shared.rows, dtype=np.int64)

    def read(self, now: float) -> None:
        """Rows are numbered as the callers are. A frame is played back at the row's next tick or not at
        all: had the reader been held up and queued what it missed, all later audio would wait behind that."""
        while len(rows := np.flatnonzero(self._frames > self._read)):
            read = self._read[rows]
            pcm = self._rx_frames[rows, read % RX_FRAMES].view(np.int16).reshape(len(rows), -1)
            self._read[rows] = read + 1
            in_time = self._queued[rows] == self._heard[rows]
            self._note(rows, pcm, np.where(in_time, now, READ_TOO_LATE))
            self._play(rows[in_time], pcm[in_time])

    def _play(self, rows: NDArray[np.intp], pcm: Pcm16) -> None:
        queued = self._queued[rows]
        at = queued & self._mask
        whole = at <= self._mask + 1 - len(self._frame)
        self._frames_at[(rows * self._stride + at)[whole]] = as_items(pcm[whole])
        around = rows[~whole, None] * self._stride + (at[~whole, None] + self._frame & self._mask)
        self._tx[around] = pcm[~whole]
        self._queued[rows] = queued + len(self._frame)

    def _note(self, rows: NDArray[np.intp], pcm: Pcm16, at_s: NDArray[np.float64]) -> None:
        marks = frames.read(self._codec.encode(np.ascontiguousarray(pcm[:, -_READ_SAMPLES:])))
        known = (marks.frame >= 0) & (marks.frame < self._ledger.frames)
        known &= marks.call == rows & frames.CALL_MASK
        shift = pcm.shape[1] - _READ_SAMPLES + marks.shift
        self._ledger.read_s[rows[known], marks.frame[known]] = (at_s + shift * frames.SAMPLE_S)[known]


class RowsEngine:
    name = "rows"
    echo_s = frames.FRAME_S

    @asynccontextmanager
    async def running(
        self, callers: list[int], delay_ms: int, ledger: Ledger, pin: Pin
    ) -> AsyncIterator[Running]:
        loop = asyncio.get_running_loop()
        rows = len(callers)
        with ExitStack() as resources:
            udp = bind("127.0.0.1", 0)
            resources.callback(udp.close)
            wake = Wake.create()
            resources.callback(wake.close)
            memory_fd = create_memory(size(rows))
            resources.callback(os.close, memory_fd)
            shared = map_rows(memory_fd, rows)
            echo = Echo(shared, find_codec(CODEC), ledger)
            child = await self._start(rows, delay_ms, memory_fd, wake, udp)
            try:
                await child.ask(Serve([]))
                empty_kb = machine.private_kb(child.pid)
                pin(child.pid)
                for slot in range(rows):
                    shared.populate(slot, find_codec(CODEC).rate_hz)  # as a plane does
                await _open(child, callers)

                def woken() -> None:
                    wake.drain()
                    echo.read(monotonic_s())

                loop.add_reader(wake.read_fd, woken)
                resources.callback(loop.remove_reader, wake.read_fd)
                yield Running(child.pid, [udp.getsockname()[1]] * rows, empty_kb)
            finally:
                await child.stop()

    async def _start(
        self, rows: int, delay_ms: int, memory_fd: int, wake: Wake, udp: socket.socket
    ) -> MediaChild:
        ours, theirs = socket.socketpair()
        start = Start(
            rows=rows,
            memory_fd=memory_fd,
            wake_fd=wake.write_fd,
            control_fd=theirs.fileno(),
            udp_fd=udp.fileno(),
            delay_start_s=delay_ms / 1000,
            delay_min_s=delay_ms / 1000,
            delay_max_s=delay_ms / 1000,
            transport=TransportKind.AUTO.value,
        )
        return await MediaChild.start(start, ours, theirs)


async def _open(child: MediaChild, callers: list[int]) -> None:
    """A row for each caller, not more at once than a busy host might have: more would be a load of its own,
    and the media process leaves real-time scheduling when it is overloaded."""
    for first in range(0, len(callers), _OPENED_AT_ONCE):
        some = enumerate(callers[first : first + _OPENED_AT_ONCE], first)
        asked = [child.ask(OpenRow(slot, CODEC, endpoint("127.0.0.1", port))) for slot, port in some]
        for answer in await asyncio.gather(*asked):
            if isinstance(answer, Refused):
                raise MediaError(answer.reason)
        await asyncio.sleep(_OPEN_PAUSE_S)
