"""Engines' streams, with a second try where the first failed at once, and an end to waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TypeVar

from ari_bridge.core.errors import ProviderError

T = TypeVar("T")

STALL_S = 15.0
"""An engine that gives nothing for this long has failed; those of the settings are given up sooner."""


async def stubborn(open_stream: Callable[[], AsyncIterator[T]]) -> AsyncGenerator[T, None]:
    """The items of a stream; one that fails before its first item, retryably, is opened once more. One that
    stalls is not: nobody is kept waiting twice."""
    for last_try in (False, True):
        started = False
        try:
            async with aclosing(closable(open_stream())) as stream:
                while True:
                    async with asyncio.timeout(STALL_S):
                        item = await anext(stream)
                    started = True
                    yield item
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ProviderError(f"nothing came for {STALL_S:g} s", retryable=True) from None
        except ProviderError as error:
            if started or last_try or not error.retryable:
                raise


async def closable(items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """`items` as a generator: what an engine gives may be any iterator, and is closed if it can be."""
    try:
        async for item in items:
            yield item
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
