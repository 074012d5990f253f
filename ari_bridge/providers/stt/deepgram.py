"""Speech to text by Deepgram Nova: streaming, API v1.

Its end-pointing is off: our voice detection says when the caller has stopped, and Finalize flushes what is
still open. Results carry their stretch of the audio, so a final one that reaches to the utterance's end is
its answer, also where Finalize itself is not answered (it is not when nothing was left to flush).

Source: https://developers.deepgram.com/reference/speech-to-text/listen-streaming,
/docs/finalize, /docs/audio-keep-alive, /docs/close-stream (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from pydantic import Field, SecretStr

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, SpeechContext
from ari_bridge.providers.stt.streaming.dialect import (
    Finished,
    Handshake,
    Manners,
    SocketDialect,
    Understood,
    Words,
    text,
)
from ari_bridge.providers.stt.streaming.driver import StreamingSpeechToText, socket_engine
from ari_bridge.providers.stt.streaming.options import KeyedStreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, telephone_format

KEY_TERMS_MOST = 50
"""Of 500 tokens that the vendor allows."""


class DeepgramOptions(KeyedStreamOptions):
    api_key_env: str = "DEEPGRAM_API_KEY"
    base_url: str = "wss://api.deepgram.com"
    """Also wss://api.eu.deepgram.com, or an installation of one's own."""
    model: str = "nova-3"
    language: str = ""
    """As the vendor names it, say "multi"; the agent's language when empty."""
    query: dict[str, str] = Field(default_factory=dict)
    """More of the vendor's parameters, say smart_format = "true"."""
    final_s: float = Field(default=1.5, gt=0)


class DeepgramDialect(SocketDialect):
    manners = Manners(always_answers=False, keep_alive_s=4.0)

    def __init__(self, options: DeepgramOptions, key: SecretStr, context: SpeechContext) -> None:
        self._options, self._key, self._context = options, key, context
        self._encoder = Encoder(context.rate_hz, telephone_format(context.rate_hz))

    @property
    def service(self) -> str:
        return f"deepgram {self._options.model}"

    def handshake(self) -> Handshake:
        wire = self._encoder.wire
        params = {
            "model": self._options.model,
            "language": self._options.language or self._context.language,
            "encoding": "mulaw" if wire.is_ulaw else "linear16",
            "sample_rate": str(wire.rate_hz),
            "channels": "1",
            "interim_results": "true",
            "endpointing": "false",
            "punctuate": "true",
            **self._options.query,
        }
        terms = "keyterm" if self._options.model.startswith("nova-3") else "keywords"
        return Handshake(
            f"{self._options.base_url.rstrip('/')}/v1/listen",
            {"Authorization": f"Token {self._key.get_secret_value()}"},
            [*params.items(), *((terms, phrase) for phrase in self._context.phrases[:KEY_TERMS_MOST])],
        )

    def audio(self, pcm: Pcm16) -> Iterable[bytes]:
        return (self._encoder.encode(pcm),)

    def finish(self) -> Iterable[str]:
        return (text({"type": "Finalize"}),)

    def keep_alive(self) -> Iterable[str]:
        return (text({"type": "KeepAlive"}),)

    def goodbye(self) -> Iterable[str]:
        return (text({"type": "CloseStream"}),)

    def take(self, message: str | bytes) -> Iterator[Understood[str | bytes]]:
        said = json.loads(message)
        if said["type"] == "Error":
            raise ProviderError(f"deepgram: {said.get('description') or said['variant']}", retryable=True)
        if said["type"] != "Results":
            return
        best = said["channel"]["alternatives"][0]
        words = best.get("words", [])
        until_s = said["start"] + said["duration"]
        yield Words(
            best["transcript"],
            is_settled=said["is_final"],
            confidence=best["confidence"] if best["transcript"] else None,
            from_s=words[0]["start"] if words else said["start"],
            until_s=until_s,
        )
        if said.get("from_finalize"):
            yield Finished(until_s=until_s)


def _build(options: DeepgramOptions) -> StreamingSpeechToText[str | bytes]:
    key = options.key()
    return socket_engine("deepgram", lambda context: DeepgramDialect(options, key, context), options.final_s)


PROVIDER = Provider(
    name="deepgram",
    kind=Kind.STT,
    options=DeepgramOptions,
    build=_build,
    summary="Deepgram Nova, streaming",
)
