"""Recognisers by a stream, as calls see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from ari_bridge.providers.base import SpeechContext, SttInput, Transcript
from ari_bridge.providers.stt.streaming.conversation import Conversation, stop
from ari_bridge.providers.stt.streaming.dialect import Dialect, SocketDialect
from ari_bridge.providers.stt.streaming.lines import Connect, WebSockets

M = TypeVar("M")


class StreamingSpeechToText(Generic[M]):
    """One vendor, for all calls."""

    def __init__(
        self,
        name: str,
        dialect: Callable[[SpeechContext], Dialect[M]],
        connect: Connect[M],
        *,
        final_s: float,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`name`: what messages call the vendor. `dialect`: a new one for each connection. `final_s`: how
        long after an utterance's end its final transcript may take."""
        self._name, self._dialect, self._connect = name, dialect, connect
        self._final_s, self._close = final_s, close

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        """Raises ProviderError."""
        transcripts: asyncio.Queue[Transcript | None] = asyncio.Queue()
        conversation = Conversation(
            self._name, self._dialect, self._connect, self._final_s, context, transcripts
        )
        running = asyncio.create_task(conversation.run(audio), name=f"{self._name} speech to text")
        running.add_done_callback(lambda _: transcripts.put_nowait(None))
        try:
            while (transcript := await transcripts.get()) is not None:
                yield transcript
            await running
        finally:
            await stop(running)

    async def close(self) -> None:
        if self._close is not None:
            await self._close()


def socket_engine(
    name: str, dialect: Callable[[SpeechContext], SocketDialect], final_s: float
) -> StreamingSpeechToText[str | bytes]:
    """For a vendor that is spoken to on WebSockets."""
    sockets = WebSockets(name)
    return StreamingSpeechToText(name, dialect, sockets.connect, final_s=final_s, close=sockets.close)
