"""Somebody who was rung for a call: one channel of ours besides the caller's and the media leg."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress

from ari_bridge.core.errors import AsteriskError
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.control import Lost, PartyLost
from ari_bridge.pbx.requests import ControlRequests

logger = logging.getLogger(__name__)

TAKEN_OVER_WITHIN_S = 5.0
"""From the call's leaving until the dialplan has connected the caller with who was handed over."""

_WHY = {17: Lost.BUSY, 21: Lost.DECLINED}
"""By Q.850 cause."""


class RungParty:
    """A Party. `entered`, `pressed` and `ended` are the PBX's news of its channel."""

    def __init__(self, client: AriClient, channel_id: str, bridge_id: str) -> None:
        self.channel_id = channel_id
        self.channel_name = ""
        """As the dialplan's Bridge() wants it."""
        self._client = client
        self._bridge_id = bridge_id
        self.up = False
        """They have answered."""
        self._lost: Lost | None = None
        self._digits: deque[str] = deque()
        self._changed = asyncio.Event()
        self._handed_over = False

    # -------------------------------------------------------------- news

    def entered(self) -> None:
        self.up = True
        self._changed.set()

    def pressed(self, digit: str) -> None:
        self._digits.append(digit)
        self._changed.set()

    def ended(self, cause: int | None) -> None:
        """`cause`: Q.850; None for a first word of the end, which does not tell it: why somebody did not
        answer comes with the last."""
        if cause is None and not self.up:
            return
        if self._lost is None:
            self._lost = Lost.HUNG_UP if self.up else _WHY.get(cause or 0, Lost.NO_ANSWER)
            self._changed.set()

    # -------------------------------------------------------------- Party

    async def answered(self) -> None:
        while not self.up:
            await self._next_change()

    async def digit(self) -> str:
        while not self._digits:
            await self._next_change()
        return self._digits.popleft()

    async def join(self) -> None:
        await self._client.add_channels(self._bridge_id, [self.channel_id])

    async def leave(self) -> None:
        await ControlRequests(self._client).remove_channel(self._bridge_id, self.channel_id)

    async def gone(self) -> None:
        """Until they are not on the line any more, for whatever reason."""
        with suppress(PartyLost):
            while True:
                await self._next_change()

    def hand_over(self) -> str:
        self._handed_over = True
        return self.channel_name

    async def hang_up(self) -> None:
        self._handed_over = False
        await self.release()

    # -------------------------------------------------------------- at the call's end

    async def release(self) -> None:
        """Nothing of it is left, unless the dialplan has it."""
        if self._handed_over:
            try:
                async with asyncio.timeout(TAKEN_OVER_WITHIN_S):
                    await self.gone()
                return
            except TimeoutError:
                logger.warning("%s was handed over, but nobody took it", self.channel_name)
        if self._lost is not None:
            return
        try:
            await self._client.hang_up(self.channel_id)
        except AsteriskError as error:
            logger.warning("channel %s may be left in Asterisk: %s", self.channel_id, error)

    async def _next_change(self) -> None:
        """Raises PartyLost where nothing can change any more."""
        if self._lost is not None:
            raise PartyLost(self._lost)
        self._changed.clear()
        await self._changed.wait()
