"""A vendor's answer, taken as it comes.

Audio is played at its own pace, with some seconds' lead (conversation/speaker.py), or not at all while a call
is on hold. Read at that pace, a connection would be in use for as long as the sentence sounds, and taken for
dead where nobody reads its pings. A sentence's audio is small: it waits here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def read_ahead(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same, closed with this generator. Raises what it raises, after what came before that."""
    came: asyncio.Queue[T | None] = asyncio.Queue()

    async def read() -> None:
        try:
            async with aclosing(items) as stream:
                async for item in stream:
                    came.put_nowait(item)
        finally:
            came.put_nowait(None)

    reading = asyncio.create_task(read())
    try:
        while (item := await came.get()) is not None:
            yield item
        await reading
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.exception()  # told above, or of no interest any more
