"""Speech to text by OpenAI's /v1/audio/transcriptions, which speaches, faster-whisper-server, LocalAI and
others serve too: the whole utterance in one request, no words before its end.

Source: https://developers.openai.com/api/reference/resources/audio/subresources/transcriptions (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from pydantic import Field, SecretStr

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Kind, Provider, SpeechContext, Usage
from ari_bridge.providers.stt.recordings import RecordingsToText
from ari_bridge.providers.stt.streaming.dialect import Words
from ari_bridge.providers.stt.streaming.options import KeyedStreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, WireFormat, wav_header
from ari_bridge.providers.vendor.http import HttpVendor

_PROMPT_CHARACTERS_MOST = 800
"""Whisper hears 224 tokens of it."""


class WhisperHttpOptions(KeyedStreamOptions):
    api_key_env: str = "OPENAI_API_KEY"
    """Needed by OpenAI only."""
    base_url: str = "https://api.openai.com/v1"
    model: str = "gpt-4o-mini-transcribe"
    language: str = ""
    """The agent's when empty; "auto": let the model find out."""
    final_s: float = Field(default=10.0, gt=0)


class WhisperHttp:
    name = "whisper-http"
    longest_s = 120.0

    def __init__(self, options: WhisperHttpOptions, key: SecretStr) -> None:
        self._options = options
        secret = key.get_secret_value()
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._http = HttpVendor(self.name, options.base_url, headers)
        self._service = f"openai {options.model}" if key_needed(options) else f"whisper-http {options.model}"

    async def recognize(self, pcm: Pcm16, context: SpeechContext) -> Words:
        """Raises ProviderError."""
        path = "/audio/transcriptions"
        content_type, form = self._form(pcm, context)
        headers = {"Content-Type": content_type}
        async with self._http.request("POST", path, data=form, headers=headers) as response:
            answer = self._http.json(await response.read())
        text = answer.get("text")
        if not isinstance(text, str):
            raise self._http.nonsense("no text")
        self._count(answer.get("usage"), len(pcm) / context.rate_hz, context)
        return Words(text.strip(), is_settled=True)

    async def warm(self) -> None:
        await self._http.warm()

    async def close(self) -> None:
        await self._http.close()

    def _form(self, pcm: Pcm16, context: SpeechContext) -> tuple[str, bytes]:
        """Its content type and the form: as bytes, which can be sent a second time."""
        fields = {"model": self._options.model, "response_format": "json", "temperature": "0"}
        language = self._options.language or context.language.partition("-")[0].lower()
        if language != "auto":
            fields["language"] = language
        if context.phrases:
            fields["prompt"] = " ".join(context.phrases)[:_PROMPT_CHARACTERS_MOST]
        wire = WireFormat(context.rate_hz)
        data = Encoder(context.rate_hz, wire).encode(pcm)
        return multipart(fields, wav_header(wire, len(data)) + data)

    def _count(self, usage: object, duration_s: float, context: SpeechContext) -> None:
        match usage:
            case {"input_tokens": int(heard), "output_tokens": int(written)}:
                context.meter(Usage(heard, written, self._service))
            case _:
                context.meter(Usage(audio_s=duration_s, service=self._service))


def multipart(fields: Mapping[str, str], wav: bytes) -> tuple[str, bytes]:
    """A form with a file (RFC 7578): its content type and body."""
    boundary = uuid4().hex
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'name="file"; filename="utterance.wav"\r\nContent-Type: audio/wav\r\n\r\n' + wav)
    head = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(head + part + b"\r\n" for part in parts)
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def key_needed(options: WhisperHttpOptions) -> bool:
    return "//api.openai.com/" in options.base_url


def _build(options: WhisperHttpOptions) -> RecordingsToText:
    return RecordingsToText(
        WhisperHttp(options, options.key(needed=key_needed(options))), final_s=options.final_s
    )


PROVIDER = Provider(
    name="whisper-http",
    kind=Kind.STT,
    options=WhisperHttpOptions,
    build=_build,
    summary="whisper-compatible HTTP (OpenAI, speaches, faster-whisper-server)",
)
