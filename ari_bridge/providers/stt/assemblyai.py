"""Speech to text by AssemblyAI Universal-Streaming, API v3.

The vendor's own end of turn is put out of reach, and ForceEndpoint ends each turn. It bills the time for
which the connection is open, whatever is said on it: it is ended with Terminate.

Source: https://www.assemblyai.com/docs/streaming/message-sequence and /docs/api-reference/streaming-api
(header AssemblyAI-Version 2025-05-12; read 2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from pydantic import Field, SecretStr

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, SpeechContext
from ari_bridge.providers.stt.streaming.dialect import (
    Billing,
    Finished,
    Handshake,
    Manners,
    SocketDialect,
    Understood,
    Words,
    joined,
    text,
)
from ari_bridge.providers.stt.streaming.driver import StreamingSpeechToText, socket_engine
from ari_bridge.providers.stt.streaming.options import KeyedStreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, telephone_format

TERMS_MOST = 100
_TERM_CHARACTERS_MOST = 50
_RETRYABLE_CODES = frozenset({1013, 3005, 3008, 3009, 4008, 4029, 4102, 4103})


class AssemblyAiOptions(KeyedStreamOptions):
    api_key_env: str = "ASSEMBLYAI_API_KEY"
    base_url: str = "wss://streaming.assemblyai.com"
    """Also wss://streaming.eu.assemblyai.com."""
    model: str = ""
    """universal-streaming-english for an agent that speaks English, else universal-streaming-multilingual."""
    query: dict[str, str] = Field(default_factory=dict)
    """More of the vendor's parameters, say vad_threshold = "0.3"."""
    final_s: float = Field(default=1.2, gt=0)


class AssemblyAiDialect(SocketDialect):
    manners = Manners(
        least_ms=50, always_answers=False, catch_up=2.0, renew_s=2.9 * 3600, billing=Billing.SESSION
    )

    def __init__(self, options: AssemblyAiOptions, key: SecretStr, context: SpeechContext) -> None:
        self._options, self._key, self._context = options, key, context
        self._encoder = Encoder(context.rate_hz, telephone_format(context.rate_hz))
        is_english = context.language.partition("-")[0].lower() == "en"
        self._model = options.model or f"universal-streaming-{'english' if is_english else 'multilingual'}"
        self._ended_turn = -1

    @property
    def service(self) -> str:
        return f"assemblyai {self._model}"

    def handshake(self) -> Handshake:
        wire = self._encoder.wire
        params = {
            "speech_model": self._model,
            "encoding": "pcm_mulaw" if wire.is_ulaw else "pcm_s16le",
            "sample_rate": str(wire.rate_hz),
            "format_turns": "false",  # a second message for each turn, later; models read without commas
            "end_of_turn_confidence_threshold": "1.0",
            "max_turn_silence": "10000",
        }
        terms = [term for term in self._context.phrases if len(term) <= _TERM_CHARACTERS_MOST][:TERMS_MOST]
        if terms:
            params["keyterms_prompt"] = json.dumps(terms, ensure_ascii=False)
        params |= self._options.query
        return Handshake(
            f"{self._options.base_url.rstrip('/')}/v3/ws",
            {"Authorization": self._key.get_secret_value(), "AssemblyAI-Version": "2025-05-12"},
            [*params.items()],
        )

    def audio(self, pcm: Pcm16) -> Iterable[bytes]:
        return (self._encoder.encode(pcm),)

    def finish(self) -> Iterable[str]:
        return (text({"type": "ForceEndpoint"}),)

    def goodbye(self) -> Iterable[str]:
        return (text({"type": "Terminate"}),)

    def take(self, message: str | bytes) -> Iterator[Understood[str | bytes]]:
        said = json.loads(message)
        if said.get("type") == "Error" or "error" in said:
            code = said.get("error_code")
            raise ProviderError(
                f"assemblyai: {said['error']}", retryable=code is None or code in _RETRYABLE_CODES
            )
        if said["type"] != "Turn" or said["turn_order"] <= self._ended_turn:
            return
        words, ends = said["words"], said["end_of_turn"]
        sure = [word["confidence"] for word in words]
        yield Words(
            said["transcript"] if ends else joined(word["text"] for word in words),
            is_settled=ends,
            confidence=sum(sure) / len(sure) if sure else None,
            from_s=words[0]["start"] / 1000 if words else None,
        )
        if ends:
            self._ended_turn = said["turn_order"]
            yield Finished(until_s=words[-1]["end"] / 1000 if words else None)


def _build(options: AssemblyAiOptions) -> StreamingSpeechToText[str | bytes]:
    key = options.key()
    return socket_engine(
        "assemblyai", lambda context: AssemblyAiDialect(options, key, context), options.final_s
    )


PROVIDER = Provider(
    name="assemblyai",
    kind=Kind.STT,
    options=AssemblyAiOptions,
    build=_build,
    summary="AssemblyAI Universal-Streaming",
)
