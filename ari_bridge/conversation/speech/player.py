"""Plays the agent's audio into the call as it comes, never far ahead of what is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.conversation.speech import signals as c
from ari_bridge.core.audio import samples
from ari_bridge.dialogue import signals as s
from ari_bridge.media.plane import MediaPort

LEAD_MS = 2000
"""More than this process ever stands still, and little to throw away. Engines are far faster than speech."""
PIECE_MS = 200

_Queue: TypeAlias = "asyncio.Queue[c.Play | c.PassMark]"


class Player:
    """One task plays; a flush replaces it, and the next begins when the audio of the last is gone."""

    def __init__(
        self,
        port: MediaPort,
        tasks: Tasks,
        handle: Callable[[c.Event], None],
        may_speak: Callable[[], Awaitable[None]],
    ) -> None:
        """`may_speak`: returns when there is somebody to hear what comes next."""
        self._port, self._tasks, self._handle = port, tasks, handle
        self._may_speak = may_speak
        self._lead = samples(LEAD_MS, port.rate_hz)
        self._piece = samples(PIECE_MS, port.rate_hz)
        self._queue: _Queue = asyncio.Queue()
        self._marks: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        """Names and positions, in order."""
        self._task: asyncio.Task[None] | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Tell of the marks that were passed, until cancelled."""
        while True:
            name, position = await self._marks.get()
            await self._port.wait_heard(position)
            self._handle(c.MarkPassed(name))

    def put(self, what: c.Play | c.PassMark) -> None:
        self._queue.put_nowait(what)
        if self._task is None:
            self._task = self._tasks.start(self._play_all, self._queue, self._flushing)

    def flush(self) -> None:
        """Forget all that was put so far, and drop its audio; marks count as passed."""
        self._flushing = self._tasks.start(self._cut_off, self._task, self._queue, self._flushing)
        self._queue, self._task = asyncio.Queue(), None

    async def quiet(self) -> None:
        """Until all that was put so far has been heard, or was dropped."""
        await self._queue.join()
        await self._port.wait_heard(self._port.queued)

    async def _cut_off(
        self, playing: asyncio.Task[None] | None, dropped: _Queue, after: asyncio.Task[None] | None
    ) -> None:
        if playing is not None:
            playing.cancel()
        before = {task for task in (playing, after) if task is not None}
        if before:
            await asyncio.wait(before)
        position = await self._port.flush()
        while not dropped.empty():
            what = dropped.get_nowait()
            dropped.task_done()
            if isinstance(what, c.PassMark):
                self._marks.put_nowait((what.name, position))
        self._handle(s.Flushed(position))

    async def _play_all(self, queue: _Queue, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait([after])
        while True:
            what = await queue.get()
            try:
                match what:
                    case c.Play():
                        await self._play(what)
                    case c.PassMark(name):
                        self._marks.put_nowait((name, self._port.queued))
            finally:
                queue.task_done()

    async def _play(self, audio: c.Play) -> None:
        for begin in range(0, len(audio.pcm), self._piece):
            pcm = audio.pcm[begin : begin + self._piece]
            await self._may_speak()
            await self._port.wait_heard(max(0, self._port.queued - self._lead))
            self._handle(c.Queued(audio.item, self._port.queued, len(pcm)))
            await self._port.play(pcm)
