"""Waiting for one of several things."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unless(work: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, None]) -> T | None:
    """What `work` returns, or None when one of the others is done before it. Raises what the first of them
    raises. None of them runs on afterwards."""
    main = asyncio.ensure_future(work)
    tasks = [main, *map(asyncio.ensure_future, others)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if main in done:
            return main.result()
        for task in done:
            task.result()
        return None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
