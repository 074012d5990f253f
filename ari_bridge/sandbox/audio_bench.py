"""Calls without a network: what was sent and received goes through rings, analysis and detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, AudioChunk, Pcm16
from ari_bridge.media.analysis.analyst import Analyst
from ari_bridge.media.analysis.silero import Silero
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.registry import known_codecs
from ari_bridge.media.shared import RX_FRAMES, SharedRows, size, tx_capacity
from ari_bridge.media.vad import VoiceEvent

CODEC_AT = {8000: "ulaw", 16000: "slin16", 24000: "slin24", 48000: "slin48"}


class Detector(Protocol):
    def process(self, chunk: AudioChunk) -> list[VoiceEvent]: ...


@dataclass(frozen=True, slots=True)
class Told:
    at_s: float
    """When the detector told it."""
    event: VoiceEvent


class AudioBench:
    """Rows of one rate at the same tick; the media process is played by hand."""

    def __init__(self, rows: int, rate_hz: int, models: Mapping[int, Silero]) -> None:
        self.codecs = codecs = list(known_codecs().values())
        codec = known_codecs()[CODEC_AT[rate_hz]]
        self.shared = SharedRows(bytearray(size(rows)), rows)
        self.analyst = Analyst(self.shared, codecs, models)
        self.frame_samples = rate_hz * FRAME_MS // 1000
        self._slots = np.arange(rows)
        self._rx = self.shared.rx(rate_hz)
        self._mask = tx_capacity(rate_hz) - 1
        self._tick = 0
        for slot in range(rows):
            self.shared.open(slot)
            self.shared.stream[slot]["codec"] = codecs.index(codec)
            self.shared.stream[slot]["ssrc"] = slot + 1
        self.rows = [BridgeRow(self.shared, slot, codec) for slot in range(rows)]

    def tick(self, sent: NDArray[np.int16], received: NDArray[np.int16]) -> None:
        """Frames of shape (rows, frame_samples) leave and come. A silent frame that is sent is none."""
        media, place = self.shared.media, self._tick % RX_FRAMES
        speaking = np.flatnonzero(sent.any(axis=1))
        at = media["heard"][speaking, None] + np.arange(self.frame_samples) & self._mask
        self.shared.tx[speaking[:, None], at] = sent[speaking]
        media["heard"][speaking] += self.frame_samples
        self.shared.tx_heard[:, place] = media["heard"]
        self._rx[:, place] = received
        self.shared.rx_captured_s[:, place] = (self._tick + 1) * FRAME_MS / 1000
        self._tick += 1
        media["frames"] = self._tick


def detect(
    sent: Sequence[Pcm16],
    received: Sequence[Pcm16],
    rate_hz: int,
    models: Mapping[int, Silero],
    detector: Callable[[], Detector],
) -> list[list[Told]]:
    """What detectors tell of calls, each with one. A frame's analysis is there one frame later than it."""
    bench = AudioBench(len(received), rate_hz, models)
    n = bench.frame_samples
    frames = min(len(pcm) // n for pcm in received)
    out, heard = (
        np.stack([pcm[: frames * n].reshape(frames, n) for pcm in side]) for side in (sent, received)
    )
    detectors = [detector() for _ in received]
    told: list[list[Told]] = [[] for _ in received]
    for frame in range(frames):
        bench.tick(out[:, frame], heard[:, frame])
        for row, one, events in zip(bench.rows, detectors, told, strict=True):
            chunk = row.read()
            events += [Told(chunk.captured_s, event) for event in one.process(chunk)]
        bench.analyst.step()
    return told
