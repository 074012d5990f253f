"""A Wyoming server that recognises speech; events are read and written by the protocol's own library.

github.com/OHF-Voice/wyoming (library 1.10). As wyoming-faster-whisper does, it closes after the transcript.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable, async_read_event, async_write_event

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Fake


class FakeWyoming(Fake):
    NAME, SERVICE = "wyoming-stt", "wyoming"
    KEYED = False
    streams_pieces = True

    def __init__(self) -> None:
        super().__init__()
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def options(self) -> Mapping[str, Any]:
        return {"uri": f"tcp://127.0.0.1:{self._port}", "final_s": 2.0}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        if self._talks:
            await asyncio.wait(self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        self.connections.append(writer.get_extra_info("peername"))
        self.open += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        faults = self.faults
        await asyncio.sleep(faults.delay_s)
        if faults.refusals:
            faults.refusals.popleft()
            return
        breaks_at = faults.breaks.popleft() if faults.breaks else None
        garble = faults.garbles.popleft() if faults.garbles else None
        is_mute = faults.mutes > 0
        faults.mutes -= is_mute
        ear: Recogniser | None = None
        words: list[Word] = []
        chunks = 0

        async def tell(event: Eventable) -> None:
            if not is_mute:
                await async_write_event(event.event(), writer)

        while (event := await async_read_event(reader)) is not None:
            if AudioChunk.is_type(event.type):
                chunks += 1
                if chunks == breaks_at:
                    return
                if garble is not None:
                    writer.write(garble.encode() + b"\n")
                    garble = None
                heard = self._heard(event, ear)
                if heard and self.streams_pieces:
                    await tell(TranscriptChunk("".join(f" {word.text}" for word in heard)))
                words += heard
            elif AudioStart.is_type(event.type):
                start = AudioStart.from_event(event)
                assert (start.width, start.channels) == (2, 1)
                ear = Recogniser(start.rate)
                if self.streams_pieces:
                    await tell(TranscriptStart())
            elif AudioStop.is_type(event.type):
                assert ear is not None
                words += ear.flush()
                await tell(Transcript(" ".join(word.text for word in words)))
                if self.streams_pieces:
                    await tell(TranscriptStop())
                if not is_mute:
                    return
            else:
                assert Transcribe.is_type(event.type)
                assert Transcribe.from_event(event).language

    def _heard(self, event: Event, ear: Recogniser | None) -> list[Word]:
        chunk = AudioChunk.from_event(event)
        assert ear is not None
        assert chunk.rate == ear.rate_hz
        return ear.feed(chunk.audio)
