"""What is heard where audio is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.core.audio import FrameFlags, Pcm16
from ari_bridge.media.comfort import ComfortNoise
from ari_bridge.media.concealment import Concealer
from ari_bridge.media.shared import RX_FRAMES

BLOCKS = 8
HERE, LOST, PAUSE = "here", "lost", "pause"
RATES = pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])


class Line:
    """One row of three, to which frames come, whole or in part."""

    def __init__(self, speech: Pcm16, rate_hz: int, slot: int = 1) -> None:
        self.frame = rate_hz // 50
        self.speech, self.slot = speech, slot
        self.ring = np.full((3, RX_FRAMES * self.frame), 31000, dtype=np.int16)  # of the last call
        self.noise = ComfortNoise(3, np.random.default_rng(1))
        self.concealer = Concealer(self.ring, rate_hz, self.noise)
        self.concealer.open(slot)
        self.noise.open(slot)
        self.frames = 0
        self.heard: list[Pcm16] = []
        self.flags: list[int] = []

    def play(self, *blocks: str) -> None:
        blocks = blocks * (BLOCKS // len(blocks))
        there = np.array([[block == HERE for block in blocks]])
        silent = np.array([[block == PAUSE for block in blocks]])
        at = self.frames % RX_FRAMES * self.frame
        own = self.speech[self.frames * self.frame : (self.frames + 1) * self.frame]
        came = np.repeat(there[0], self.frame // BLOCKS)
        self.ring[self.slot, at : at + self.frame] = np.where(came, own, -31000)
        flags = self.concealer.fill(np.array([self.slot]), np.array([self.frames]), there, silent)
        self.heard.append(self.ring[self.slot, at : at + self.frame].copy())
        self.flags.append(int(flags[0]))
        self.frames += 1

    def samples(self, first: int, last: int) -> np.ndarray:
        return np.concatenate(self.heard[first:last]).astype(float)


def voice(rate_hz: int, frames: int = 300, pitch_hz: float = 125.0) -> Pcm16:
    t = np.arange(frames * rate_hz // 50) / rate_hz
    return np.rint(3000 * sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 8))).astype(np.int16)


@RATES
@pytest.mark.parametrize("pitch_hz", [80.0, 125.0, 190.0, 250.0])
def test_a_voice_goes_on_through_a_lost_packet(rate_hz: int, pitch_hz: float) -> None:
    line = Line(voice(rate_hz, pitch_hz=pitch_hz), rate_hz)
    for state in [HERE] * 5 + [LOST] + [HERE] * 3:
        line.play(state)
    heard, said = line.samples(5, 8), line.speech[5 * line.frame : 8 * line.frame].astype(float)
    error = heard - said
    assert np.mean(error**2) < 0.2 * np.mean(said**2), "against 0.33 for silence"
    steps = np.abs(np.diff(line.samples(4, 9))).max()
    assert steps < 1.5 * np.abs(np.diff(line.speech.astype(float))).max(), "no click at either end"
    assert np.array_equal(line.heard[7], line.speech[7 * line.frame : 8 * line.frame])
    assert line.flags[4:7] == [0, FrameFlags.CONCEALED, 0]


@RATES
def test_a_long_gap_fades_to_nothing_within_60_ms(rate_hz: int) -> None:
    line = Line(voice(rate_hz), rate_hz)
    for state in [HERE] * 3 + [LOST] * 5 + [HERE] * 2:
        line.play(state)
    levels = [np.std(line.samples(n, n + 1)) for n in range(2, 10)]
    assert levels[0] > levels[1] > levels[2] > levels[3]
    assert levels[1] > 0.7 * levels[0]
    assert not line.samples(6, 8).any()
    conceal, silence = FrameFlags.CONCEALED, FrameFlags.SILENCE
    assert line.flags[3:8] == [conceal, conceal, conceal, silence, silence]


def test_a_long_gap_fades_into_the_noise_of_the_line() -> None:
    speech = voice(8000)
    noisy = np.clip(speech + np.random.default_rng(1).normal(0, 40, len(speech)), -32768, 32767).astype(
        np.int16
    )
    line = Line(noisy, 8000)
    line.noise.listen(np.array([1]), np.random.default_rng(2).normal(0, 20, (1, 160)).astype(np.int16))
    for state in [HERE] * 3 + [LOST] * 10:
        line.play(state)
    assert np.std(line.samples(7, 13)) == pytest.approx(20, rel=0.2)


def test_silence_on_purpose_ends_what_was_spoken_and_leaves_the_next_word_whole() -> None:
    line = Line(voice(8000), 8000)
    for state in (HERE, PAUSE, LOST, HERE):
        line.play(state)
    assert not line.samples(1, 3).any()
    assert np.array_equal(line.heard[3], line.speech[480:640])
    assert line.flags == [0, FrameFlags.SILENCE, FrameFlags.SILENCE, 0]


def test_half_a_frame_is_kept() -> None:
    line = Line(voice(8000), 8000)
    line.play(HERE)
    line.play(*[HERE] * 4, *[LOST] * 4)
    assert np.array_equal(line.heard[1][:80], line.speech[160:240])
    assert line.flags[1] == FrameFlags.CONCEALED
    line.play(*[PAUSE] * 4, *[HERE] * 4)
    assert not line.heard[2][:80].any()
    assert np.array_equal(line.heard[2][80:], line.speech[400:480])
    assert line.flags[2] == 0


def test_nothing_of_the_last_call_on_the_row_is_heard() -> None:
    line = Line(voice(8000), 8000)
    line.play(LOST)
    assert not line.heard[0].any()
    assert line.flags == [FrameFlags.SILENCE]
    line.speech = np.zeros(16000, np.int16)
    line.play(HERE)
    line.play(LOST)
    assert not line.samples(0, 3).any()


def test_a_cut_is_joined() -> None:
    """The line goes on elsewhere: the fade leads over, and after it nothing is changed."""
    line = Line(voice(8000), 8000)
    for _ in range(4):
        line.play(HERE)
    line.speech = np.roll(line.speech, -31)  # half a period away
    line.concealer.tear(np.array([1]))
    line.play(HERE)
    assert line.flags[4] == 0
    heard = line.samples(3, 5)
    rough = np.concatenate([line.samples(3, 4), line.speech[640:800]])
    biggest = np.abs(np.diff(line.speech.astype(float))).max()
    assert np.abs(np.diff(heard)).max() < 1.3 * biggest
    assert np.array_equal(heard[160 + 40 :], rough[160 + 40 :])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.sampled_from([HERE, LOST, PAUSE]), min_size=8, max_size=8), max_size=140))
def test_any_pattern_leaves_the_good_blocks_and_hides_the_rest(pattern: list[list[str]]) -> None:
    """Nothing of what lay in the ring is heard; good audio after a gap is as it came; no other row moves."""
    line = Line(np.full(160 * 140, 100, np.int16), 8000)
    others = line.ring[[0, 2]].copy()
    for blocks in pattern:
        line.play(*blocks)
    heard = np.concatenate(line.heard) if pattern else np.zeros(0, np.int16)
    assert np.all((heard >= -1) & (heard <= 101))
    assert np.array_equal(line.ring[[0, 2]], others)
    for number, blocks in enumerate(pattern):
        if number and blocks == [HERE] * 8 == pattern[number - 1]:
            assert np.all(line.heard[number] == 100)
            assert line.flags[number] == 0
