"""The servers that stand in for vendors, read by who did not write them: the vendors' own clients; and our
client with a server that is the protocol's own."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncTcpServer

from ari_bridge.core.audio import samples
from ari_bridge.media.codecs import ulaw
from ari_bridge.providers.base import Heard, Kind, SpeechContext, SttInput, UtteranceEnd, UtteranceStart
from ari_bridge.providers.registry import build
from tests.providers.fakes import stt_fakes
from tests.providers.fakes.spoken import Recogniser, spoken
from tests.providers.fakes.stt_server import Fake, HttpFake
from tests.providers.fakes.stt_wyoming import FakeWyoming
from tests.providers.stt import sdk_clients

FAKES = {fake.NAME: fake for fake in stt_fakes.ALL}
READS = {
    "deepgram": [["one two three", True]],
    "deepgram-flux": [["one two three", "manual"]],
    "assemblyai": [["one two three", False]],
    "openai-transcription": ["one two three", "tokens"],
}


@pytest.mark.parametrize("name", sorted(sdk_clients.CLIENTS))
def test_the_vendor_s_own_client_understands_the_server(name: str, tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    pcm = spoken("one two three", 8000)
    audio.write_bytes(ulaw.CODEC.encode(np.pad(pcm, (0, -len(pcm) % 800))).tobytes())

    async def main() -> list[object]:
        async with FAKES[name]() as fake:
            assert isinstance(fake, HttpFake)
            client = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "ignore", sdk_clients.__file__, name, fake.address, fake.KEY),
                str(audio),
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await client.communicate()
            assert client.returncode == 0
            heard: list[object] = json.loads(out)
            return heard

    heard = asyncio.run(main())
    assert heard[-len(READS[name]) :] == READS[name]


def test_wyoming_s_own_client_understands_the_server() -> None:
    async def main() -> str:
        fake: Fake = FakeWyoming()
        async with fake:
            port = int(str(fake.options["uri"]).rpartition(":")[2])
            client = AsyncTcpClient("127.0.0.1", port)
            await client.connect()
            await client.write_event(Transcribe(language="en").event())
            pcm = spoken("four five", 16000).tobytes()
            for event in _recording(pcm):
                await client.write_event(event)
            while (event := await client.read_event()) is not None:
                if Transcript.is_type(event.type):
                    break
            await client.disconnect()
            assert event is not None
            return Transcript.from_event(event).text

    assert asyncio.run(main()) == "four five"


def _recording(pcm: bytes) -> list[Event]:
    start, chunk = AudioStart(16000, 2, 1), AudioChunk(16000, 2, 1, pcm)
    return [start.event(), chunk.event(), AudioStop().event()]


@pytest.mark.parametrize("closes", [True, False])
def test_our_client_with_wyoming_s_own_server(closes: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    class Handler(AsyncEventHandler):
        def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            super().__init__(reader, writer)
            self.ear, self.text = Recogniser(16000), ""

        async def handle_event(self, event: Event) -> bool:
            if AudioChunk.is_type(event.type):
                self.text += "".join(f" {w.text}" for w in self.ear.feed(AudioChunk.from_event(event).audio))
            elif AudioStop.is_type(event.type):
                self.text += "".join(f" {word.text}" for word in self.ear.flush())
                await self.write_event(Transcript(self.text).event())
                self.text = ""
                return not closes
            return True

    async def main() -> list[str]:
        server = AsyncTcpServer("127.0.0.1", port)
        await server.start(Handler)
        stt = build("wyoming-stt", Kind.STT, {"uri": f"tcp://127.0.0.1:{port}"}, table="w")
        async with asyncio.timeout(10):
            transcripts = stt.transcribe(_talk("one two", "three"), SpeechContext(8000))
            finals = [t.text async for t in transcripts if t.final]
        await stt.close()
        await server.stop()
        return finals

    async def _talk(*texts: str) -> AsyncGenerator[SttInput, None]:
        for number, text in enumerate(texts):
            yield UtteranceStart(number)
            pcm = spoken(text, 8000)
            for offset in range(0, len(pcm), samples(20, 8000)):
                yield Heard(pcm[offset : offset + samples(20, 8000)])
            yield UtteranceEnd(number)

    assert asyncio.run(main()) == ["one two", "three"]
