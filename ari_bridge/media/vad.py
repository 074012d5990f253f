"""The parts of a voice detector: the level of a frame, the line's own noise, and where voice begins and ends.

    level of a frame ──▶ noise floor (minimum statistics) ──▶ above floor + margin? ──▶ onset and hangover

What decides with them is in media/voice_activity.py.

The *noise floor* is the lowest smoothed level of the last two seconds: speech has gaps between its syllables,
so the minimum rides on the noise and not on the voice (R. Martin, "Noise Power Spectral Density Estimation
Based on Optimal Smoothing and Minimum Statistics", IEEE Trans. Speech and Audio Processing 9(5), 2001; here
on the one broad band). It falls at once and rises after the window. A level that hardly moves for 600 ms is
no voice (hum, hiss, a tone): the floor rises to it without waiting for the rest of the window.

The *margin* above the floor grows with how restless the noise is: it keeps MARGIN_SPARE_DB above the level
that four of five frames without voice stay below (a quantile, followed by small steps). Hiss hardly leaves
its floor; a car, or music in the background, often does.

*Onset* asks for 3 loud frames of the last 4, so that a click, which touches two frames at most, is not voice,
and a voice is told 60 ms after it began. *Hangover* holds for 160 ms, so that the closure of a plosive does
not end a word. What is reported are the times of the voiced frames themselves, not those of the decision.

"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ari_bridge.core.audio import FRAME_MS, Pcm16

FRAME_S = FRAME_MS / 1000

FLOOR_MIN_DBFS = -68.0
"""About the idle noise of A-law; also keeps digital silence from making the faintest rustle a voice."""
FLOOR_MAX_DBFS = -30.0
FLOOR_START_DBFS = -48.0
"""What a line is taken for until it has been quiet once."""
MARGIN_DB = 9.0
"""A frame this much above the floor of a steady line is loud."""
MARGIN_MAX_DB = 14.0
MARGIN_SPARE_DB = 3.0
RELEASE_DB = 3.0
"""While voice is on, frames may be this much softer: word endings fade."""
STEADY_RANGE_DB = 3.0
ONSET_FRAMES = 3
ONSET_WINDOW = 4
HANGOVER_FRAMES = 8
_SUBWINDOWS = 8
_SUBWINDOW_FRAMES = 13
_STEADY_FRAMES = 30
_SMOOTHING = 0.6
_SPREAD_UP_DB, _SPREAD_DOWN_DB = 0.4, 0.1
"""Their ratio makes it the 80 % quantile."""
_SPREAD_MAX_DB = 15.0
_SILENCE_DBFS = -120.0
_FULL_SCALE_DB = 20 * math.log10(32768)


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """`at_s`: beginning of the first voiced frame (monotonic)."""

    at_s: float


@dataclass(frozen=True, slots=True)
class VoiceContinued:
    """`until_s`: end of the latest voiced frame. One a chunk that holds voiced frames."""

    until_s: float


@dataclass(frozen=True, slots=True)
class VoiceStopped:
    """`at_s`: end of the last voiced frame; told one hangover later."""

    at_s: float


VoiceEvent: TypeAlias = VoiceStarted | VoiceContinued | VoiceStopped


class NoiseFloor:
    """The level of the line's noise in dBFS, by minimum statistics over about two seconds."""

    def __init__(self) -> None:
        self._minima = deque([FLOOR_START_DBFS] * _SUBWINDOWS, maxlen=_SUBWINDOWS)
        self._current = FLOOR_START_DBFS
        self._frames = 0
        self._smoothed: float | None = None
        self._recent: deque[float] = deque(maxlen=_STEADY_FRAMES)
        self._spread_db = 0.0

    @property
    def margin_db(self) -> float:
        """How far above the floor a frame is loud."""
        return min(max(MARGIN_DB, self._spread_db + MARGIN_SPARE_DB), MARGIN_MAX_DB)

    @property
    def dbfs(self) -> float:
        lowest = min(min(self._minima), self._current)
        return min(max(lowest, FLOOR_MIN_DBFS), FLOOR_MAX_DBFS)

    def update(self, level_dbfs: float, *, voice: bool) -> None:
        """Take in one frame's level, and whether it lies within voice."""
        if not voice:
            wider = level_dbfs - self.dbfs > self._spread_db
            self._spread_db += _SPREAD_UP_DB if wider else -_SPREAD_DOWN_DB
            self._spread_db = min(max(self._spread_db, 0.0), _SPREAD_MAX_DB)
        previous = level_dbfs if self._smoothed is None else self._smoothed
        self._smoothed = _SMOOTHING * previous + (1 - _SMOOTHING) * level_dbfs
        self._current = min(self._current, self._smoothed)
        self._frames += 1
        if self._frames % _SUBWINDOW_FRAMES == 0:
            self._minima.append(self._current)
            self._current = self._smoothed
        self._recent.append(level_dbfs)
        if len(self._recent) == _STEADY_FRAMES and max(self._recent) - min(self._recent) < STEADY_RANGE_DB:
            self._minima.extend([self._smoothed] * _SUBWINDOWS)
            self._current = self._smoothed


class Onset:
    """Onset and hangover: single voiced frames go in, where voice begins and ends comes out."""

    def __init__(self) -> None:
        self.voice = False
        self.voiced_until_s = 0.0
        self._starts: list[float] = []
        """Beginnings of the voiced frames among the last ONSET_WINDOW."""
        self._window: list[bool] = []
        self._quiet_frames = 0

    def frame(self, voiced: bool, end_s: float, *, allowed: bool = True) -> VoiceEvent | None:
        """Take in one frame. Voice begins only where that is `allowed`."""
        return self._sustain(voiced, end_s) if self.voice else self._begin(voiced, end_s, allowed)

    def _begin(self, voiced: bool, end_s: float, allowed: bool) -> VoiceEvent | None:
        if len(self._window) == ONSET_WINDOW and self._window.pop(0):
            self._starts.pop(0)
        self._window.append(voiced)
        if voiced:
            self._starts.append(end_s - FRAME_S)
        if len(self._starts) < ONSET_FRAMES or not allowed:
            return None
        started = VoiceStarted(self._starts[0])
        self.voice = True
        self.voiced_until_s = end_s
        self._quiet_frames = 0
        self._window, self._starts = [], []
        return started

    def _sustain(self, voiced: bool, end_s: float) -> VoiceEvent | None:
        if voiced:
            self.voiced_until_s = end_s
            self._quiet_frames = 0
            return None
        self._quiet_frames += 1
        if self._quiet_frames < HANGOVER_FRAMES:
            return None
        self.voice = False
        return VoiceStopped(self.voiced_until_s)


def tell(events: list[VoiceEvent], edge: VoiceEvent | None, onset: Onset, voiced_until_s: float) -> None:
    """Add what a frame has brought: an edge, and that voice goes on beyond `voiced_until_s`."""
    if edge is not None:
        events.append(edge)
    if onset.voice and onset.voiced_until_s > voiced_until_s:
        if events and isinstance(events[-1], VoiceContinued):
            events.pop()
        events.append(VoiceContinued(onset.voiced_until_s))


def frame_level_dbfs(pcm: Pcm16) -> float:
    """RMS level of a frame without its mean: a DC offset, common on analogue lines, is no sound.

    Relative to a full-scale square wave, as core.audio.dbfs; -120.0 for silence.
    """
    if len(pcm) == 0:
        return _SILENCE_DBFS
    wave = pcm.astype(np.float64)
    mean = float(wave.sum()) / len(wave)
    power = float(np.dot(wave, wave)) / len(wave) - mean * mean
    return max(_SILENCE_DBFS, 10 * math.log10(power) - _FULL_SCALE_DB) if power > 1e-3 else _SILENCE_DBFS
