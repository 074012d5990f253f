"""The recogniser's process: reads frames from stdin, writes frames to stdout, one decoder a stream.

pocketsphinx holds the interpreter's lock while it decodes, so in a thread it would stop the calls' event
loop for as long; in a process of its own it does not. Run by pocketsphinx_process.py:

    python -m ari_bridge.providers.stt.pocketsphinx_worker

A frame is a header (stream number, kind, length; network order) and its body. The process ends with its
stdin, so it cannot outlive the bridge.

    to the worker     OPEN     JSON {rate_hz, phrases, words}
                      START    an utterance begins
                      AUDIO    PCM16, native order
                      END      the utterance is over: answered by FINAL
                      CLOSE    answered by CLOSED
    from the worker   OPENED   JSON {sentences, unknown_words}
                      PARTIAL  JSON {text}
                      FINAL    JSON {text, confidence}
                      CLOSED
                      FAILED   JSON {message}: the stream is of no more use
"""

from __future__ import annotations

import json
import signal
import struct
import sys
from enum import IntEnum
from typing import Any, BinaryIO

import numpy as np

from ari_bridge.core.audio import samples
from ari_bridge.providers.stt.pocketsphinx_recogniser import Recogniser

HEADER = struct.Struct("!IBI")
_PARTIAL_EVERY_MS = 200


class FrameKind(IntEnum):
    OPEN = 1
    START = 2
    AUDIO = 3
    END = 4
    CLOSE = 5
    OPENED = 11
    PARTIAL = 12
    FINAL = 13
    CLOSED = 14
    FAILED = 15


def frame(stream: int, kind: FrameKind, body: bytes = b"") -> bytes:
    return HEADER.pack(stream, kind, len(body)) + body


class _Stream:
    def __init__(self, request: dict[str, Any]) -> None:
        self.recogniser = Recogniser(request["rate_hz"], request["phrases"], request["words"])
        self._partial_samples = samples(_PARTIAL_EVERY_MS, request["rate_hz"])
        self._since_partial = 0
        self._said = ""

    def start(self) -> None:
        self._since_partial, self._said = 0, ""
        self.recogniser.start()

    def feed(self, body: bytes) -> str | None:
        """The new partial text, if it changed."""
        pcm = np.frombuffer(body, dtype=np.int16)
        self.recogniser.feed(pcm)
        self._since_partial += len(pcm)
        if self._since_partial < self._partial_samples:
            return None
        self._since_partial = 0
        said = self.recogniser.partial()
        if said == self._said:
            return None
        self._said = said
        return said


class _Worker:
    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._streams: dict[int, _Stream] = {}

    def handle(self, number: int, kind: FrameKind, body: bytes) -> None:
        if kind is FrameKind.OPEN:
            try:
                stream = _Stream(json.loads(body))
            except (RuntimeError, ValueError) as error:  # pocketsphinx refused the grammar or a pronunciation
                self._send(number, FrameKind.FAILED, message=str(error) or type(error).__name__)
                return
            self._streams[number] = stream
            grammar = stream.recogniser.grammar
            self._send(
                number,
                FrameKind.OPENED,
                sentences=len(grammar.sentences),
                unknown_words=grammar.unknown_words,
            )
            return
        if kind is FrameKind.CLOSE:
            self._streams.pop(number, None)
            self._send(number, FrameKind.CLOSED)
            return
        stream_or_none = self._streams.get(number)
        if stream_or_none is not None:
            self._listen(number, stream_or_none, kind, body)

    def _listen(self, number: int, stream: _Stream, kind: FrameKind, body: bytes) -> None:
        if kind is FrameKind.START:
            stream.start()
        elif kind is FrameKind.AUDIO:
            said = stream.feed(body)
            if said is not None:
                self._send(number, FrameKind.PARTIAL, text=said)
        elif kind is FrameKind.END:
            understood = stream.recogniser.finish()
            self._send(number, FrameKind.FINAL, text=understood.text, confidence=understood.confidence)

    def _send(self, number: int, kind: FrameKind, **values: object) -> None:
        self._output.write(frame(number, kind, json.dumps(values).encode()))
        self._output.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the bridge's: it ends us when it has drained
    worker = _Worker(sys.stdout.buffer)
    source = sys.stdin.buffer
    try:
        while len(head := source.read(HEADER.size)) == HEADER.size:
            number, kind, length = HEADER.unpack(head)
            worker.handle(number, FrameKind(kind), source.read(length))
    except BrokenPipeError:
        # The bridge is gone; nothing is left to flush to either.
        sys.stdout = None


if __name__ == "__main__":
    main()
