"""Speech to text by a Vosk server: one's own machine, many languages.

Each audio message is answered, by a partial or a settled text. The end of file flushes the recogniser, and
after its last text the server closes: so each utterance has a connection of its own, opened beforehand.

Source: alphacep/vosk-server, websocket/asr_server.py (2026-01). It compares the end of file as a string: its
blank is part of the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ari_bridge.core.audio import Pcm16
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
from ari_bridge.providers.stt.streaming.options import StreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, WireFormat

_END = '{"eof" : 1}'


class VoskOptions(StreamOptions):
    base_url: str = "ws://127.0.0.1:2700"
    only_phrases: bool = False
    """Understand the agent's phrases and nothing else (models with a dynamic graph only)."""


class VoskDialect(SocketDialect):
    manners = Manners(chunk_ms=100, one_by_one=True, once=True)

    def __init__(self, options: VoskOptions, context: SpeechContext) -> None:
        self._options, self._context = options, context
        self._encoder = Encoder(context.rate_hz, WireFormat(context.rate_hz))
        self._unanswered = 0
        self._is_finishing = False

    @property
    def service(self) -> str:
        return "vosk"

    def handshake(self) -> Handshake:
        return Handshake(self._options.base_url, {})

    def opening(self) -> Iterable[str]:
        config: dict[str, object] = {"sample_rate": self._context.rate_hz, "words": True}
        if self._options.only_phrases and self._context.phrases:
            config["phrase_list"] = [*(phrase.lower() for phrase in self._context.phrases), "[unk]"]
        return (text({"config": config}),)

    def audio(self, pcm: Pcm16) -> Iterable[bytes]:
        self._unanswered += 1
        return (self._encoder.encode(pcm),)

    def finish(self) -> Iterable[str]:
        self._unanswered += 1
        self._is_finishing = True
        return (_END,)

    def goodbye(self) -> Iterable[str]:
        return () if self._is_finishing else (_END,)

    def take(self, message: str | bytes) -> Iterator[Understood[str | bytes]]:
        said = json.loads(message)
        self._unanswered -= 1
        if "partial" in said:
            yield Words(said["partial"], is_settled=False)
        else:
            sure = [word["conf"] for word in said.get("result", [])]
            yield Words(said["text"], is_settled=True, confidence=sum(sure) / len(sure) if sure else None)
        if self._is_finishing and not self._unanswered:
            yield Finished()


def _build(options: VoskOptions) -> StreamingSpeechToText[str | bytes]:
    return socket_engine("vosk", lambda context: VoskDialect(options, context), options.final_s)


PROVIDER = Provider(
    name="vosk",
    kind=Kind.STT,
    options=VoskOptions,
    build=_build,
    summary="Vosk server, streaming",
)
