"""The events WebSocket: read, parsed, handed on; and opened again when it drops.

The reader never waits for anything but the socket: Asterisk gives a client 100 ms to take an event
(websocket_write_timeout) and then drops it, application and all. Missed events are never sent again, so
after each opening, and before the first event is read, the owner looks for itself what is so (`resync`).
What happens from then on waits in the socket: nothing falls between the look and the reading, and an event
that the look has forestalled is a duplicate, which changes nothing.

A dead connection is found out by ping and pong (`transport.PING_S`). The pauses between tries grow, with
jitter, but never so far that a PBX that is back has to wait long for us: two tries a second or so are no
burden to it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp

from ari_bridge.core.errors import AppReplaced, AsteriskError
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import AriEvent, parse

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.8
STEADY_AFTER_S = 5.0
"""A connection that held this long starts the pauses anew; one that keeps dropping does not."""
CLOSES_WITHIN_S = 0.5


class EventPump:
    """`on_event` must only enqueue. `resync` runs after each opening; it may raise AsteriskError, which is
    then one more failed try."""

    def __init__(
        self,
        client: AriClient,
        *,
        on_event: Callable[[AriEvent], None],
        resync: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._on_event = on_event
        self._resync = resync
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._connected = False
        self._replaced = False

    @property
    def replaced(self) -> bool:
        """Another program has the application; `run` has ended, and it stays so."""
        return self._replaced

    @property
    def connected(self) -> bool:
        """Events come, and what happened before they did is known."""
        return self._connected

    async def open(self) -> None:
        """Raises AsteriskError."""
        await self._client.knock()
        self._socket = await self._client.open_events()
        await self._client.filter_events()
        await self._resync()
        self._connected = True

    async def run(self) -> None:
        """Read until cancelled, reconnecting for ever. Raises only what `on_event` raises."""
        pause_s = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            opened_s = loop.time()
            try:
                await self._read()
            except AppReplaced:
                self._replaced = True
                raise
            finally:
                self._connected = False
            if loop.time() - opened_s > STEADY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            logger.warning("asterisk.url: the events WebSocket closed; opening it again")
            pause_s = await self._reopen(pause_s)

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSES_WITHIN_S):
                    await socket.close()

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
            self._client.renew()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self.open()
            except AsteriskError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("%s", said)
                continue
            logger.warning("asterisk.url: the events WebSocket is back")
            return pause_s
