"""Voice activity of a call by all that is known: the level, the echo of our own audio, a model of the voice.

    chunk.pcm ─▶ level, noise floor ──────────────────────┐
    chunk.analysis.near ─▶ level without our echo ────────┼─▶ voiced? ─▶ onset and hangover ─▶ VoiceEvent
    chunk.analysis.voice ─▶ probability of a human voice ─┘

The level says at once that there is something; the other two say what it is, a frame or two later, since they
are found out beside the audio's way (media/analysis). A frame waits for them at most PATIENCE_FRAMES. If they
do not come, the level decides alone, and nothing waits, until they come again.

* A frame that is mostly our own echo is never voiced.
* A loud frame is voiced if the model does not deny it; voice begins only where the model agrees.
* A soft frame, or one under noise, is voiced where the model is sure of it.
* A concealed frame was made up by us: it is no evidence for voice nor for silence, and at most 200 ms of them
  in a row are passed over. A frame that the far end left out on purpose (DTX) is silence and says nothing of
  the line's noise.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass

from ari_bridge.core.audio import FRAME_MS, AudioChunk, FrameAnalysis, FrameFlags, samples
from ari_bridge.media.vad import (
    FRAME_S,
    RELEASE_DB,
    NoiseFloor,
    Onset,
    VoiceEvent,
    frame_level_dbfs,
    tell,
)

log = logging.getLogger(__name__)

CONCEALED_FRAMES_MAX = 10
PATIENCE_FRAMES = 2
VOICE_BEGINS = 0.5
"""Probability with which the model agrees that voice begins."""
VOICE_GOES_ON = 0.2
"""Below it the model denies that a loud frame is voiced."""
VOICE_SURE = 0.8
SOFT_MARGIN_DB = 3.0
"""How far above the noise a frame must be of which the model is sure."""


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    level_dbfs: float
    flags: int
    end_s: float


@dataclass(frozen=True, slots=True)
class _Finding:
    voice: float
    near: float


_UNKNOWN = _Finding(math.nan, 1.0)


class VoiceDetector:
    """One call's. Feed it every chunk that the port gives, in order."""

    def __init__(self) -> None:
        self._floor = NoiseFloor()
        self._onset = Onset()
        self._concealed_frames = 0
        self._waiting: deque[_Frame] = deque()
        self._findings: dict[int, _Finding] = {}
        self._analysed = 0
        """The first frame of which nothing is known yet."""
        self._helped = False
        """Whether the analysis keeps up."""

    @property
    def floor_dbfs(self) -> float:
        return self._floor.dbfs

    def process(self, chunk: AudioChunk) -> list[VoiceEvent]:
        """What became known by this chunk, in order of time."""
        self._take(chunk)
        if chunk.analysis is not None:
            self._learn(chunk.analysis)
        events: list[VoiceEvent] = []
        while self._waiting:
            frame = self._waiting[0]
            known = frame.number < self._analysed
            if not known and self._helped and len(self._waiting) <= PATIENCE_FRAMES:
                break
            if self._helped and not known:
                self._helped = False
                log.info("the analysis of a call's audio lags: its level alone decides what is voice")
            self._waiting.popleft()
            before = self._onset.voiced_until_s
            edge = self._decide(frame, self._findings.pop(frame.number, _UNKNOWN))
            tell(events, edge, self._onset, before)
        return events

    def _take(self, chunk: AudioChunk) -> None:
        length = samples(FRAME_MS, chunk.rate_hz)
        first = chunk.start_sample // length
        count = len(chunk.flags)
        for index in range(count):
            level = frame_level_dbfs(chunk.pcm[index * length : (index + 1) * length])
            end_s = chunk.captured_s - (count - 1 - index) * FRAME_S
            self._waiting.append(_Frame(first + index, level, int(chunk.flags[index]), end_s))

    def _learn(self, analysis: FrameAnalysis) -> None:
        first_waiting = self._waiting[0].number
        for number, (voice, near) in enumerate(
            zip(analysis.voice.tolist(), analysis.near.tolist(), strict=True), analysis.first_frame
        ):
            if number >= first_waiting:
                self._findings[number] = _Finding(voice, near)
        self._analysed = analysis.first_frame + len(analysis.voice)
        newest = self._waiting[-1].number
        self._helped = self._helped or newest - self._analysed < PATIENCE_FRAMES

    def _decide(self, frame: _Frame, finding: _Finding) -> VoiceEvent | None:
        if frame.flags & FrameFlags.CONCEALED and self._concealed_frames < CONCEALED_FRAMES_MAX:
            self._concealed_frames += 1
            return None
        if frame.flags & (FrameFlags.CONCEALED | FrameFlags.SILENCE):
            return self._onset.frame(False, frame.end_s)
        self._concealed_frames = 0
        if finding.near <= 0:
            return self._onset.frame(False, frame.end_s)
        above_db = frame.level_dbfs + 10 * math.log10(finding.near) - self._floor.dbfs
        loud = above_db > self._floor.margin_db - (RELEASE_DB if self._onset.voice else 0.0)
        self._floor.update(frame.level_dbfs, voice=self._onset.voice)
        if math.isnan(finding.voice):
            return self._onset.frame(loud, frame.end_s)
        sure = finding.voice >= VOICE_SURE and above_db > SOFT_MARGIN_DB
        if self._onset.voice:
            return self._onset.frame(sure or (loud and finding.voice >= VOICE_GOES_ON), frame.end_s)
        return self._onset.frame(loud or sure, frame.end_s, allowed=finding.voice >= VOICE_BEGINS)
