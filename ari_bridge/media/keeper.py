"""Keeps the audio going when a media process dies: one serves, one stands by.

    start ──▶ one serves ──it dies──▶ the spare serves, with the same port, rows and positions
                  ▲                                       │
                  └──────── a new spare is started ◀──────┘

A spare costs some 15 MB and no CPU; with it the callers miss a few packets, without it they would wait for an
interpreter to start. What dies again and again is not mended by starting it again: then the plane is beyond
repair, and whoever waits in failed() is told. A process that lives but has stopped ticking is killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.core.errors import MediaError, MediaProcessDied
from ari_bridge.media.child import MediaChild
from ari_bridge.media.control import CloseRow, Message, OpenRow, Serve

log = logging.getLogger(__name__)

DEATHS_MAX = 5
DEATHS_WITHIN_S = 60.0
SPARE_RETRY_S = 5.0
WATCH_S = 0.5
STUCK_LOOKS = 3
"""In a row without a tick. More than one, for after a suspend we may look before the process has run."""


class DeathLimit:
    """How often a media process may die: DEATHS_MAX times within DEATHS_WITHIN_S."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()

    def reached(self, now: float) -> bool:
        """Count a death; whether it was one too many."""
        self._deaths.append(now)
        while self._deaths[0] <= now - DEATHS_WITHIN_S:
            self._deaths.popleft()
        return len(self._deaths) > DEATHS_MAX


class StuckWatch:
    """Tells a media process that has stopped ticking though rows are open."""

    def __init__(self) -> None:
        self._tick: int | None = None
        self._same = 0

    def look(self, tick: int | None) -> bool:
        """`tick` is the latest, None while no row is open. Call it every WATCH_S."""
        self._same = self._same + 1 if tick is not None and tick == self._tick else 0
        self._tick = tick
        return self._same >= STUCK_LOOKS


class MediaKeeper:
    """The media processes of one plane."""

    def __init__(
        self,
        serving: MediaChild,
        launch: Callable[[], Awaitable[MediaChild]],
        rows: Callable[[], list[int]],
        tick: Callable[[], int | None],
        on_failure: Callable[[MediaError], None],
        clock: Clock,
    ) -> None:
        """Made by start()."""
        self.serving = serving
        self.spare: MediaChild | None = None
        self.restarts = 0
        self._launch = launch
        self._rows = rows
        self._tick = tick
        self._on_failure = on_failure
        self._clock = clock
        self._limit = DeathLimit()
        self._is_serving = asyncio.Event()
        self._is_serving.set()
        self._broken = asyncio.Event()
        self._failure: MediaError | None = None
        self._supervisor = asyncio.create_task(self._supervise(), name="media keeper")

    @classmethod
    async def start(
        cls,
        launch: Callable[[], Awaitable[MediaChild]],
        *,
        rows: Callable[[], list[int]],
        tick: Callable[[], int | None],
        on_failure: Callable[[MediaError], None],
        clock: Clock = monotonic_s,
    ) -> MediaKeeper:
        """Have a media process serve. `launch` starts one; `rows` are those that a next one goes on with;
        `tick` is the latest tick of the plane, None while no row is open; `on_failure` is called once, when
        the plane is beyond repair. Raises MediaError when the first process does not start."""
        first = await launch()
        try:
            await first.ask(Serve([]))
        except BaseException:
            await first.stop()
            raise
        return cls(first, launch, rows, tick, on_failure, clock)

    @property
    def is_serving(self) -> bool:
        return self._is_serving.is_set() and self._failure is None and not self.serving.dead

    async def open_row(self, request: OpenRow) -> Message:
        """Its answer, from whichever process serves in the end: a row that a dying process has opened is
        not among those to go on with. Raises MediaError when there is none any more."""
        while True:
            await self._is_serving.wait()
            if self._failure is not None:
                raise self._failure
            child = self.serving
            with suppress(MediaProcessDied):
                return await child.ask(request)
            if self.serving is child:
                self._is_serving.clear()  # the supervisor has yet to hear of it

    async def close_row(self, slot: int) -> None:
        """Nothing leaves from that row any more when this returns."""
        with suppress(MediaProcessDied):  # and the row with it
            await self.serving.ask(CloseRow(slot))

    def close_row_soon(self, slot: int) -> None:
        self.serving.tell(CloseRow(slot))

    async def failed(self) -> NoReturn:
        """Wait until the plane is beyond repair, and raise why; PortClosed when it is stopped before."""
        await self._broken.wait()
        assert self._failure is not None
        raise self._failure

    async def stop(self, reason: MediaError) -> None:
        """End all processes. Idempotent."""
        self._give_up(reason)
        self._supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await self._supervisor
        await self.serving.stop()

    # ---------------------------------------------------------------- the supervisor

    async def _supervise(self) -> None:
        try:
            await self._replace_what_dies()
        except Exception as error:  # a supervising root: nobody would replace what dies next
            log.exception("the supervision of the media processes failed")
            self._give_up(MediaProcessDied(f"the supervision of the media processes failed: {error!r}"))

    async def _replace_what_dies(self) -> None:
        while self._failure is None:
            try:
                spare = await self._launch()
            except MediaError as error:
                await self._without_spare(error)
                continue
            self.spare = spare
            try:
                await self._one_died(spare)
                if self.serving.dead:
                    await self._replace(spare)
                else:
                    await self._without_spare(await spare.death())
            finally:
                self.spare = None
                if spare is not self.serving:
                    await spare.stop()

    async def _without_spare(self, error: MediaError) -> None:
        """None stands by. While one serves, the next try can wait; else it must work soon."""
        if self.serving.dead:
            self._count(error)
            return
        log.warning("no media process stands by: %s", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(SPARE_RETRY_S):
                await self.serving.death()

    async def _one_died(self, spare: MediaChild) -> None:
        """Wait until the one that serves or the spare has died."""
        watch = StuckWatch()
        deaths = [asyncio.create_task(child.death()) for child in (self.serving, spare)]
        try:
            while not any(death.done() for death in deaths):
                await asyncio.wait(deaths, timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
                if watch.look(self._tick()):
                    self.serving.kill("it lived, but had stopped ticking")
        finally:
            for death in deaths:
                death.cancel()

    async def _replace(self, spare: MediaChild) -> None:
        """The spare goes on with the rows of the one that died."""
        started_s = self._clock()
        self._is_serving.clear()
        dead, self.serving = self.serving, spare
        self._count(await dead.death())
        await dead.stop()
        if self._failure is not None:
            return
        rows = self._rows()
        try:
            await spare.ask(Serve(rows))
        except MediaProcessDied:
            return  # the next turn of the supervisor replaces it in its turn
        self.restarts += 1
        self._is_serving.set()
        passed_ms = (self._clock() - started_s) * 1000
        log.warning("another media process went on with %d calls after %.0f ms", len(rows), passed_ms)

    def _count(self, death: MediaError) -> None:
        log.error("%s", death)
        if self._limit.reached(self._clock()):
            reason = f"{death}, more than {DEATHS_MAX} times within {DEATHS_WITHIN_S:.0f} s"
            log.error(
                "no more media processes are started; %d calls have lost their audio", len(self._rows())
            )
            self._give_up(MediaProcessDied(reason))

    def _give_up(self, reason: MediaError) -> None:
        if self._failure is None:
            self._failure = reason
            self._is_serving.set()  # whoever waits for it is told
            self._broken.set()
            self._on_failure(reason)
