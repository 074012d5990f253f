"""ElevenLabs by its multi-context WebSocket: PCM or µ-law as the line has it, word times, pace.

Source: elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input and the
message types of its Python SDK 2.78. A sentence is a context of its own: opened, spoken (flush) and closed,
after which the vendor says isFinal. Closing a context does not stop what is being made for it: an answer that
is not wanted costs the connection.

Word times come from the alignment of what is really spoken (normalizedAlignment, "25" as "twenty-five"): the
alignment of the text given starts over in the middle with some models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from pydantic import Base64Bytes, BaseModel, Field

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, Provider, VoiceContext
from ari_bridge.providers.tts.speaking.options import VendorVoice, clamped
from ari_bridge.providers.tts.speaking.over_websocket import Done, Heard, WebSocketTextToSpeech, understood
from ari_bridge.providers.tts.speaking.sound import Encoding, telephone_format
from ari_bridge.providers.tts.speaking.words import CharacterWords, SpokenWord
from ari_bridge.providers.vendor.sockets import Address, Frame, Keeping, SocketPool

_POLICY = 1008
_MAY_PASS = {"max_active_conversations", "too_many_concurrent_requests", "rate_limit_exceeded", "system_busy"}
"""Errors that the vendor gives the code 1008 too, and that pass."""
_INACTIVITY_S = 180
"""The most that the vendor grants."""


class ElevenLabsOptions(VendorVoice):
    api_key_env: str = "ELEVENLABS_API_KEY"
    model: str = "eleven_flash_v2_5"
    stability: float | None = Field(default=None, ge=0, le=1)
    similarity_boost: float | None = Field(default=None, ge=0, le=1)
    url: str = "wss://api.elevenlabs.io"


class _Alignment(BaseModel):
    chars: list[str] = []
    charStartTimesMs: list[float] = []
    charDurationsMs: list[float] = []


class _Message(BaseModel):
    """All that may come, in one."""

    audio: Base64Bytes | None = None
    normalizedAlignment: _Alignment | None = None
    alignment: _Alignment | None = None
    isFinal: bool | None = None
    contextId: str | None = None
    error: str | None = None
    message: str | None = None
    code: int | None = None


class _Utterance:
    def __init__(self, text: str, context: VoiceContext, settings: dict[str, float]) -> None:
        self._text, self._settings = text, settings
        self._id = uuid4().hex
        self._words = CharacterWords()
        self._heard_s = 0.0
        self.source = telephone_format(context.rate_hz)

    def request(self) -> Sequence[Frame]:
        opening: dict[str, Any] = {"text": " ", "context_id": self._id}
        if self._settings:
            opening["voice_settings"] = self._settings
        return (
            opening,
            {"text": f"{self._text.strip()} ", "context_id": self._id, "flush": True},
            {"context_id": self._id, "close_context": True},
        )

    def heard(self, frame: str | bytes) -> Sequence[Heard]:
        message = understood("elevenlabs", _Message, frame)
        if message.contextId not in (None, self._id):
            return ()
        if message.error is not None:
            said = " ".join((message.message or message.error).split())[:200]
            may_pass = message.code != _POLICY or message.error in _MAY_PASS
            raise ProviderError(f"elevenlabs: {said}", retryable=may_pass)
        heard: list[Heard] = []
        if message.audio:
            heard.append(message.audio)
        alignment = message.normalizedAlignment or message.alignment
        if alignment is not None:
            heard.extend(self._words.add(self._characters(alignment)))
        self._heard_s += self.source.seconds(len(message.audio or b""))
        if message.isFinal:
            heard.extend((*self._words.finish(), Done()))
        return heard

    def _characters(self, alignment: _Alignment) -> Iterator[SpokenWord]:
        """Their times are counted from the beginning of the message's audio."""
        columns = zip(alignment.chars, alignment.charStartTimesMs, alignment.charDurationsMs, strict=False)
        for character, start_ms, duration_ms in columns:
            start_s = self._heard_s + start_ms / 1000
            yield SpokenWord(character, start_s, start_s + duration_ms / 1000)

    def farewell(self) -> Sequence[Frame]:
        return ({"close_socket": True},)


class _Dialect:
    name = "elevenlabs"

    def __init__(self, options: ElevenLabsOptions) -> None:
        self._options = options
        self.service = f"elevenlabs {options.model}"

    def address(self, context: VoiceContext) -> Address:
        options = self._options
        source = telephone_format(context.rate_hz)
        kind = "ulaw" if source.encoding is Encoding.MULAW else "pcm"
        params = {
            "model_id": options.model,
            "output_format": f"{kind}_{source.rate_hz}",
            "inactivity_timeout": str(_INACTIVITY_S),
            "sync_alignment": "true",
            "auto_mode": "true",
        }
        if options.model.endswith("_v2_5"):  # the others take no language
            params["language_code"] = context.language.partition("-")[0].lower()
        voice = quote(options.voice_for(context.language), safe="")
        url = f"{options.url.rstrip('/')}/v1/text-to-speech/{voice}/multi-stream-input"
        return Address(url, tuple(params.items()))

    def utterance(self, text: str, context: VoiceContext) -> _Utterance:
        options = self._options
        settings = {"stability": options.stability, "similarity_boost": options.similarity_boost}
        if context.pace != 1.0:
            settings["speed"] = clamped(context.pace, 0.7, 1.2)
        return _Utterance(text, context, {name: v for name, v in settings.items() if v is not None})


def _build(options: ElevenLabsOptions) -> WebSocketTextToSpeech:
    if not options.voice:
        raise SettingsError("voice: name a voice by its id (elevenlabs.io, Voices)")
    key = options.key()
    pool = SocketPool(
        "elevenlabs",
        lambda: {"xi-api-key": key.get_secret_value()},
        Keeping(idle_s=_INACTIVITY_S - 30),
    )
    return WebSocketTextToSpeech(_Dialect(options), pool, stall_s=options.stall_s)


PROVIDER = Provider(
    name="elevenlabs",
    kind=Kind.TTS,
    options=ElevenLabsOptions,
    build=_build,
    summary="ElevenLabs by WebSocket: µ-law, word times, pace 0.7 to 1.2",
)
