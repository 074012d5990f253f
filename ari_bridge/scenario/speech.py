"""What the caller's lines sound like; each is made once a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError, SandboxError
from ari_bridge.providers.tts.espeak import synthesize
from ari_bridge.sandbox import voices
from ari_bridge.sandbox.scenario import Scenario, Voice

RATE_WPM = 150


def speech_for(scenario: Scenario, rate_hz: int) -> Mapping[str, Pcm16]:
    """By text, shape (samples,) at `rate_hz`. Raises SandboxError."""
    return {text: _spoken(text, scenario.voice, rate_hz) for text in scenario.lines}


@lru_cache(maxsize=256)
def _spoken(text: str, voice: Voice, rate_hz: int) -> Pcm16:
    if voice is not Voice.ESPEAK:
        return voices.speak(text, voice, rate_hz)
    try:
        pcm = voices.trimmed(synthesize(text, rate_hz, rate_wpm=RATE_WPM))
    except ProviderError as error:
        raise SandboxError(f"the caller's voice: {error}") from None
    loudest = int(np.max(np.abs(pcm.astype(np.int32)), initial=1))
    louder: Pcm16 = (pcm * (voices.PEAK * 32767 / loudest)).astype(np.int16)
    return louder
