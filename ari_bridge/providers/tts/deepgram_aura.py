"""Deepgram Aura by WebSocket: PCM or µ-law as the line has it; no word times.

Source: developers.deepgram.com/reference/text-to-speech-api/speak-streaming and docs/tts-ws-flush, and the
message types of its Python SDK 7.17 (speak v1). Text goes in with Speak, Flush asks for all of its audio, and
Flushed tells that it came. A connection takes 20 flushes a minute, so each is retired after fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, VoiceContext
from ari_bridge.providers.tts.speaking.options import VendorVoice, clamped
from ari_bridge.providers.tts.speaking.over_websocket import Done, Heard, WebSocketTextToSpeech, understood
from ari_bridge.providers.tts.speaking.sound import Encoding, telephone_format
from ari_bridge.providers.vendor.sockets import Address, Frame, Keeping, SocketPool

_FLUSHES = 18


class DeepgramAuraOptions(VendorVoice):
    api_key_env: str = "DEEPGRAM_API_KEY"
    voice: str = "aura-2-thalia-en"
    """Model and voice in one."""
    url: str = "wss://api.deepgram.com"


class _Message(BaseModel):
    type: Literal["Metadata", "Flushed", "Cleared", "Warning", "Error"]
    description: str = ""
    code: str = ""


class _Utterance:
    def __init__(self, text: str, context: VoiceContext) -> None:
        self._text = text
        self.source = telephone_format(context.rate_hz)

    def request(self) -> Sequence[Frame]:
        return {"type": "Speak", "text": self._text}, {"type": "Flush"}

    def heard(self, frame: str | bytes) -> Sequence[Heard]:
        if isinstance(frame, bytes):
            return (frame,)
        message = understood("deepgram", _Message, frame)
        match message.type:
            case "Flushed":
                return (Done(),)
            case "Warning" | "Error":  # a warning is that it will not do what was asked for
                said = " ".join((message.description or message.code).split())[:200]
                raise ProviderError(f"deepgram: {said}", retryable=True)
        return ()

    def farewell(self) -> Sequence[Frame]:
        return {"type": "Clear"}, {"type": "Close"}


class _Dialect:
    name = "deepgram"

    def __init__(self, options: DeepgramAuraOptions) -> None:
        self._options = options
        self.service = f"deepgram {options.voice}"

    def address(self, context: VoiceContext) -> Address:
        source = telephone_format(context.rate_hz)
        params = {
            "model": self._options.voice_for(context.language),
            "encoding": "mulaw" if source.encoding is Encoding.MULAW else "linear16",
            "sample_rate": str(source.rate_hz),
        }
        if context.pace != 1.0:
            params["speed"] = f"{clamped(context.pace, 0.7, 1.5):g}"
        return Address(f"{self._options.url.rstrip('/')}/v1/speak", tuple(params.items()))

    def utterance(self, text: str, context: VoiceContext) -> _Utterance:
        return _Utterance(text, context)


def _build(options: DeepgramAuraOptions) -> WebSocketTextToSpeech:
    key = options.key()
    pool = SocketPool(
        "deepgram",
        lambda: {"Authorization": f"Token {key.get_secret_value()}"},
        Keeping(uses_max=_FLUSHES),
    )
    return WebSocketTextToSpeech(_Dialect(options), pool, stall_s=options.stall_s)


PROVIDER = Provider(
    name="deepgram-aura",
    kind=Kind.TTS,
    options=DeepgramAuraOptions,
    build=_build,
    summary="Deepgram Aura by WebSocket: µ-law, pace 0.7 to 1.5, no word times",
)
