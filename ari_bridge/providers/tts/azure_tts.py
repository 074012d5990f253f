"""Azure Speech by its WebSocket: PCM or µ-law as the line has it, word times, pace.

Source: the Speech SDK's own clients (github.com/microsoft/cognitive-services-speech-sdk-js, and the native
one's usp_tts_engine_adapter.cpp), as no page documents it: speech.config once a connection; synthesis.context
and ssml for each turn; then turn.start, audio and audio.metadata (word boundaries, in ticks of 100 ns),
turn.end. The documented REST API has no word boundaries. The service closes connections of ten minutes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape, quoteattr

from pydantic import BaseModel, Field

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, Provider, VoiceContext
from ari_bridge.providers.tts.speaking.options import VendorVoice, clamped
from ari_bridge.providers.tts.speaking.over_websocket import Done, Heard, WebSocketTextToSpeech, understood
from ari_bridge.providers.tts.speaking.sound import Encoding, telephone_format
from ari_bridge.providers.tts.speaking.words import SpokenWord
from ari_bridge.providers.vendor.sockets import Address, Frame, SocketPool
from ari_bridge.providers.vendor.usp import NotUsp, decoded, encoded

_TICKS = 10_000_000
"""A second."""
_JSON = "application/json; charset=utf-8"


class AzureTtsOptions(VendorVoice):
    api_key_env: str = "AZURE_SPEECH_KEY"
    region: str = Field(default="", pattern=r"^[a-z0-9]*$")
    """Of the Speech resource: "westeurope"."""
    url: str = ""
    """In place of the region's: wss://HOST, of a container or another cloud."""
    voice: str = "en-US-AvaMultilingualNeural"

    @property
    def host_url(self) -> str:
        return self.url.rstrip("/") or f"wss://{self.region}.tts.speech.microsoft.com"


class _Text(BaseModel):
    Text: str


class _Data(BaseModel):
    Offset: int = 0
    Duration: int = 0
    text: _Text | None = None


class _Boundary(BaseModel):
    Type: str
    Data: _Data = _Data()


class _Metadata(BaseModel):
    Metadata: list[_Boundary]


class _Utterance:
    def __init__(self, ssml: str, context: VoiceContext) -> None:
        self._ssml = ssml
        self._id = uuid4().hex
        self.source = telephone_format(context.rate_hz)

    def request(self) -> Sequence[Frame]:
        is_mulaw = self.source.encoding is Encoding.MULAW
        audio: dict[str, Any] = {
            "outputFormat": "raw-8khz-8bit-mono-mulaw" if is_mulaw else "raw-16khz-16bit-mono-pcm",
            "metadataOptions": {"wordBoundaryEnabled": True, "sentenceBoundaryEnabled": False},
        }
        context = json.dumps({"synthesis": {"audio": audio}})
        return (
            encoded("synthesis.context", context, request_id=self._id, content_type=_JSON),
            encoded("ssml", self._ssml, request_id=self._id, content_type="application/ssml+xml"),
        )

    def heard(self, frame: str | bytes) -> Sequence[Heard]:
        try:
            message = decoded(frame)
        except NotUsp as error:
            text = f"azure: sent what cannot be understood: {error}"
            raise ProviderError(text, retryable=True) from None
        if message.request_id != self._id:
            return ()
        match message.path, message.body:
            case "audio", bytes(audio) if audio:
                return (audio,)
            case "audio.metadata", body:
                return [_word(b.Data) for b in understood("azure", _Metadata, body).Metadata if _is_word(b)]
            case "turn.end", _:
                return (Done(),)
        return ()

    def farewell(self) -> Sequence[Frame]:
        return ()


def _is_word(boundary: _Boundary) -> bool:
    return boundary.Type == "WordBoundary" and boundary.Data.text is not None


def _word(data: _Data) -> SpokenWord:
    start_s = data.Offset / _TICKS
    return SpokenWord(data.text.Text if data.text else "", start_s, start_s + data.Duration / _TICKS)


def ssml(text: str, voice: str, pace: float) -> str:
    """`text` as it stands, whatever is in it, by `voice`, in the voice's own language."""
    language = "-".join(voice.split("-")[:2])
    words = escape(text)
    if pace != 1.0:
        words = f'<prosody rate="{clamped(pace, 0.5, 2.0):g}">{words}</prosody>'
    return (
        f'<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang={quoteattr(language)}>'
        f"<voice name={quoteattr(voice)}>{words}</voice></speak>"
    )


class _Dialect:
    name = "azure"

    def __init__(self, options: AzureTtsOptions) -> None:
        self._options = options
        self._address = Address(f"{options.host_url}/cognitiveservices/websocket/v1")
        self.service = "azure speech"

    def address(self, context: VoiceContext) -> Address:
        return self._address

    def utterance(self, text: str, context: VoiceContext) -> _Utterance:
        return _Utterance(ssml(text, self._options.voice_for(context.language), context.pace), context)


def _speech_config() -> Sequence[Frame]:
    system = {"name": "ari_bridge", "version": "1", "build": "Python", "lang": "Python"}
    config = json.dumps({"context": {"system": system}})
    return (encoded("speech.config", config, request_id=uuid4().hex, content_type=_JSON),)


def _build(options: AzureTtsOptions) -> WebSocketTextToSpeech:
    if not options.region and not options.url:
        raise SettingsError('region: name the region of the Speech resource, say "westeurope"')
    key = options.key()
    pool = SocketPool(
        "azure",
        lambda: {"Ocp-Apim-Subscription-Key": key.get_secret_value(), "X-ConnectionId": uuid4().hex},
        hello=_speech_config,
    )
    return WebSocketTextToSpeech(_Dialect(options), pool, stall_s=options.stall_s)


PROVIDER = Provider(
    name="azure-tts",
    kind=Kind.TTS,
    options=AzureTtsOptions,
    build=_build,
    summary="Azure Speech by WebSocket: µ-law, word times, pace 0.5 to 2",
)
