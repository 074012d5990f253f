"""Wakes a session when the time it waits for has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ari_bridge.core.clock import Clock


class Alarm:
    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock, self._ring = clock, ring
        self._due_s: float | None = None
        self._changed = asyncio.Event()

    def set(self, due_s: float | None) -> None:
        """Ring then, and at no other time."""
        if due_s != self._due_s:
            self._due_s = due_s
            self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            delay_s = None if self._due_s is None else max(0.0, self._due_s - self._clock())
            try:
                async with asyncio.timeout(delay_s):
                    await self._changed.wait()
            except TimeoutError:
                self._ring()
