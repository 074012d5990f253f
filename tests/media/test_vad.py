"""Voice activity on made-up lines: syllables over noise, at the levels that telephones have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.core.audio import AudioChunk, FrameFlags, Pcm16
from ari_bridge.media.vad import (
    VoiceContinued,
    VoiceEvent,
    VoiceStarted,
    VoiceStopped,
    frame_level_dbfs,
)
from ari_bridge.media.voice_activity import VoiceDetector

RATE_HZ = 8000
FRAME = RATE_HZ // 50


def noise(seconds: float, level_dbfs: float, seed: int = 1) -> Pcm16:
    rng = np.random.default_rng(seed)
    wave = rng.normal(0, 32768 * 10 ** (level_dbfs / 20), round(seconds * RATE_HZ))
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def speech(seconds: float, level_dbfs: float, seed: int = 2) -> Pcm16:
    """A buzz of 120 Hz with harmonics, in syllables of a quarter of a second with dips between them."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 120 * k * t + k) / k for k in range(1, 20))
    syllables = 0.15 + np.abs(np.sin(np.pi * t / 0.25))
    wave = buzz * syllables
    wave *= 32768 * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(wave**2))
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def mixed(*parts: Pcm16, over: float = -65.0) -> Pcm16:
    line = np.concatenate(parts).astype(np.int32)
    line += noise(len(line) / RATE_HZ, over, seed=9)
    return np.clip(line, -32768, 32767).astype(np.int16)


def silence(seconds: float) -> Pcm16:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def run(pcm: Pcm16, flags: dict[int, FrameFlags] | None = None, frames_a_chunk: int = 1) -> list[VoiceEvent]:
    """What the VAD says of a line whose first sample is at 0 s."""
    vad, events = VoiceDetector(), []
    count = len(pcm) // FRAME
    for first in range(0, count, frames_a_chunk):
        last = min(count, first + frames_a_chunk)
        marks = np.array([int((flags or {}).get(i, 0)) for i in range(first, last)], np.uint8)
        chunk = AudioChunk(pcm[first * FRAME : last * FRAME], RATE_HZ, first * FRAME, last * 0.02, marks)
        events += vad.process(chunk)
    return events


def edges(events: list[VoiceEvent]) -> list[tuple[str, float]]:
    """Starts and stops, without the continuing."""
    return [
        (type(e).__name__.removeprefix("Voice"), round(e.at_s, 2))
        for e in events
        if not isinstance(e, VoiceContinued)
    ]


@pytest.mark.parametrize("level_dbfs", [-20, -30, -40, -50])
@pytest.mark.parametrize("noise_dbfs", [-90, -65])
def test_speech_at_telephone_levels(level_dbfs: float, noise_dbfs: float) -> None:
    events = run(mixed(silence(1.0), speech(1.5, level_dbfs), silence(1.0), over=noise_dbfs))
    assert [name for name, _ in edges(events)] == ["Started", "Stopped"]
    (_, start), (_, stop) = edges(events)
    assert start == pytest.approx(1.0, abs=0.061)
    assert stop == pytest.approx(2.5, abs=0.121)


def test_onset_is_told_within_60_ms() -> None:
    pcm = mixed(silence(1.0), speech(1.0, -25))
    vad = VoiceDetector()
    for index in range(len(pcm) // FRAME):
        chunk = AudioChunk(
            pcm[index * FRAME : (index + 1) * FRAME],
            RATE_HZ,
            index * FRAME,
            (index + 1) * 0.02,
            np.zeros(1, np.uint8),
        )
        if vad.process(chunk):
            assert chunk.captured_s <= 1.061
            return
    pytest.fail("no voice was found")


def test_speech_in_the_very_first_frame_counts() -> None:
    assert edges(run(mixed(speech(1.0, -30), silence(1.0))))[0][1] <= 0.06


def test_a_noisy_line_is_quiet_and_speech_over_it_is_heard() -> None:
    found = edges(run(mixed(silence(3.0), speech(1.0, -22), silence(1.0), over=-42)))
    assert [name for name, _ in found] == ["Started", "Stopped"]
    assert found[0][1] == pytest.approx(3.0, abs=0.1)


def test_noise_that_begins_suddenly_is_taken_for_the_line_within_a_second() -> None:
    events = run(np.concatenate([noise(1.0, -70), noise(4.0, -40)]))
    stops = [e for e in events if isinstance(e, VoiceStopped)]
    assert len(stops) == 1
    assert stops[0].at_s < 2.0


def test_digital_silence_clicks_and_dc_are_no_voice() -> None:
    pcm = silence(3.0)
    for at in (0.5, 1.013, 1.7, 2.4):
        pcm[round(at * RATE_HZ) :][:100] = 8000
    assert run(pcm) == []
    assert run(silence(2.0) + np.int16(3000)) == []


def test_dtx_silence_does_not_lower_the_floor() -> None:
    """Comfort noise after a stretch in which nothing was sent must not look like voice."""
    pcm = np.concatenate([noise(1.0, -50), silence(5.0), noise(1.0, -50, seed=5)])
    flags = dict.fromkeys(range(50, 300), FrameFlags.SILENCE)
    assert run(pcm, flags) == []


def test_concealed_frames_are_no_evidence() -> None:
    loud = mixed(silence(1.0), speech(1.0, -25), silence(1.0))
    made_up = run(loud, dict.fromkeys(range(50, 60), FrameFlags.CONCEALED))
    assert edges(made_up)[0][1] == pytest.approx(1.2, abs=0.061)
    # A gap of 100 ms within a word neither ends it nor lengthens it.
    holed = mixed(silence(1.0), speech(0.5, -25), silence(0.1), speech(0.5, -25), silence(1.0))
    found = edges(run(holed, dict.fromkeys(range(75, 80), FrameFlags.CONCEALED)))
    assert [name for name, _ in found] == ["Started", "Stopped"]


def test_a_caller_whose_packets_stop_has_stopped_speaking() -> None:
    pcm = mixed(silence(1.0), speech(2.0, -25))
    found = edges(run(pcm, dict.fromkeys(range(100, 150), FrameFlags.CONCEALED)))
    assert found[-1] == ("Stopped", 2.0)


def test_a_long_vowel_and_a_pause_between_words() -> None:
    words = mixed(
        silence(1), speech(0.4, -25), silence(0.1), speech(0.4, -25), silence(0.4), speech(0.4, -25)
    )
    assert [name for name, _ in edges(run(words))] == ["Started", "Stopped", "Started"]


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 13), st.integers(0, 1000))
def test_chunking_does_not_matter(frames_a_chunk: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [f(float(rng.uniform(0.1, 0.8)), -30) for f in (speech, noise, speech) for _ in range(2)]
    pcm = mixed(silence(0.5), *parts)
    flags = {int(i): FrameFlags(int(rng.integers(0, 3))) for i in rng.integers(0, 200, 20)}
    assert edges(run(pcm, flags)) == edges(run(pcm, flags, frames_a_chunk))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000))
def test_voice_starts_before_it_stops_and_times_never_go_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pcm = np.concatenate(
        [noise(float(rng.uniform(0.05, 0.5)), float(rng.uniform(-80, -10))) for _ in range(12)]
    )
    voice, last = False, 0.0
    for event in run(pcm):
        assert isinstance(event, VoiceStarted) is not voice
        at = event.until_s if isinstance(event, VoiceContinued) else event.at_s
        assert at >= last - 1e-9
        last = at
        voice = not isinstance(event, VoiceStopped)


def test_frame_level() -> None:
    assert frame_level_dbfs(silence(0.02)) == -120.0
    assert frame_level_dbfs(np.zeros(0, np.int16)) == -120.0
    assert frame_level_dbfs(noise(1.0, -30)) == pytest.approx(-30, abs=0.2)
    assert frame_level_dbfs(np.full(160, -32768, np.int16)) == -120.0


def test_restless_noise_is_no_voice_once_its_restlessness_is_known() -> None:
    """Gusts of 10 dB over the floor, as in a car: the margin grows until they lie below it."""
    rng = np.random.default_rng(3)
    levels = -50 + 10.5 * (rng.random(60 * 50) < 0.35)
    pcm = np.concatenate([noise(0.02, float(level), seed=i) for i, level in enumerate(levels)])
    starts = [e.at_s for e in run(pcm) if isinstance(e, VoiceStarted)]
    assert all(at < 15 for at in starts)
    spoken = edges(run(np.concatenate([pcm[: 20 * RATE_HZ], mixed(speech(1.0, -22), over=-50)])))
    assert ("Started", 20.0) in [(name, round(at, 1)) for name, at in spoken], "speech over it still is"
