"""Speech to text by Azure Speech, on its WebSocket (the protocol that its own SDKs speak, "USP").

A message is headers and a body, as in HTTP; in binary ones two octets with the headers' length go before. An
utterance is a request with an identifier of its own: its first audio message is a RIFF header, an empty one
ends it, and turn.end is the vendor's last word about it, which has to be acknowledged. A request that begins
takes the words of the one before with it, so utterances go one by one.

Source: "Speech service WebSocket protocol", MicrosoftDocs/azure-docs, articles/cognitive-services/Speech/
API-Reference-REST/websocketprotocol.md (2018-09); host and key header as in its SDKs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import Field, SecretStr, model_validator

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, SpeechContext
from ari_bridge.providers.stt.streaming.dialect import (
    Finished,
    Handshake,
    Manners,
    Reply,
    SocketDialect,
    Understood,
    Words,
    text,
)
from ari_bridge.providers.stt.streaming.driver import StreamingSpeechToText, socket_engine
from ari_bridge.providers.stt.streaming.options import KeyedStreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, telephone_format, wav_header
from ari_bridge.providers.vendor.usp import decoded, encoded

_PATH = "/speech/recognition/conversation/cognitiveservices/v1"
_PHRASES_MOST = 500
_REGIONS = {"en": "en-US", "da": "da-DK", "sv": "sv-SE", "ja": "ja-JP", "zh": "zh-CN", "ko": "ko-KR"}
"""Of languages whose region is not called as they are."""


class AzureSttOptions(KeyedStreamOptions):
    api_key_env: str = "AZURE_SPEECH_KEY"
    region: str = ""
    """Of the resource, say "westeurope"."""
    base_url: str = ""
    """Instead of the region: an endpoint of one's own, wss://..."""
    language: str = ""
    """With its region, "de-AT"; from the agent's language when empty."""
    final_s: float = Field(default=2.0, gt=0)

    @model_validator(mode="after")
    def _is_somewhere(self) -> AzureSttOptions:
        if not self.region and not self.base_url:
            raise ValueError("region: say where the resource is, or its base_url")
        return self

    @property
    def url(self) -> str:
        return (self.base_url or f"wss://{self.region}.stt.speech.microsoft.com").rstrip("/") + _PATH


class AzureDialect(SocketDialect):
    manners = Manners(chunk_ms=100, one_by_one=True, renew_s=170.0, catch_up=2.0, ahead_s=5.0)

    def __init__(self, options: AzureSttOptions, key: SecretStr, context: SpeechContext) -> None:
        self._options, self._key, self._context = options, key, context
        self._wire = telephone_format(context.rate_hz)
        self._encoder = Encoder(context.rate_hz, self._wire)
        self._requests: list[str] = []
        self._received: list[dict[str, str]] = []

    @property
    def service(self) -> str:
        return "azure speech"

    def handshake(self) -> Handshake:
        language = self._options.language or self._context.language
        if "-" not in language:
            language = _REGIONS.get(language, f"{language}-{language.upper()}")
        return Handshake(
            self._options.url,
            {"Ocp-Apim-Subscription-Key": self._key.get_secret_value(), "X-ConnectionId": uuid4().hex},
            [("language", language), ("format", "detailed")],
        )

    def opening(self) -> Iterable[str]:
        system = {"name": "ari_bridge", "version": "1.0.0"}
        machine = {"platform": "Linux", "name": "Linux", "version": "1"}
        device = {"manufacturer": "ari_bridge", "model": "ari_bridge", "version": "1.0.0"}
        body = {"context": {"system": system, "os": machine, "device": device}}
        return (_text_message("speech.config", uuid4().hex, body),)

    def begin(self) -> Iterator[str | bytes]:
        request = uuid4().hex
        self._requests.append(request)
        self._received.clear()
        if self._context.phrases:
            items = [{"Text": phrase} for phrase in self._context.phrases[:_PHRASES_MOST]]
            grammar = {"dgi": {"Groups": [{"Type": "Generic", "Items": items}]}}
            yield _text_message("speech.context", request, grammar)
        yield self._sound(wav_header(self._wire))

    def audio(self, pcm: Pcm16) -> Iterable[bytes]:
        return (self._sound(self._encoder.encode(pcm)),)

    def finish(self) -> Iterable[bytes]:
        return (self._sound(b""),)

    def take(self, message: str | bytes) -> Iterator[Understood[str | bytes]]:
        said = decoded(message)
        path, request, body = said.path, said.request_id, said.body
        if request not in self._requests:
            return
        turn = self._requests.index(request)
        self._received.append({path: _now()})
        match path:
            case "speech.hypothesis" | "speech.fragment":
                yield Words(json.loads(body)["Text"], is_settled=False, turn=turn)
            case "speech.phrase":
                yield from self._phrase(json.loads(body), turn)
            case "turn.end":
                yield Reply(_text_message("telemetry", request, {"ReceivedMessages": [*self._received]}))
                yield Finished(turn=turn)

    def _phrase(self, phrase: Mapping[str, Any], turn: int) -> Iterator[Words]:
        status = phrase["RecognitionStatus"]
        if status in ("Error", "BadRequest", "Forbidden", "TooManyRequests"):
            retryable = status in ("Error", "TooManyRequests")
            raise ProviderError(f"azure-stt: recognition status {status}", retryable=retryable)
        best = (phrase.get("NBest") or [{}])[0]
        said = best.get("Display") or phrase.get("DisplayText") or ""
        yield Words(said, is_settled=True, confidence=best.get("Confidence") if said else None, turn=turn)

    def _sound(self, data: bytes) -> bytes:
        head = encoded("audio", "", request_id=self._requests[-1], content_type="audio/x-wav")
        headers = head.removesuffix("\r\n").encode("ascii")
        return len(headers).to_bytes(2, "big") + headers + data


def _text_message(path: str, request: str, body: Mapping[str, Any]) -> str:
    return encoded(path, text(body), request_id=request, content_type="application/json; charset=utf-8")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _build(options: AzureSttOptions) -> StreamingSpeechToText[str | bytes]:
    key = options.key()
    return socket_engine("azure-stt", lambda context: AzureDialect(options, key, context), options.final_s)


PROVIDER = Provider(
    name="azure-stt",
    kind=Kind.STT,
    options=AzureSttOptions,
    build=_build,
    summary="Azure Speech, streaming",
)
