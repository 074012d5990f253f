"""Text to speech by a Wyoming server, say wyoming-piper on this machine or beside it.

Source: github.com/OHF-Voice/wyoming, tts.py and audio.py: synthesize, then audio-start, audio-chunk ...,
audio-stop. The protocol has no word times, no pace and no choice of format. A sentence has a connection of
its own, which costs next to nothing on a local network; closing it is how the server is stopped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, Speech, Usage, VoiceContext
from ari_bridge.providers.streams import StallLimits, watched
from ari_bridge.providers.tts.speaking.ahead import read_ahead
from ari_bridge.providers.tts.speaking.charge import Charge
from ari_bridge.providers.tts.speaking.narration import Narration
from ari_bridge.providers.tts.speaking.options import VoiceChoice
from ari_bridge.providers.tts.speaking.sound import Encoding, SoundFormat
from ari_bridge.providers.tts.speaking.text import speakable_parts
from ari_bridge.providers.tts.speaking.tries import tried
from ari_bridge.providers.vendor.retry import Budget, Retry
from ari_bridge.providers.vendor.wyoming import WyomingEvent, WyomingServer


class WyomingTtsOptions(VoiceChoice):
    uri: str = "tcp://127.0.0.1:10200"
    """Where wyoming-piper listens."""
    speaker: str = ""
    """Of a voice with several."""


class WyomingTextToSpeech:
    def __init__(self, options: WyomingTtsOptions, server: WyomingServer) -> None:
        self._options, self._server = options, server

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        """Raises ProviderError."""
        for _, text in speakable_parts(sentence):
            charge = Charge(context.meter, Usage(characters=len(text), service="wyoming"))
            attempt = partial(self._attempt, text, context, charge)
            async with aclosing(tried(attempt, charge, Budget())) as pieces:
                async for piece in pieces:
                    yield piece

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _attempt(
        self, text: str, context: VoiceContext, charge: Charge, retry: Retry
    ) -> AsyncGenerator[Speech, None]:
        narration: Narration | None = None
        limits = StallLimits(self._options.stall_s, self._options.stall_s)
        async with aclosing(watched(read_ahead(self._chunks(text, context)), limits)) as chunks:
            async for chunk in chunks:
                charge.count()
                narration = narration or Narration(text, self._format(chunk), context.rate_hz)
                for piece in narration.sound(chunk.payload):
                    yield piece
        if narration is not None:
            for piece in narration.finish():
                yield piece

    async def _chunks(self, text: str, context: VoiceContext) -> AsyncGenerator[WyomingEvent, None]:
        async with self._server.connected() as connection:
            await connection.send(WyomingEvent("synthesize", {"text": text, "voice": self._voice(context)}))
            while (event := await connection.receive()).type != "audio-stop":
                if event.type == "audio-chunk":
                    yield event

    def _voice(self, context: VoiceContext) -> dict[str, Any]:
        """The server chooses by language where no name is given."""
        name = self._options.voice_for(context.language)
        if not name:
            return {"language": context.language}
        return {"name": name, "speaker": self._options.speaker} if self._options.speaker else {"name": name}

    def _format(self, chunk: WyomingEvent) -> SoundFormat:
        rate_hz = chunk.data.get("rate")
        if (chunk.data.get("width"), chunk.data.get("channels")) != (2, 1):
            raise ProviderError("wyoming: it sends no 16-bit mono PCM", retryable=False)
        if not isinstance(rate_hz, int) or not 8000 <= rate_hz <= 192_000:
            raise ProviderError("wyoming: it sends audio of no known rate", retryable=False)
        return SoundFormat(Encoding.PCM16, rate_hz)


def _build(options: WyomingTtsOptions) -> WyomingTextToSpeech:
    return WyomingTextToSpeech(options, WyomingServer.at("wyoming", options.uri))


PROVIDER = Provider(
    name="wyoming-tts",
    kind=Kind.TTS,
    options=WyomingTtsOptions,
    build=_build,
    summary="a Wyoming server of your own (wyoming-piper): no word times, no pace",
)
