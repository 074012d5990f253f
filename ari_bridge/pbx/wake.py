"""Wakes a channel that would sleep over what it was just asked to do.

In Stasis a channel works off what it was asked to do when its next frame comes. Where none does, as from a
caller who is not answered yet, Asterisk before 22 looks every 200 ms only (MAX_WAIT_MS in res/res_stasis.c):
so long it took to answer a call, to refuse it or to bridge it. Later versions queue a frame without content
after each such request (exec_command_on_condition in res/stasis/control.c; so do the last releases of 18, 20
and 21).

Here it is queued from outside: Asterisk does it itself where a channel's absolute timeout is written
(ast_channel_setwhentohangup_tv in main/channel.c), so it is given the value that it has. Setting a variable
would wait in the same queue; *reading* the dialplan function SET() is carried out at once.

Without the modules of these functions the channel sleeps on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import suppress

from ari_bridge.core.errors import AsteriskError
from ari_bridge.pbx.client import AriClient

_QUEUE_A_FRAME = "EVAL(${SET(TIMEOUT(absolute)=${TIMEOUT(absolute)})})"
WAKING = ("func_timeout.so", "func_strings.so")
"""The modules that have these functions."""

EVERY_S = 0.005
"""A request waits in the channel's queue after less than this, mostly."""


class Waker:
    """`needed`: this Asterisk does not wake its channels by itself."""

    def __init__(self, client: AriClient, *, needed: bool) -> None:
        self._client = client
        self._needed = needed

    async def wake(self, channel_id: str) -> None:
        """After a request whose answer came before it was carried out. Never raises."""
        if self._needed:
            with suppress(AsteriskError):
                await self._client.get_variable(channel_id, _QUEUE_A_FRAME)

    async def keep_awake(self, channel_ids: Iterable[str], request: Awaitable[None]) -> None:
        """Until the answer to `request`, which comes when the channels have carried it out. Raises what it
        raises."""
        if not self._needed:
            return await request
        waking = asyncio.create_task(self._wake_again_and_again(tuple(channel_ids)))
        try:
            await request
        finally:
            waking.cancel()
            await asyncio.wait({waking})

    async def _wake_again_and_again(self, channel_ids: tuple[str, ...]) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await asyncio.gather(*map(self.wake, channel_ids))
