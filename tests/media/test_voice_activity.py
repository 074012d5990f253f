"""What the detector makes of level, echo and model together, when they come in time, late or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.core.audio import AudioChunk, FrameAnalysis
from ari_bridge.media.vad import VoiceContinued, VoiceEvent, VoiceStarted, VoiceStopped
from ari_bridge.media.voice_activity import PATIENCE_FRAMES, VoiceDetector

RATE_HZ = 8000
FRAME = 160
QUIET_DBFS, LOUD_DBFS, SOFT_DBFS = -65.0, -25.0, -58.0
NOBODY, SOMEBODY = 0.05, 0.95


class Call:
    """Feeds a detector frame by frame; analysis is `lag` frames behind, or never comes (None)."""

    def __init__(self, lag: int | None = 1) -> None:
        self.detector = VoiceDetector()
        self.lag = lag
        self.told: list[tuple[float, VoiceEvent]] = []
        self._rng = np.random.default_rng(1)
        self._findings: list[tuple[float, float]] = []
        self._given = 0
        for _ in range(100):
            self.frame(QUIET_DBFS, NOBODY)
        assert self.told == []

    def frame(self, dbfs: float, voice: float, near: float = 1.0) -> None:
        number = len(self._findings)
        self._findings.append((voice, near))
        known = 0 if self.lag is None else max(self._given, number + 1 - self.lag)
        new = self._findings[self._given : known]
        analysis = None
        if new:
            voices, nears = np.array(new, np.float32).T
            analysis = FrameAnalysis(self._given, voices, nears)
            self._given = known
        pcm = self._rng.normal(0, 32768 * 10 ** (dbfs / 20), FRAME).astype(np.int16)
        end_s = (number + 1) * 0.02
        chunk = AudioChunk(pcm, RATE_HZ, number * FRAME, end_s, np.zeros(1, np.uint8), analysis)
        self.told += [(end_s, event) for event in self.detector.process(chunk)]

    def frames(self, count: int, dbfs: float, voice: float, near: float = 1.0) -> None:
        for _ in range(count):
            self.frame(dbfs, voice, near)

    def starts(self) -> list[tuple[float, float]]:
        """When voice was told, and when it is said to have begun; both since the first 2 s."""
        return [
            (round(told - 2, 2), round(event.at_s - 2, 2))
            for told, event in self.told
            if isinstance(event, VoiceStarted)
        ]


def test_without_analysis_the_level_decides_at_once() -> None:
    call = Call(lag=None)
    call.frames(20, LOUD_DBFS, NOBODY)
    assert call.starts() == [(0.06, 0.0)]


def test_with_analysis_voice_is_told_a_frame_later() -> None:
    call = Call()
    call.frames(20, LOUD_DBFS, SOMEBODY)
    assert call.starts() == [(0.08, 0.0)]


def test_noise_that_no_model_takes_for_a_voice_is_none() -> None:
    call = Call()
    call.frames(20, LOUD_DBFS, NOBODY)
    assert call.told == []


def test_voice_waits_for_the_model_and_is_told_with_its_true_beginning() -> None:
    call = Call()
    call.frames(3, LOUD_DBFS, NOBODY)
    call.frames(10, LOUD_DBFS, SOMEBODY)
    assert call.starts() == [(0.1, 0.0)]


def test_our_own_echo_is_no_voice_however_human_it_sounds() -> None:
    call = Call()
    call.frames(50, LOUD_DBFS, SOMEBODY, near=0.0)
    assert call.told == []
    call.frames(10, LOUD_DBFS, SOMEBODY, near=0.9)
    assert call.starts() == [(1.08, 1.0)]


def test_a_caller_softer_than_the_echo_counts_by_the_level_that_is_theirs() -> None:
    call = Call()
    call.frames(10, LOUD_DBFS, SOMEBODY, near=0.02)  # 17 dB below: -42 dBFS
    assert call.starts() == [(0.08, 0.0)]
    inaudible = Call()
    inaudible.frames(10, LOUD_DBFS, SOMEBODY, near=1e-4)
    assert inaudible.told == []


def test_echo_does_not_raise_the_floor_under_the_caller() -> None:
    call = Call()
    before = call.detector.floor_dbfs
    call.frames(300, LOUD_DBFS, SOMEBODY, near=0.0)
    assert call.detector.floor_dbfs == pytest.approx(before, abs=0.5)


def test_a_soft_voice_of_which_the_model_is_sure_counts() -> None:
    call = Call()
    call.frames(20, SOFT_DBFS, SOMEBODY)
    assert call.starts() == [(0.08, 0.0)]
    doubtful = Call()
    doubtful.frames(20, SOFT_DBFS, 0.6)
    assert doubtful.told == []


def test_voice_ends_where_the_model_says_so_though_noise_goes_on() -> None:
    call = Call()
    call.frames(20, LOUD_DBFS, SOMEBODY)
    call.frames(20, LOUD_DBFS, NOBODY)
    (stopped,) = [event for _, event in call.told if isinstance(event, VoiceStopped)]
    assert stopped.at_s == pytest.approx(2.4)


def test_nan_of_a_missing_model_leaves_level_and_echo() -> None:
    call = Call()
    call.frames(20, LOUD_DBFS, float("nan"))
    assert call.starts() == [(0.08, 0.0)]
    echo = Call()
    echo.frames(20, LOUD_DBFS, float("nan"), near=0.0)
    assert echo.told == []


def test_analysis_that_dies_costs_its_patience_once() -> None:
    call = Call()
    call.lag = None
    call.frames(20, LOUD_DBFS, NOBODY)
    assert call.starts() == [(0.06, 0.0)], "given up before the third loud frame, so the level decides"
    call.frames(20, QUIET_DBFS, NOBODY)
    call.frames(20, LOUD_DBFS, NOBODY)
    assert call.starts()[1] == (0.86, 0.8), "nobody waits for it any more"


def test_nothing_is_decided_before_patience_is_over() -> None:
    call = Call()
    call.frames(10, LOUD_DBFS, SOMEBODY)
    call.lag = None
    call.frames(PATIENCE_FRAMES - 1, LOUD_DBFS, SOMEBODY)
    until_s = [event.until_s for _, event in call.told if isinstance(event, VoiceContinued)]
    call.frame(LOUD_DBFS, SOMEBODY)
    later_s = [event.until_s for _, event in call.told if isinstance(event, VoiceContinued)]
    assert until_s[-1] == pytest.approx(2.18)
    assert later_s[-1] == pytest.approx(2.24)


def test_analysis_that_comes_back_is_listened_to_again() -> None:
    call = Call()
    call.lag = None
    call.frames(50, QUIET_DBFS, NOBODY)
    call.lag = 1
    call.frames(20, LOUD_DBFS, NOBODY)
    assert call.told == []


def test_analysis_that_lags_far_behind_is_not_waited_for() -> None:
    call = Call(lag=30)
    call.frames(20, LOUD_DBFS, NOBODY)
    assert call.starts() == [(0.06, 0.0)]
