"""A call's media port: the awaiting side of one shared row.

Everything a port waits for comes about at one of its row's ticks, so there is one wake-up for all of it: the
plane calls ticked() after each, and only those whose condition holds by then are resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ari_bridge.core.audio import AudioChunk, Onset, Pcm16
from ari_bridge.core.errors import MediaError, PortClosed
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.plane import MediaStats


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    ready: Callable[[], bool]
    future: asyncio.Future[None]


class RowPort:
    """A MediaPort. One reader and one player at a time; pause, resume and flush at any."""

    def __init__(
        self, row: BridgeRow, codec: Codec, call_id: str, release: Callable[[], Awaitable[None]]
    ) -> None:
        """`release` frees the row in the media process."""
        self._row = row
        self._codec = codec
        self._call_id = call_id
        self._release = release
        self._waiters: list[_Waiter] = []
        self._ended: MediaError | None = None
        self._closed = False

    @property
    def call_id(self) -> str:
        return self._call_id

    @property
    def rate_hz(self) -> int:
        return self._codec.rate_hz

    @property
    def codec(self) -> str:
        return self._codec.name

    @property
    def heard(self) -> int:
        return self._row.heard

    @property
    def queued(self) -> int:
        return self._row.queued

    @property
    def onset(self) -> Onset | None:
        return self._row.onset

    async def read(self) -> AudioChunk:
        await self._until(lambda: self._row.unread)
        return self._row.read()

    async def play(self, pcm: Pcm16) -> int:
        """As MediaPort.play. A flush while this waits drops the rest of `pcm` too."""
        self._check()
        flush = self._row.flush_number
        done = 0
        while True:
            done += self._row.write(pcm[done:])
            if done == len(pcm):
                return self.queued
            await self._until(lambda: self._row.room > 0 or self._row.flush_number != flush)
            if self._row.flush_number != flush:
                return self.queued

    def pause(self) -> None:
        if self._ended is None:
            self._row.set_paused(True)

    def resume(self) -> None:
        if self._ended is None:
            self._row.set_paused(False)

    def set_gain_db(self, gain_db: float) -> None:
        if self._ended is None:
            self._row.set_gain_db(gain_db)

    async def flush(self) -> int:
        """As MediaPort.flush. On a port that has ended nothing is queued any more: returns what was heard."""
        if self._ended is not None:
            return self.heard
        number = self._row.want_flush()
        try:
            await self._until(lambda: self._row.flushed(number))
        except MediaError:
            return self.heard
        return self._row.flush_heard

    async def wait_heard(self, mark: int) -> None:
        await self._until(lambda: self._row.heard >= mark)

    def stats(self) -> MediaStats:
        return self._row.stats()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.end(PortClosed(f"the media port of call {self._call_id} was closed"))
        try:
            await self._release()
        finally:
            self._row.detach()

    # ---------------------------------------------------------------- for the plane

    def ticked(self) -> None:
        """The row has ticked: resume who waited for what is now the case."""
        if not self._waiters:
            return
        still = []
        for waiter in self._waiters:
            if not waiter.ready():
                still.append(waiter)
            elif not waiter.future.done():
                waiter.future.set_result(None)
        self._waiters = still

    def end(self, error: MediaError) -> None:
        """No more audio: everybody who waits, and every later call, gets `error`."""
        self._ended = error
        for waiter in self._waiters:
            if not waiter.future.done():
                waiter.future.set_exception(error)
        self._waiters = []

    async def _until(self, ready: Callable[[], bool]) -> None:
        self._check()
        while not ready():
            future = asyncio.get_running_loop().create_future()
            self._waiters.append(_Waiter(ready, future))
            await future
            self._check()

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
