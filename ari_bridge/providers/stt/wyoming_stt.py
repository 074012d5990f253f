"""Speech to text by a Wyoming server, such as wyoming-faster-whisper or wyoming-vosk: one's own machine.

An utterance is transcribe, audio-start, audio-chunk ..., audio-stop, and is answered by a transcript, before
which some servers stream its pieces. Most servers close after it, so each utterance has a connection of its
own, opened beforehand. Audio goes at 16 kHz, which is what the servers' models hear; not all resample.

Source: github.com/OHF-Voice/wyoming, README.md, "Speech Recognition" (protocol 1.x, library 1.10).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager

from pydantic import Field

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Kind, Provider, SpeechContext
from ari_bridge.providers.stt.streaming.dialect import Dialect, Finished, Manners, Understood, Words
from ari_bridge.providers.stt.streaming.driver import StreamingSpeechToText
from ari_bridge.providers.stt.streaming.options import StreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, WireFormat
from ari_bridge.providers.vendor.wyoming import WyomingConnection, WyomingEvent, WyomingServer

_RATE_HZ = 16000
_FORMAT = {"rate": _RATE_HZ, "width": 2, "channels": 1}


class WyomingSttOptions(StreamOptions):
    uri: str = "tcp://127.0.0.1:10300"
    model: str = ""
    """The server's own choice when empty."""
    language: str = ""
    """The agent's when empty."""
    final_s: float = Field(default=5.0, gt=0)
    """Most servers begin to work when the utterance is over."""


class WyomingDialect(Dialect[WyomingEvent]):
    manners = Manners(chunk_ms=100, one_by_one=True, once=True)

    def __init__(self, options: WyomingSttOptions, context: SpeechContext) -> None:
        self._options = options
        self._language = options.language or context.language.partition("-")[0].lower()
        self._encoder = Encoder(context.rate_hz, WireFormat(_RATE_HZ))
        self._pieces = ""

    @property
    def service(self) -> str:
        return f"wyoming {self._options.model}".strip()

    def begin(self) -> Iterable[WyomingEvent]:
        request = {"language": self._language}
        if self._options.model:
            request["name"] = self._options.model
        return WyomingEvent("transcribe", request), WyomingEvent("audio-start", _FORMAT)

    def audio(self, pcm: Pcm16) -> Iterable[WyomingEvent]:
        return (WyomingEvent("audio-chunk", _FORMAT, self._encoder.encode(pcm)),)

    def finish(self) -> Iterable[WyomingEvent]:
        return (WyomingEvent("audio-stop"),)

    def take(self, message: WyomingEvent) -> Iterator[Understood[WyomingEvent]]:
        match message.type:
            case "transcript-chunk":
                self._pieces += message.data["text"]
                yield Words(self._pieces.strip(), is_settled=False)
            case "transcript":
                yield Words(message.data["text"].strip(), is_settled=True)
                yield Finished()


def _build(options: WyomingSttOptions) -> StreamingSpeechToText[WyomingEvent]:
    server = WyomingServer.at("wyoming-stt", options.uri)

    @asynccontextmanager
    async def connect(_: Dialect[WyomingEvent]) -> AsyncGenerator[WyomingConnection, None]:
        async with server.connected() as connection:
            yield connection

    return StreamingSpeechToText(
        "wyoming-stt", lambda context: WyomingDialect(options, context), connect, final_s=options.final_s
    )


PROVIDER = Provider(
    name="wyoming-stt",
    kind=Kind.STT,
    options=WyomingSttOptions,
    build=_build,
    summary="Wyoming server (faster-whisper and others)",
)
