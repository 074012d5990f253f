"""An event loop whose clock jumps to the next thing that is due: minutes of a call pass in moments.

What takes real time all the same (a thread, an engine over the network) is said to the loop: as long as such
work is under way, its clock runs as clocks do.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

from ari_bridge.core.errors import InternalError

T = TypeVar("T")

_LOOK_S = 0.02


class _JumpingSelector(selectors.DefaultSelector):
    """Where a selector would sleep, the clock is turned instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.outside = 0
        """Pieces of work under way that take real time."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.outside:
            began_s = time.monotonic()
            ready = super().select(_LOOK_S if timeout is None else min(timeout, _LOOK_S))
            passed_s = time.monotonic() - began_s
            self.now_s += passed_s if timeout is None else min(passed_s, timeout)
            return ready
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise InternalError("everything waits for something that will never happen")
            self.now_s += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    @contextmanager
    def work_outside(self) -> Iterator[None]:
        """Time is real until the block ends."""
        self._jumping.outside += 1
        try:
            yield
        finally:
            self._jumping.outside -= 1

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outside += 1
        future.add_done_callback(self._came_back)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        with self.work_outside():
            await super().shutdown_default_executor(*args)

    def _came_back(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.outside -= 1


def running_loop() -> VirtualTimeLoop:
    """The loop we are in."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """`work` from beginning to end; whatever task is left behind is an error of ours."""

    async def and_nothing_left() -> T:
        result = await work
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            raise InternalError(f"tasks left behind: {left}")
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(and_nothing_left())
