"""The media plane as the bridge process has it: it runs the media process and opens ports in it.

ProcessPlane ── requests, answers ──▶ MediaChild ── control socket ──▶ media process
  RowPort, one a call ◀── rings and counters in shared memory ──▶        rows
  one reader of the wake-up call looks which rows have ticked, all at once, and tells their ports
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import ExitStack
from functools import partial

import numpy as np

from ari_bridge.core.errors import MediaError, MediaProcessDied, PortClosed
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.child import MediaChild
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.control import CloseRow, OpenRow, Refused, Start
from ari_bridge.media.packets import endpoint
from ari_bridge.media.row_port import RowPort
from ari_bridge.media.shared import create_memory, map_rows, size
from ari_bridge.media.udp import TransportKind, bind
from ari_bridge.media.wake import Wake
from ari_bridge.settings import MediaSettings

log = logging.getLogger(__name__)


class ProcessPlane:
    """A MediaPlane whose engine runs in a process of its own. Make one with start()."""

    def __init__(self, settings: MediaSettings) -> None:
        self._settings = settings
        self._free = list(range(settings.max_calls - 1, -1, -1))
        self._ports: dict[int, RowPort] = {}
        self._frames = np.zeros(settings.max_calls, dtype=np.int64)  # of each row, when last looked at
        self._ended: MediaError | None = None
        with ExitStack() as resources:
            self._udp = bind(settings.bind_host, settings.port)
            resources.callback(self._udp.close)
            host, port = self._udp.getsockname()
            self._address = settings.advertise_host or host, port
            self._wake = Wake.create()
            resources.callback(self._wake.close)
            self._memory_fd = create_memory(size(settings.max_calls))
            resources.callback(os.close, self._memory_fd)
            self._shared = map_rows(self._memory_fd, settings.max_calls)
            self._resources = resources.pop_all()

    @classmethod
    async def start(
        cls, settings: MediaSettings, *, transport: TransportKind = TransportKind.AUTO
    ) -> ProcessPlane:
        """Bind the port and start the media process.

        Raises PortTaken, or MediaError naming the setting to mend; nothing is left behind then.
        """
        if settings.bind_host == "0.0.0.0" and not settings.advertise_host:
            raise MediaError("media.advertise_host: must be set when media.bind_host is 0.0.0.0")
        plane = cls(settings)
        try:
            await plane._start_child(transport)
        except BaseException:
            plane._resources.close()
            raise
        return plane

    async def _start_child(self, transport: TransportKind) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            start = Start(
                rows=self._settings.max_calls,
                memory_fd=self._memory_fd,
                wake_fd=self._wake.write_fd,
                control_fd=theirs.fileno(),
                udp_fd=self._udp.fileno(),
                jitter_delay_s=self._settings.jitter_delay_ms / 1000,
                transport=transport.value,
            )
            self._child = await MediaChild.start(start, ours, self._died)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._wake.read_fd, self._woken)
        self._resources.callback(loop.remove_reader, self._wake.read_fd)

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    @property
    def media_pid(self) -> int:
        """The media process's id."""
        return self._child.pid

    async def open(self, codec: str, peer: tuple[str, int], call_id: str) -> RowPort:
        known = find_codec(codec)
        try:
            destination = endpoint(*peer)
        except ValueError as error:
            raise MediaError(f"call {call_id}: cannot send audio to {peer[0]}:{peer[1]}: {error}") from None
        self._check()
        if not self._free:
            raise MediaError(f"media.max_calls: all {self._settings.max_calls} rows are taken")
        slot = self._free.pop()
        try:
            answer = await self._child.ask(OpenRow(slot, codec, destination))
            if isinstance(answer, Refused):
                raise MediaError(answer.reason)
            self._check()  # it may have been closed while the answer was on its way
        except BaseException:
            self._child.tell(CloseRow(slot))
            self._free.append(slot)
            raise
        port = RowPort(BridgeRow(self._shared, slot, known), known, call_id, partial(self._release, slot))
        self._ports[slot] = port
        return port

    async def close(self) -> None:
        if isinstance(self._ended, PortClosed):
            return
        self._end(PortClosed("the media plane was closed"))
        for port in list(self._ports.values()):
            await port.close()
        await self._child.stop()
        self._resources.close()
        del self._shared  # the memory is unmapped with its last array

    async def _release(self, slot: int) -> None:
        del self._ports[slot]
        try:
            if self._ended is None:
                await self._child.ask(CloseRow(slot))
        except MediaProcessDied:
            pass  # and the row with it
        finally:
            self._free.append(slot)

    def _woken(self) -> None:
        """Some rows have ticked."""
        self._wake.drain()
        frames = self._shared.media["frames"].copy()
        ticked = np.flatnonzero(frames != self._frames)
        self._frames = frames
        for slot in ticked.tolist():
            port = self._ports.get(slot)
            if port is not None:
                port.ticked()

    def _died(self, error: MediaProcessDied) -> None:
        log.error("%s; %d calls have lost their audio", error, len(self._ports))
        self._end(error)

    def _end(self, error: MediaError) -> None:
        self._ended = error
        for port in self._ports.values():
            port.end(error)

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
