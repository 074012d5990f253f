"""Engines' streams: read with a limit to the waiting, and closed whatever they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
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


async def watched(items: AsyncIterator[T], limits: StallLimits = NO_LIMITS) -> AsyncGenerator[T, None]:
    """`items`, closed with this generator. Raises ProviderError (retryable) when they keep it waiting."""
    limit_s = limits.first_s
    try:
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                error = f"nothing came for {limit_s:g} s"
                raise ProviderError(error, retryable=True, fault=Fault.STALLED) from None
            yield item
            limit_s = limits.next_s
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
