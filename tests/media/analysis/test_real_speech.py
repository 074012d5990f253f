"""Spoken sentences through rings, analysis and detector: echo is not the caller, an interruption is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.vad import VoiceStarted
from ari_bridge.media.voice_activity import VoiceDetector
from ari_bridge.sandbox.audio_bench import Told, detect
from ari_bridge.sandbox.scenario import Voice
from ari_bridge.sandbox.voices import speak

RATE_HZ = 8000
DELAYS_MS = (20, 50, 85, 120, 155, 200, 250)

Wave = NDArray[np.float64]


@lru_cache
def line(text: str) -> Wave:
    return speak(text, Voice.ESPEAK, RATE_HZ).astype(np.float64)


def agent() -> Wave:
    pause = np.zeros(RATE_HZ // 3)
    lines = (
        "Hello and welcome to the northern water company. What can I do for you today?",
        "Your appointment is on Tuesday the fourteenth at half past nine in the morning.",
    )
    return np.concatenate([pause, *(part for text in lines for part in (line(text) * 0.6, pause))])


def echoes(level_db: float) -> list[Wave]:
    """What comes back of it, over each delay, with the noise of the line."""
    rng = np.random.default_rng(1)
    tail = np.concatenate([[1.0], rng.normal(0, 0.1, 300) * np.exp(-np.arange(300) / 60)])
    wave = np.convolve(agent(), tail)[: len(agent())] * 10 ** (level_db / 20)
    delays = [round(ms * RATE_HZ / 1000) for ms in DELAYS_MS]
    back = [np.concatenate([np.zeros(delay), wave[: len(wave) - delay]]) for delay in delays]
    return [one + rng.normal(0, 15, len(one)) for one in back]


def told(received: list[Wave]) -> list[list[Told]]:
    ulaw = find_codec("ulaw")
    sent: Pcm16 = agent().astype(np.int16)
    over = [ulaw.decode(ulaw.encode(np.clip(one, -32768, 32767).astype(np.int16))) for one in received]
    return detect([sent] * len(over), over, RATE_HZ, {}, VoiceDetector)


def starts_s(one: list[Told]) -> list[float]:
    return [at.at_s for at in one if isinstance(at.event, VoiceStarted)]


@pytest.mark.parametrize("level_db", [-20.0, -12.0])
def test_the_agents_own_voice_does_not_interrupt_it(level_db: float) -> None:
    assert [starts_s(one) for one in told(echoes(level_db))] == [[]] * len(DELAYS_MS)


@pytest.mark.parametrize("level_db", [-20.0, -12.0])
def test_a_caller_who_interrupts_over_the_echo_is_noticed_within_200_ms(level_db: float) -> None:
    caller = line("No wait, that is not what I asked for.") * 0.6
    calls = echoes(level_db)
    begin_s = [1.5 + 0.8 * number for number in range(len(calls))]
    for call, at_s in zip(calls, begin_s, strict=True):
        call[round(at_s * RATE_HZ) :][: len(caller)] += caller
    for one, at_s in zip(told(calls), begin_s, strict=True):
        assert 0 < starts_s(one)[0] - at_s <= 0.2
