"""An engine that works in a thread, read by the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


async def from_thread(executor: Executor, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
    """The items that `make()` gives, in a thread of `executor`; closed early, it is left at its next item, or
    never begun. Raises what it raises."""
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[T | None] = asyncio.Queue()
    is_unwanted = threading.Event()

    def work() -> None:
        try:
            if not is_unwanted.is_set():
                for item in make():
                    if is_unwanted.is_set():
                        return
                    loop.call_soon_threadsafe(items.put_nowait, item)
        finally:
            if not is_unwanted.is_set():
                loop.call_soon_threadsafe(items.put_nowait, None)

    job = executor.submit(work)
    try:
        while (item := await items.get()) is not None:
            yield item
        job.result()
    finally:
        is_unwanted.set()
        job.cancel()
