"""A caller's voice through a telephone line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.providers.tts.espeak import synthesize

Speaker = Callable[[str], Pcm16]


def through_ulaw(pcm: Pcm16) -> Pcm16:
    """G.711 µ-law's loss: a sign and 8 segments of 16 steps (ITU-T G.711, by its formula)."""
    x = np.clip(np.abs(pcm.astype(np.int32)) + 33, 33, 8191 * 4)
    step = 2.0 ** (np.floor(np.log2(x)) - 4)
    level = (np.floor(x / step) + 0.5) * step - 33
    return (np.sign(pcm) * np.maximum(level, 0)).clip(-32768, 32767).astype(np.int16)


@pytest.fixture(scope="session")
def caller() -> Speaker:
    """Text -> 8 kHz telephone speech between pauses."""

    def speak(text: str) -> Pcm16:
        pauses = (np.zeros(samples(200, 8000), np.int16), np.zeros(samples(500, 8000), np.int16))
        return through_ulaw(np.concatenate((pauses[0], synthesize(text, 8000, rate_wpm=150), pauses[1])))

    return speak
