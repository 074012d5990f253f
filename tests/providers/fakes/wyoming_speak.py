"""A voice behind Wyoming's own server library (wyoming 1.10): what our client sends, its authors' code reads.

A program that fails says {"type": "error", "data": {"text": "...", "code": "..."}}; the protocol has no more
words for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.server import AsyncEventHandler
from wyoming.tts import Synthesize

from tests.providers.fakes.studio import Fault, Studio

RATE_HZ = 22_050


class FakeWyomingSpeak:
    def __init__(self) -> None:
        self.studio = Studio()
        self.asked_for: list[Synthesize] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str, None]:
        handlers: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            handlers.add(task)
            try:
                await _Handler(self, reader, writer).run_until_left()
            finally:
                handlers.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        try:
            yield f"tcp://{host}:{port}"
        finally:
            server.close()
            for task in tuple(handlers):
                task.cancel()
            if handlers:
                await asyncio.wait(handlers)


class _Handler(AsyncEventHandler):
    def __init__(
        self, fake: FakeWyomingSpeak, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(reader, writer)
        self._fake = fake

    async def run_until_left(self) -> None:
        studio = self._fake.studio
        studio.open += 1
        studio.connections += 1
        working = asyncio.ensure_future(self.run())
        try:
            while not working.done() and not self.reader.at_eof() and self.reader.exception() is None:
                await asyncio.wait([working], timeout=0.002)
        finally:
            working.cancel()
            await asyncio.wait([working])
            self.writer.transport.abort()
            studio.open -= 1

    async def handle_event(self, event: Event) -> bool:
        assert Synthesize.is_type(event.type)
        asked = Synthesize.from_event(event)
        self._fake.asked_for.append(asked)
        fault = self._fake.studio.fault_now()
        if fault in (Fault.BUSY, Fault.BROKEN):
            await self.write_event(Error("the voice is busy", code=fault.name.lower()).event())
            return False
        form = {"rate": RATE_HZ, "width": 2, "channels": 1}
        await self.write_event(AudioStart(**form).event())
        async for word in self._fake.studio.speak(asked.text, RATE_HZ, mulaw=False, fault=fault):
            if fault is Fault.GARBAGE:
                self.writer.write(b"HTTP/1.1 400 Bad Request\r\n")
                return True
            await self.write_event(AudioChunk(**form, audio=word.audio).event())
        if fault is Fault.DROP:
            self.writer.transport.abort()
            return False
        await self.write_event(AudioStop().event())
        return True
