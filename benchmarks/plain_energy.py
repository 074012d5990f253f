"""The detector that others are measured against: the level above a noise floor, and nothing else."""

from __future__ import annotations

from ari_bridge.core.audio import FRAME_MS, AudioChunk, FrameFlags, Pcm16, samples
from ari_bridge.media.vad import (
    FRAME_S,
    MARGIN_DB,
    RELEASE_DB,
    NoiseFloor,
    Onset,
    VoiceEvent,
    frame_level_dbfs,
    tell,
)


class PlainEnergy:
    """The voice activity of one call. Feed it every chunk that the port gives, in order."""

    def __init__(self) -> None:
        self._floor = NoiseFloor()
        self._onset = Onset()
        self._concealed_frames = 0

    @property
    def floor_dbfs(self) -> float:
        return self._floor.dbfs

    def process(self, chunk: AudioChunk) -> list[VoiceEvent]:
        """What became known by this chunk, in order of time."""
        events: list[VoiceEvent] = []
        frame_samples = samples(FRAME_MS, chunk.rate_hz)
        count = len(chunk.flags)
        for index in range(count):
            end_s = chunk.captured_s - (count - 1 - index) * FRAME_S
            pcm = chunk.pcm[index * frame_samples : (index + 1) * frame_samples]
            before = self._onset.voiced_until_s
            edge = self._frame(pcm, int(chunk.flags[index]), end_s)
            tell(events, edge, self._onset, before)
        return events

    def _frame(self, pcm: Pcm16, flags: int, end_s: float) -> VoiceEvent | None:
        if flags & FrameFlags.CONCEALED and self._concealed_frames < 10:
            self._concealed_frames += 1
            return None
        if flags & (FrameFlags.CONCEALED | FrameFlags.SILENCE):
            loud = False
        else:
            self._concealed_frames = 0
            level = frame_level_dbfs(pcm)
            margin = MARGIN_DB - RELEASE_DB if self._onset.voice else MARGIN_DB
            loud = level > self._floor.dbfs + margin
            self._floor.update(level, voice=self._onset.voice)
        return self._onset.frame(loud, end_s)
