"""Speech to text by Deepgram Flux: streaming in turns, API v2.

Flux has a turn detector of its own; here the turn is ours, as the vendor describes under "bring your own turn
detection": its threshold is out of reach, and ForceEndTurn ends each turn. Without a turn in progress it is
ignored. That is so for a noise without words, whose transcript is "" when its time is up, and where the
command overtook the words: then it is given again when the turn starts.

Source: https://developers.deepgram.com/reference/speech-to-text/listen-flux,
/docs/flux/own-turn-detection, /docs/flux/force-end-turn, /docs/flux/state (2026-11).
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
    Reply,
    SocketDialect,
    Understood,
    Words,
    text,
)
from ari_bridge.providers.stt.streaming.driver import StreamingSpeechToText, socket_engine
from ari_bridge.providers.stt.streaming.options import KeyedStreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, telephone_format

KEY_TERMS_MOST = 50
_MULTILINGUAL = "flux-general-multi"
_FORCE_END_TURN = text({"type": "ForceEndTurn"})


class DeepgramFluxOptions(KeyedStreamOptions):
    api_key_env: str = "DEEPGRAM_API_KEY"
    base_url: str = "wss://api.deepgram.com"
    model: str = ""
    """flux-general-en for an agent that speaks English, else flux-general-multi."""
    query: dict[str, str] = Field(default_factory=dict)
    """More of the vendor's parameters, say eot_threshold = "0.9"."""
    final_s: float = Field(default=1.2, gt=0)


class DeepgramFluxDialect(SocketDialect):
    manners = Manners(chunk_ms=80, trailing_ms=240, always_answers=False, keep_alive_s=5.0, keep_alive_ms=80)

    def __init__(self, options: DeepgramFluxOptions, key: SecretStr, context: SpeechContext) -> None:
        self._options, self._key, self._context = options, key, context
        self._encoder = Encoder(context.rate_hz, telephone_format(context.rate_hz))
        self._language = context.language.partition("-")[0].lower()
        self._model = options.model or ("flux-general-en" if self._language == "en" else _MULTILINGUAL)
        self._is_finishing = False

    @property
    def service(self) -> str:
        return f"deepgram {self._model}"

    def handshake(self) -> Handshake:
        wire = self._encoder.wire
        params = {
            "model": self._model,
            "encoding": "mulaw" if wire.is_ulaw else "linear16",
            "sample_rate": str(wire.rate_hz),
            "eot_threshold": "1.0",
            "eot_timeout_ms": "10000",
        }
        if self._model == _MULTILINGUAL:
            params["language_hint"] = self._language
        params |= self._options.query
        return Handshake(
            f"{self._options.base_url.rstrip('/')}/v2/listen",
            {"Authorization": f"Token {self._key.get_secret_value()}"},
            [*params.items(), *(("keyterm", phrase) for phrase in self._context.phrases[:KEY_TERMS_MOST])],
        )

    def begin(self) -> Iterable[str]:
        self._is_finishing = False
        return ()

    def audio(self, pcm: Pcm16) -> Iterable[bytes]:
        return (self._encoder.encode(pcm),)

    def finish(self) -> Iterable[str]:
        self._is_finishing = True
        return (_FORCE_END_TURN,)

    def goodbye(self) -> Iterable[str]:
        return (text({"type": "CloseStream"}),)

    def take(self, message: str | bytes) -> Iterator[Understood[str | bytes]]:
        said = json.loads(message)
        if said["type"] == "Error":
            raise ProviderError(f"deepgram-flux: {said.get('description') or said['code']}", retryable=True)
        if said["type"] != "TurnInfo":
            return
        ends = said["event"] == "EndOfTurn"
        words = said["words"]
        sure = [word["confidence"] for word in words]
        yield Words(
            said["transcript"],
            is_settled=ends,
            confidence=sum(sure) / len(sure) if sure else None,
            from_s=words[0].get("start") if words else None,
            until_s=None,
        )
        if ends:
            yield Finished(until_s=said["audio_window_end"])
        elif said["event"] == "StartOfTurn" and self._is_finishing:
            yield Reply(_FORCE_END_TURN)


def _build(options: DeepgramFluxOptions) -> StreamingSpeechToText[str | bytes]:
    key = options.key()
    return socket_engine(
        "deepgram-flux", lambda context: DeepgramFluxDialect(options, key, context), options.final_s
    )


PROVIDER = Provider(
    name="deepgram-flux",
    kind=Kind.STT,
    options=DeepgramFluxOptions,
    build=_build,
    summary="Deepgram Flux, streaming in turns",
)
