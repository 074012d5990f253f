"""Engines' streams: read with a limit to the waiting, and closed whatever they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from ari_bridge.core.errors import Fault, ProviderError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StallLimits:
    """How long an engine may keep its reader waiting; None: for ever."""

    first_s: float | None = None
    """For its first output."""
    next_s: float | None = None
    """For each one after it, and for the end."""


NO_LIMITS = StallLimits()


def _everything(item: object) -> bool:
    return True


async def watched(
    items: AsyncIterator[T], limits: StallLimits = NO_LIMITS, counts: Callable[[T], bool] = _everything
) -> AsyncGenerator[T, None]:
    """`items`, closed with this generator. `counts`: what is an output; others pass, and the waiting goes on
    (an engine that puts out nothing but silence has stalled too). Time that the reader takes does not count.
    Raises ProviderError (retryable) when they keep it waiting."""
    clock = asyncio.get_running_loop().time
    limit_s, waited_s = limits.first_s, 0.0
    try:
        while True:
            began_s = clock()
            try:
                async with asyncio.timeout(None if limit_s is None else max(0.0, limit_s - waited_s)):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                error = f"nothing came for {limit_s:g} s"
                raise ProviderError(error, retryable=True, fault=Fault.STALLED) from None
            waited_s += clock() - began_s
            yield item
            if counts(item):
                limit_s, waited_s = limits.next_s, 0.0
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
