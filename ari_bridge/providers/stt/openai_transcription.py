"""Speech to text by OpenAI's Realtime API, in a session that transcribes only.

Its voice detection is off: each of our utterances is committed as one item. Some models tell words while the
caller speaks, others only after the commit. The vendor answers items in any order; each is told by its item,
and tells what it cost.

Source: https://developers.openai.com/api/docs/guides/realtime-transcription and the reference of the Realtime
API's client and server events (2026-11); also for compatible servers (speaches, LocalAI) by base_url.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field, SecretStr

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Kind, Provider, SpeechContext, Usage
from ari_bridge.providers.stt.streaming.dialect import (
    Billing,
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

_WIDE_HZ = 24000
_KEYWORDS_MOST = 50
_TAKES_KEYWORDS = frozenset({"gpt-live-transcribe", "gpt-transcribe"})
_TOO_SHORT = "input_audio_buffer_commit_empty"
_LASTING_ERRORS = frozenset({"invalid_request_error", "authentication_error", "permission_error"})


class OpenAiTranscriptionOptions(KeyedStreamOptions):
    api_key_env: str = "OPENAI_API_KEY"
    base_url: str = "wss://api.openai.com/v1"
    model: str = "gpt-live-transcribe"
    prompt: str = ""
    """What the model may know of the calls, for models that take one."""
    final_s: float = Field(default=2.5, gt=0)


class OpenAiTranscriptionDialect(SocketDialect):
    manners = Manners(chunk_ms=100, least_ms=100, renew_s=55 * 60.0, billing=Billing.TOLD)

    def __init__(self, options: OpenAiTranscriptionOptions, key: SecretStr, context: SpeechContext) -> None:
        self._options, self._key, self._context = options, key, context
        self._encoder = Encoder(context.rate_hz, telephone_format(context.rate_hz, _WIDE_HZ))
        self._turns: dict[str, int] = {}
        """Of items."""
        self._committed = 0
        self._deltas: dict[str, str] = {}

    @property
    def service(self) -> str:
        return f"openai {self._options.model}"

    def handshake(self) -> Handshake:
        return Handshake(
            f"{self._options.base_url.rstrip('/')}/realtime",
            {"Authorization": f"Bearer {self._key.get_secret_value()}"},
            [("intent", "transcription")],
        )

    def opening(self) -> Iterable[str]:
        options, wire = self._options, self._encoder.wire
        transcription: dict[str, Any] = {
            "model": options.model,
            "language": self._context.language.partition("-")[0].lower(),
        }
        if options.prompt:
            transcription["prompt"] = options.prompt
        if self._context.phrases and options.model in _TAKES_KEYWORDS:
            transcription["keywords"] = list(self._context.phrases[:_KEYWORDS_MOST])
        audio = {
            "format": {"type": "audio/pcmu"} if wire.is_ulaw else {"type": "audio/pcm", "rate": _WIDE_HZ},
            "transcription": transcription,
            "turn_detection": None,
        }
        session = {"type": "transcription", "audio": {"input": audio}}
        return (text({"type": "session.update", "session": session}),)

    def audio(self, pcm: Pcm16) -> Iterable[str]:
        encoded = base64.b64encode(self._encoder.encode(pcm)).decode()
        return (text({"type": "input_audio_buffer.append", "audio": encoded}),)

    def finish(self) -> Iterable[str]:
        return (text({"type": "input_audio_buffer.commit"}),)

    def take(self, message: str | bytes) -> Iterator[Understood[str | bytes]]:
        said = json.loads(message)
        match said["type"]:
            case "input_audio_buffer.committed":
                self._turns[said["item_id"]] = self._committed
                self._committed += 1
            case "conversation.item.input_audio_transcription.delta":
                item = said["item_id"]
                self._deltas[item] = self._deltas.get(item, "") + (said.get("delta") or "")
                yield Words(self._deltas[item].strip(), is_settled=False, turn=self._turn(item))
            case "conversation.item.input_audio_transcription.completed":
                turn = self._turn(said["item_id"])
                self._deltas.pop(said["item_id"], None)
                yield Words(said["transcript"].strip(), is_settled=True, turn=turn)
                yield Finished(turn=turn)
                yield from self._cost(said.get("usage") or {})
            case "conversation.item.input_audio_transcription.failed":
                raise _complaint(said["error"])
            case "error":
                if said["error"].get("code") != _TOO_SHORT:
                    raise _complaint(said["error"])
                yield Finished(turn=self._committed)
                self._committed += 1

    def _turn(self, item: str) -> int:
        """The utterance that is being sent, for an item that has not been committed yet."""
        return self._turns.get(item, self._committed)

    def _cost(self, usage: dict[str, Any]) -> Iterator[Usage]:
        if usage.get("type") == "tokens":
            yield Usage(usage["input_tokens"], usage["output_tokens"], self.service)
        elif usage.get("type") == "duration":
            yield Usage(audio_s=usage["seconds"], service=self.service)


def _complaint(error: dict[str, Any]) -> ProviderError:
    lasts = error.get("type") in _LASTING_ERRORS
    return ProviderError(
        f"openai-transcription: {error.get('message') or error.get('code')}", retryable=not lasts
    )


def _build(options: OpenAiTranscriptionOptions) -> StreamingSpeechToText[str | bytes]:
    key = options.key(needed="//api.openai.com/" in options.base_url)
    return socket_engine(
        "openai-transcription",
        lambda context: OpenAiTranscriptionDialect(options, key, context),
        options.final_s,
    )


PROVIDER = Provider(
    name="openai-transcription",
    kind=Kind.STT,
    options=OpenAiTranscriptionOptions,
    build=_build,
    summary="OpenAI realtime transcription, streaming",
)
