"""The events WebSocket: read, parsed, handed on; and opened again when it drops.

The reader never waits for anything but the socket: Asterisk gives a client 100 ms to take an event
(websocket_write_timeout) and then drops it, application and all. Missed events are never sent again, so
after each return the owner is told to look for itself what has changed.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import aiohttp

from ari_bridge.core.errors import AsteriskError
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import AriEvent, parse

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
STEADY_AFTER_S = 5.0
"""A connection that held this long starts the pauses anew; one that keeps dropping does not."""


class EventPump:
    """`on_event` must only enqueue. `before_open` runs while nobody has the application, `after_return`
    after each reconnection; both may raise AsteriskError, which is then one more failed try."""

    def __init__(
        self,
        client: AriClient,
        *,
        on_event: Callable[[AriEvent], None],
        before_open: Callable[[], Awaitable[None]],
        after_return: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._on_event = on_event
        self._before_open = before_open
        self._after_return = after_return
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.connected = False
        """Events come, and what was missed before has been looked up."""

    async def open(self) -> None:
        """Raises AsteriskError."""
        await self._before_open()
        self._socket = await self._client.open_events()
        await self._client.filter_events()

    async def run(self) -> None:
        """Read until cancelled, reconnecting for ever. Raises only what `on_event` raises."""
        pause_s = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            opened_s = loop.time()
            self.connected = True
            await self._read()
            self.connected = False
            if loop.time() - opened_s > STEADY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            logger.warning("asterisk.url: the events WebSocket closed; opening it again")
            pause_s = await self._reopen(pause_s)

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def _read(self) -> None:
        if self._socket is None:
            return
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                event = parse(message.data)
            except ValueError as error:
                logger.debug("an event was passed over: %s", error)
                continue
            if event is not None:
                self._on_event(event)

    async def _reopen(self, pause_s: float) -> float:
        """Returns the pause to begin with next time."""
        said = ""
        while True:
            await self.close()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self.open()
                await self._after_return()
            except AsteriskError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("%s", said)
                continue
            logger.warning("asterisk.url: the events WebSocket is back")
            return pause_s
