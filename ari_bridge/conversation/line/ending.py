"""How a conversation ends: by the first outcome that somebody gives it."""

from __future__ import annotations

import asyncio

from ari_bridge.pbx.call import Outcome


class Ending:
    def __init__(self) -> None:
        self._outcome: Outcome | None = None
        self._given = asyncio.Event()

    @property
    def is_there(self) -> bool:
        return self._given.is_set()

    def give(self, outcome: Outcome) -> None:
        """The first counts."""
        if self._outcome is None:
            self._outcome = outcome
            self._given.set()

    async def outcome(self) -> Outcome:
        """Once it is there."""
        await self._given.wait()
        assert self._outcome is not None
        return self._outcome
