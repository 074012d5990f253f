"""OpenAI's speech API, by HTTP: OpenAI itself, Kokoro-FastAPI, speaches, and whatever else speaks it.

Source: platform.openai.com/docs/api-reference/audio/createSpeech (SDK 3.52). response_format "pcm" is 16-bit
mono at 24 kHz, streamed as it is made; there is no telephone format and there are no word times. Leaving the
answer closes its connection, which stops the server.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic import Field

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, Speech, Usage, VoiceContext
from ari_bridge.providers.streams import StallLimits, watched
from ari_bridge.providers.tts.speaking.ahead import read_ahead
from ari_bridge.providers.tts.speaking.charge import Charge
from ari_bridge.providers.tts.speaking.narration import Narration
from ari_bridge.providers.tts.speaking.options import VendorVoice, clamped
from ari_bridge.providers.tts.speaking.sound import Encoding, SoundFormat
from ari_bridge.providers.tts.speaking.text import speakable_parts
from ari_bridge.providers.tts.speaking.wav import NotPcm, RawOrWav
from ari_bridge.providers.vendor.http import HttpVendor

_OPENAI = "https://api.openai.com/v1"
_NOT_SOUND = {"application/json", "audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/opus"}


class OpenAiTtsOptions(VendorVoice):
    api_key_env: str = "OPENAI_API_KEY"
    base_url: str = _OPENAI
    """Another server's needs no key, if it wants none."""
    model: str = "gpt-4o-mini-tts"
    voice: str = "alloy"
    instructions: str = ""
    """How to speak, for models that follow it."""
    rate_hz: int = Field(default=24_000, ge=8_000, le=48_000)
    """Of the raw PCM that the server sends."""


class OpenAiTextToSpeech:
    def __init__(self, options: OpenAiTtsOptions, http: HttpVendor) -> None:
        self._options, self._http = options, http

    async def warm(self) -> None:
        await self._http.warm()

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        """Raises ProviderError."""
        for _, text in speakable_parts(sentence):
            async with aclosing(self._part(text, context)) as pieces:
                async for piece in pieces:
                    yield piece

    async def close(self) -> None:
        await self._http.close()

    async def _part(self, text: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        stream = RawOrWav(SoundFormat(Encoding.PCM16, self._options.rate_hz))
        narration: Narration | None = None
        limits = StallLimits(self._options.stall_s, self._options.stall_s)
        usage = Usage(characters=len(text), service=f"openai-tts {self._options.model}")
        with Charge(context.meter, usage) as charge:
            async with aclosing(watched(read_ahead(self._answer(text, context)), limits)) as answer:
                async for octets in answer:
                    charge.count()
                    if not (audio := self._audio(stream, octets)):
                        continue
                    narration = narration or Narration(text, stream.source, context.rate_hz)
                    for piece in narration.sound(audio):
                        yield piece
        if narration is not None:
            for piece in narration.finish():
                yield piece

    async def _answer(self, text: str, context: VoiceContext) -> AsyncGenerator[bytes, None]:
        options = self._options
        body: dict[str, Any] = {
            "model": options.model,
            "voice": options.voice_for(context.language),
            "input": text,
            "response_format": "pcm",
        }
        if options.instructions:
            body["instructions"] = options.instructions
        if context.pace != 1.0:
            body["speed"] = clamped(context.pace, 0.25, 4.0)
        async with self._http.request("POST", "/audio/speech", body=body) as answer:
            kind = answer.content_type
            if kind in _NOT_SOUND or kind.startswith("text/"):
                raise ProviderError(f"openai-tts: it sends {kind}, not pcm", retryable=False)
            async for octets in answer.content.iter_any():
                yield octets

    def _audio(self, stream: RawOrWav, octets: bytes) -> bytes:
        try:
            return stream.feed(octets)
        except NotPcm as error:
            raise ProviderError(
                f"openai-tts: it sends no 16-bit mono PCM: {error}", retryable=False
            ) from None


def _build(options: OpenAiTtsOptions) -> OpenAiTextToSpeech:
    key = options.key(needed=options.base_url == _OPENAI).get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return OpenAiTextToSpeech(options, HttpVendor("openai-tts", options.base_url, headers))


PROVIDER = Provider(
    name="openai-tts",
    kind=Kind.TTS,
    options=OpenAiTtsOptions,
    build=_build,
    summary="OpenAI's speech API (OpenAI, Kokoro, speaches): 24 kHz PCM, pace 0.25 to 4, no word times",
)
