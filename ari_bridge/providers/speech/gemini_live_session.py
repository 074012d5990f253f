"""A Gemini Live session over as many connections as it takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack

import aiohttp

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.gemini_live_dialect import NAME, GeminiLiveDialect
from ari_bridge.providers.speech.gemini_live_setup import Configuration
from ari_bridge.providers.vendor.websocket import VendorSocket, connected

log = logging.getLogger(__name__)

SETUP_S = 10.0
"""The server's answer to the setup may take so long."""


class GeminiLiveSession:
    """A `SpeechSession`. `open` it first, `close` it last."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: Mapping[str, str],
        opening: b.Opening,
        configuration: Configuration,
    ) -> None:
        self._session, self._url, self._headers = session, url, headers
        self._dialect = GeminiLiveDialect(opening, configuration)
        self._connection = AsyncExitStack()
        self._socket: VendorSocket | None = None
        self._is_up = asyncio.Event()
        """Signals wait for it while the connection is replaced."""

    async def open(self) -> None:
        """Connect, and wait for the server to be ready. Raises ProviderError."""
        self._socket = await self._connection.enter_async_context(
            connected(self._session, NAME, self._url, headers=self._headers)
        )
        for message in self._dialect.begin():
            await self._socket.send_json(message)
        try:
            async with asyncio.timeout(SETUP_S):
                while not self._dialect.is_ready:
                    answer = await self._socket.receive()
                    if answer is None:
                        raise ProviderError(f"{NAME}: closed the connection before it began", retryable=True)
                    self._dialect.message(answer)
        except TimeoutError:
            raise ProviderError(
                f"{NAME}: no answer to the setup within {SETUP_S:g} s", retryable=True
            ) from None
        for message in self._dialect.opened():
            await self._socket.send_json(message)
        self._is_up.set()

    async def close(self) -> None:
        self._is_up.clear()
        connection, self._connection = self._connection, AsyncExitStack()
        await connection.aclose()

    async def events(self) -> AsyncGenerator[b.SpeechEvent, None]:
        while True:
            try:
                async for event in self._of_connection():
                    yield event
                why = "the server closed the connection"
            except ProviderError as error:
                if not (error.retryable and self._dialect.can_resume):
                    raise
                why = str(error)
            if not self._dialect.can_resume:
                return
            log.info("%s: going on over another connection: %s", NAME, why)
            await self.close()
            await self.open()

    async def _of_connection(self) -> AsyncGenerator[b.SpeechEvent, None]:
        """Until it ends, or has to be left."""
        assert self._socket is not None
        while (message := await self._socket.receive()) is not None:
            for event in self._dialect.message(message):
                yield event
            if self._dialect.should_leave:
                return

    async def send(self, signal: b.Signal) -> None:
        await self._is_up.wait()
        socket = self._socket
        assert socket is not None
        for message in self._dialect.signal(signal):
            try:
                await socket.send_json(message)
            except ProviderError:
                if not self._dialect.can_resume:
                    raise
                return  # the reader sees that the connection is gone, and makes another
