"""Synthetic voices whose every edge is known."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.sandbox.measure import Span, audible, barge_ins, responses, utterances

RATE_HZ = 8000
LENGTH_MS = 10_000
IDLE_LEVEL = 8
"""The least step of µ-law: what an idle line carries."""


def voice(*spans: tuple[int, int], level: int = 4000) -> Pcm16:
    """Noise in each (start_ms, end_ms), µ-law idle noise elsewhere."""
    random = np.random.default_rng(7)
    pcm = random.choice(np.array([-IDLE_LEVEL, 0, IDLE_LEVEL], np.int16), samples(LENGTH_MS, RATE_HZ))
    for start_ms, end_ms in spans:
        start, end = samples(start_ms, RATE_HZ), samples(end_ms, RATE_HZ)
        pcm[start:end] = random.choice(np.array([-level, level], np.int16), end - start)
    return pcm


def test_an_idle_line_is_not_audible() -> None:
    assert not audible(voice(), RATE_HZ).any()


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_voice_is_found_to_the_frame_at_any_rate(rate_hz: int) -> None:
    pcm = np.repeat(voice((1000, 1500)), rate_hz // 8000)
    assert utterances(audible(pcm, rate_hz)) == [Span(1000, 1500)]


def test_pauses_within_an_utterance_are_closed_and_clicks_left_out() -> None:
    frames = audible(voice((1000, 1500), (1800, 2000), (3000, 3010), (5000, 5200)), RATE_HZ)
    assert utterances(frames) == [Span(1000, 2000), Span(5000, 5200)]


def test_the_time_to_yield_is_from_the_first_voiced_frame_to_the_last_audible_one() -> None:
    (found,) = barge_ins(voice((3000, 4500)), voice((1000, 3180), (5200, 6000)), RATE_HZ)
    assert (found.caller_voice_ms, found.agent_silent_ms, found.yield_ms) == (3000, 3180, 180)


def test_a_breath_while_the_caller_speaks_is_no_yielding() -> None:
    """The agent pauses for 600 ms, then talks on over the caller."""
    (found,) = barge_ins(voice((3000, 5000)), voice((1000, 3100), (3700, 6000)), RATE_HZ)
    assert found.yield_ms == 3000


def test_an_agent_that_resumes_after_a_cough_has_not_yielded() -> None:
    (found,) = barge_ins(voice((3000, 3150)), voice((1000, 3100), (3400, 6000)), RATE_HZ)
    assert found.yield_ms == 3000


def test_the_next_answer_does_not_count_as_speech_of_the_interrupted_turn() -> None:
    """A short interruption, a quick answer."""
    (found,) = barge_ins(voice((3000, 3300)), voice((1000, 3120), (3900, 6000)), RATE_HZ)
    assert found.yield_ms == 120


def test_taking_turns_is_no_interruption() -> None:
    assert barge_ins(voice((3000, 4000)), voice((1000, 2500), (4600, 6000)), RATE_HZ) == []


def test_responses_are_from_last_to_first_sound() -> None:
    found = responses(voice((1000, 2000), (5000, 6000)), voice((2700, 4000), (6500, 7000)), RATE_HZ)
    assert [response.response_ms for response in found] == [700, 500]


def test_an_utterance_without_an_answer_has_no_response() -> None:
    found = responses(voice((1000, 2000), (3000, 4000)), voice((4800, 6000)), RATE_HZ)
    assert [(r.caller_silent_ms, r.response_ms) for r in found] == [(4000, 800)]
