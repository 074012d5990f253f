"""When the caller thinks that the agent speaks, with the clock turned by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.audio import Pcm16
from ari_bridge.sandbox.ear import HUMAN_TONE_HZ, Ear, Noticed, Sound, is_tone

RATE = 8000
QUIET = np.zeros(160, np.int16)
VOICE = np.random.default_rng(1).normal(0, 3000, 160).astype(np.int16)


def tone(hz: float, rate_hz: int = RATE, samples: int = 160) -> Pcm16:
    return (8000 * np.sin(2 * np.pi * hz / rate_hz * np.arange(samples))).astype(np.int16)


def play(ear: Ear, frames: list[Pcm16], at_s: float = 0.0) -> list[Noticed]:
    return [item for k, frame in enumerate(frames) for item in ear.hear(frame, at_s + 0.02 * k)]


def test_a_turn_has_a_first_and_a_last_frame() -> None:
    ear = Ear(RATE)
    noticed = play(ear, [QUIET] * 5 + [VOICE] * 10 + [QUIET] * 60)
    assert [item.sound for item in noticed] == [Sound.AGENT_STARTED, Sound.AGENT_STOPPED]
    assert np.allclose([item.at_s for item in noticed], [0.10, 0.30])


def test_a_click_is_no_turn() -> None:
    assert play(Ear(RATE), [VOICE, VOICE, QUIET] * 10) == []


def test_a_pause_between_sentences_does_not_end_a_turn() -> None:
    ear = Ear(RATE)
    assert len(play(ear, [VOICE] * 10 + [QUIET] * 40 + [VOICE] * 10)) == 1
    assert (ear.turns_started, ear.agent_speaks) == (1, True)
    assert ear.audible(1.3)
    assert not ear.audible(1.8)


def test_a_turn_ends_without_packets_too() -> None:
    ear = Ear(RATE)
    play(ear, [VOICE] * 5)
    assert ear.tick(0.5) == []
    assert [item.sound for item in ear.tick(1.2)] == [Sound.AGENT_STOPPED]
    assert ear.tick(9.9) == []


def test_after_the_caller_spoke_a_short_gap_begins_a_new_turn() -> None:
    ear = Ear(RATE)
    play(ear, [VOICE] * 10 + [QUIET] * 20)
    assert [item.sound for item in ear.caller_spoke(0.6)] == [Sound.AGENT_STOPPED]
    play(ear, [VOICE] * 5, at_s=0.7)
    assert ear.turns_started == 2


def test_an_agent_that_talks_on_is_still_in_its_turn() -> None:
    ear = Ear(RATE)
    play(ear, [VOICE] * 10)
    assert ear.caller_spoke(0.21) == []
    assert ear.agent_speaks


def test_the_second_person_is_known_by_the_tone() -> None:
    ear = Ear(RATE)
    noticed = play(ear, [VOICE] * 5 + [tone(HUMAN_TONE_HZ)] * 30)
    assert [item.sound for item in noticed] == [
        Sound.AGENT_STARTED,
        Sound.AGENT_STOPPED,
        Sound.HUMAN_ANSWERED,
    ]
    assert abs(noticed[-1].at_s - 0.10) < 1e-6


@given(st.sampled_from([8000, 16000]), st.floats(300, 3300))
def test_only_the_one_tone_is_the_tone(rate_hz: int, hz: float) -> None:
    frame = tone(hz, rate_hz, rate_hz // 50)
    if abs(hz - HUMAN_TONE_HZ) < 5:
        assert is_tone(frame, HUMAN_TONE_HZ, rate_hz)
    if abs(hz - HUMAN_TONE_HZ) > 50:
        assert not is_tone(frame, HUMAN_TONE_HZ, rate_hz)
    assert not is_tone(VOICE, HUMAN_TONE_HZ, RATE)
