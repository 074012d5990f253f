"""Cartesia Sonic by WebSocket: PCM or µ-law as the line has it, word times, pace.

Source: docs.cartesia.ai/api-reference/tts/websocket, and the message types of its Python SDK 4.2 (API version
2026-08-14). A sentence is a context; its times are counted from the context's beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import uuid4

from pydantic import Base64Bytes, BaseModel

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, Provider, VoiceContext
from ari_bridge.providers.tts.speaking.options import VendorVoice, clamped
from ari_bridge.providers.tts.speaking.over_websocket import Done, Heard, WebSocketTextToSpeech, understood
from ari_bridge.providers.tts.speaking.sound import Encoding, telephone_format
from ari_bridge.providers.tts.speaking.words import SpokenWord
from ari_bridge.providers.vendor.retry import may_pass
from ari_bridge.providers.vendor.sockets import Address, Frame, Keeping, SocketPool

_VERSION = "2026-08-14"


class CartesiaOptions(VendorVoice):
    api_key_env: str = "CARTESIA_API_KEY"
    model: str = "sonic-3"
    url: str = "wss://api.cartesia.ai"


class _WordTimestamps(BaseModel):
    """Columns, in seconds."""

    words: list[str]
    start: list[float]
    end: list[float]


class _Message(BaseModel):
    type: Literal["chunk", "timestamps", "phoneme_timestamps", "flush_done", "done", "error"]
    context_id: str | None = None
    data: Base64Bytes | None = None
    word_timestamps: _WordTimestamps | None = None
    status_code: int | None = None
    title: str | None = None
    message: str | None = None


class _Utterance:
    def __init__(self, text: str, voice: str, model: str, context: VoiceContext) -> None:
        self._text, self._voice, self._model, self._context = text, voice, model, context
        self._id = uuid4().hex
        self.source = telephone_format(context.rate_hz)

    def request(self) -> Sequence[Frame]:
        is_mulaw = self.source.encoding is Encoding.MULAW
        request: dict[str, Any] = {
            "model_id": self._model,
            "transcript": self._text,
            "voice": {"mode": "id", "id": self._voice},
            "language": self._context.language.partition("-")[0].lower(),
            "context_id": self._id,
            "output_format": {
                "container": "raw",
                "encoding": "pcm_mulaw" if is_mulaw else "pcm_s16le",
                "sample_rate": self.source.rate_hz,
            },
            "add_timestamps": True,
            "continue": False,
        }
        if self._context.pace != 1.0:
            request["generation_config"] = {"speed": clamped(self._context.pace, 0.6, 1.5)}
        return (request,)

    def heard(self, frame: str | bytes) -> Sequence[Heard]:
        message = understood("cartesia", _Message, frame)
        if message.context_id not in (None, self._id):
            return ()
        match message.type:
            case "chunk" if message.data:
                return (message.data,)
            case "timestamps" if message.word_timestamps is not None:
                times = message.word_timestamps
                return [SpokenWord(*word) for word in zip(times.words, times.start, times.end, strict=False)]
            case "done":
                return (Done(),)
            case "error":
                raise _refusal(message)
        return ()

    def farewell(self) -> Sequence[Frame]:
        return ({"context_id": self._id, "cancel": True},)


def _refusal(message: _Message) -> ProviderError:
    said = " ".join(": ".join(filter(None, (message.title, message.message))).split())[:200]
    status = message.status_code or 500
    return ProviderError(f"cartesia: answered {status}: {said}", retryable=may_pass(status))


class _Dialect:
    name = "cartesia"

    def __init__(self, options: CartesiaOptions) -> None:
        self._options = options
        self._address = Address(f"{options.url.rstrip('/')}/tts/websocket")
        self.service = f"cartesia {options.model}"

    def address(self, context: VoiceContext) -> Address:
        return self._address

    def utterance(self, text: str, context: VoiceContext) -> _Utterance:
        return _Utterance(text, self._options.voice_for(context.language), self._options.model, context)


def _build(options: CartesiaOptions) -> WebSocketTextToSpeech:
    if not options.voice:
        raise SettingsError("voice: name a voice by its id (play.cartesia.ai, Voices)")
    key = options.key()
    pool = SocketPool(
        "cartesia",
        lambda: {"Authorization": f"Bearer {key.get_secret_value()}", "Cartesia-Version": _VERSION},
        Keeping(idle_s=240.0),
    )
    return WebSocketTextToSpeech(_Dialect(options), pool, stall_s=options.stall_s)


PROVIDER = Provider(
    name="cartesia",
    kind=Kind.TTS,
    options=CartesiaOptions,
    build=_build,
    summary="Cartesia Sonic by WebSocket: µ-law, word times, pace 0.6 to 1.5",
)
