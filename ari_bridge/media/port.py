"""The media plane as the bridge process has it: it runs the media process and opens ports in it.

ProcessPlane ── requests, answers ──▶ MediaKeeper, MediaChild ── control socket ──▶ media process
  RowPort, one a call ◀── rings and counters in shared memory ──▶        rows
  one reader of the wake-up call looks which rows have ticked, all at once, and tells their ports
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import ExitStack
from functools import partial
from typing import NoReturn

import numpy as np

from ari_bridge.core.errors import MediaError, PortClosed
from ari_bridge.media.analysis.keeper import AnalysisKeeper
from ari_bridge.media.analysis.models import choose_model
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.child import MediaChild
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.control import OpenRow, Refused, Start
from ari_bridge.media.keeper import MediaKeeper
from ari_bridge.media.pacing import quantile_ms
from ari_bridge.media.packets import endpoint
from ari_bridge.media.plane import PlaneStats
from ari_bridge.media.row_port import RowPort
from ari_bridge.media.shared import create_memory, map_rows, size
from ari_bridge.media.udp import TransportKind, bind
from ari_bridge.media.wake import Wake
from ari_bridge.settings import MediaSettings


class ProcessPlane:
    """A MediaPlane whose engine runs in a process of its own. Make one with start()."""

    _keeper: MediaKeeper
    """Set by start()."""
    _analysis: AnalysisKeeper
    """Set by start()."""

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
            try:
                self._wake = Wake.create()
                resources.callback(self._wake.close)
                self._memory_fd = create_memory(size(settings.max_calls))
                resources.callback(os.close, self._memory_fd)
                self._shared = map_rows(self._memory_fd, settings.max_calls)
            except OSError as error:
                raise MediaError(
                    f"media.max_calls: the system does not give {size(settings.max_calls) >> 20} MB to share "
                    f"for {settings.max_calls} calls: {error.strerror}"
                ) from None
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
        model = choose_model(settings)
        plane = cls(settings)
        try:
            plane._keeper = await MediaKeeper.start(
                partial(plane._launch, transport),
                rows=lambda: list(plane._ports),
                tick=plane._latest_tick,
                on_failure=plane._end,
            )
        except BaseException:
            plane._resources.close()
            raise
        plane._analysis = AnalysisKeeper.start(
            settings.max_calls, plane._memory_fd, model, plane._analysis_lag_frames
        )
        loop = asyncio.get_running_loop()
        loop.add_reader(plane._wake.read_fd, plane._woken)
        plane._resources.callback(loop.remove_reader, plane._wake.read_fd)
        return plane

    async def _launch(self, transport: TransportKind) -> MediaChild:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise MediaError(f"the media process could not be started: {error.strerror}") from None
        start = Start(
            rows=self._settings.max_calls,
            memory_fd=self._memory_fd,
            wake_fd=self._wake.write_fd,
            control_fd=theirs.fileno(),
            udp_fd=self._udp.fileno(),
            delay_start_s=self._settings.jitter_delay_ms / 1000,
            delay_min_s=self._settings.shortest_delay_ms / 1000,
            delay_max_s=self._settings.longest_delay_ms / 1000,
            transport=transport.value,
        )
        return await MediaChild.start(start, ours, theirs)

    def _latest_tick(self) -> int | None:
        latest: int = self._shared.plane["tick"][0].item()
        return latest if self._ports else None

    def _analysis_lag_frames(self) -> int:
        """By how many frames the analysis of the call that lags most is behind its audio."""
        rows = list(self._ports)
        known = self._shared.analysis["ssrc"][rows] == self._shared.stream["ssrc"][rows]
        done = np.where(known, self._shared.analysis["frames"][rows], 0)
        return int(np.max(self._shared.media["frames"][rows] - done, initial=0))

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    @property
    def media_pid(self) -> int:
        """The id of the media process that serves."""
        return self._keeper.serving.pid

    @property
    def spare_pid(self) -> int | None:
        """The id of the one that stands by; None while it is being started."""
        spare = self._keeper.spare
        return None if spare is None else spare.pid

    @property
    def analysis_pid(self) -> int | None:
        """The id of the analysis process; None while there is none."""
        return self._analysis.pid

    @property
    def serving(self) -> bool:
        return self._ended is None and self._keeper.is_serving

    async def failed(self) -> NoReturn:
        await self._keeper.failed()

    def snapshot(self) -> PlaneStats:
        ports = self._ports.values()
        return PlaneStats(
            calls={port.call_id: port.stats() for port in ports},
            max_calls=self._settings.max_calls,
            restarts=self._keeper.restarts,
            priority=self._keeper.serving.priority.value,
            pacing_p99_ms=quantile_ms(self._shared.pacing[list(self._ports)].sum(axis=0), 0.99),
            strangers=int(self._shared.plane["strangers"][0]),
        )

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
            self._shared.populate(slot, known.rate_hz)
            answer = await self._keeper.open_row(OpenRow(slot, codec, destination))
            if isinstance(answer, Refused):
                raise MediaError(answer.reason)
            self._check()  # it may have been closed while the answer was on its way
        except BaseException:
            self._keeper.close_row_soon(slot)
            self._free.append(slot)
            raise
        port = RowPort(BridgeRow(self._shared, slot, known), known, call_id, partial(self._release, slot))
        self._ports[slot] = port
        return port

    async def close(self) -> None:
        if isinstance(self._ended, PortClosed):
            return
        closed = PortClosed("the media plane was closed")
        self._end(closed)
        for port in list(self._ports.values()):
            await port.close()
        await self._analysis.stop()
        await self._keeper.stop(closed)
        self._resources.close()
        del self._shared  # the memory is unmapped with its last array

    async def _release(self, slot: int) -> None:
        del self._ports[slot]
        try:
            if self._ended is None:
                await self._keeper.close_row(slot)
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

    def _end(self, error: MediaError) -> None:
        """No port gets any more audio."""
        self._ended = error
        for port in self._ports.values():
            port.end(error)

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
