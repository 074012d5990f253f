"""The tasks of one call: all of them end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, ParamSpec

from ari_bridge.core.errors import MediaError

P = ParamSpec("P")


class Tasks:
    """A task group that is cancelled when its `async with` is left."""

    def __init__(self, on_media_error: Callable[[MediaError], None]) -> None:
        """`on_media_error`: the call's audio ended under one of the tasks. Every other error is a bug: it
        ends all tasks, and comes out of the `async with` in an exception group."""
        self._on_media_error = on_media_error
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Tasks:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._running):
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def start(
        self, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Task[None]:
        task = self._group.create_task(self._guarded(work, *args, **kwargs))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _guarded(
        self, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        try:
            await work(*args, **kwargs)
        except MediaError as error:
            self._on_media_error(error)
