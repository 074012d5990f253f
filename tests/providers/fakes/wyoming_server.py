"""A recogniser and a voice behind Wyoming's own server library (wyoming 1.10), both real.

As wyoming-faster-whisper does it, a connection serves one utterance; the transcript comes after audio-stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.server import AsyncEventHandler
from wyoming.tts import Synthesize

from tests.providers.fakes.offline_engines import OfflineEngines

RATE_HZ = 22_050
"""Of the voice, as of most of Piper's."""


class _Handler(AsyncEventHandler):
    def __init__(
        self, engines: OfflineEngines, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(reader, writer)
        self._engines = engines
        self._heard = b""
        self._rate_hz = 0

    async def handle_event(self, event: Event) -> bool:
        """False: the connection is over."""
        if AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            assert (chunk.width, chunk.channels) == (2, 1)
            self._rate_hz = chunk.rate
            self._heard += chunk.audio
        elif AudioStop.is_type(event.type):
            text = await self._engines.recognise(np.frombuffer(self._heard, "<i2"), self._rate_hz)
            await self.write_event(Transcript(text).event())
            return False
        elif Synthesize.is_type(event.type):
            await self._speak(Synthesize.from_event(event).text)
        else:
            assert Transcribe.is_type(event.type) or AudioStart.is_type(event.type), event.type
        return True

    async def _speak(self, text: str) -> None:
        await self.write_event(AudioStart(RATE_HZ, 2, 1).event())
        async for octets in self._engines.speak(text, RATE_HZ):
            await self.write_event(AudioChunk(RATE_HZ, 2, 1, octets).event())
        await self.write_event(AudioStop().event())


@asynccontextmanager
async def wyoming_server(engines: OfflineEngines) -> AsyncGenerator[str, None]:
    """Its uri."""
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await _Handler(engines, reader, writer).run()
        finally:
            talks.discard(task)
            writer.close()

    await engines.start()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"tcp://{host}:{port}"
    finally:
        server.close()
        for task in tuple(talks):
            task.cancel()
        if talks:
            await asyncio.wait(talks)
        await engines.close()
