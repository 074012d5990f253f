"""The caller's voice: it can be made, and resampling neither bends it nor folds it."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.core.audio import dbfs
from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.scenario import Voice
from ari_bridge.sandbox.voices import PEAK, resampled, speak


@pytest.mark.asterisk  # flite comes with the sandbox's packages
@pytest.mark.parametrize("voice", list(Voice))
def test_a_line_is_spoken_loud_enough_and_without_margins(voice: Voice) -> None:
    pcm = speak("good morning", voice, 8000, print)
    assert 0.4 < len(pcm) / 8000 < 2.0
    assert np.max(np.abs(pcm.astype(int))) == pytest.approx(PEAK * 32767, abs=2)
    assert np.any(np.abs(pcm[:80].astype(int)) > 100)


def test_a_voice_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ari_bridge.sandbox.voices.packages.find_tool", lambda _name, _tell: ["/bin/false"])
    with pytest.raises(SandboxError, match="voice flite failed"):
        speak("hello", Voice.FLITE, 8000, print)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22050, 8000), (16000, 8000), (8000, 16000), (22050, 16000)])
def test_a_tone_keeps_its_pitch_and_level(from_hz: int, to_hz: int) -> None:
    tone = (10000 * np.sin(2 * np.pi * 1000 / from_hz * np.arange(from_hz))).astype(np.int16)
    wanted = 10000 * np.sin(2 * np.pi * 1000 / to_hz * np.arange(to_hz))
    got = resampled(tone, from_hz, to_hz)
    middle = slice(to_hz // 4, 3 * to_hz // 4)
    error = (got[: len(wanted)].astype(float) - wanted)[middle]
    assert 20 * np.log10(np.std(error) / np.std(wanted[middle])) < -55


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    tone = (10000 * np.sin(2 * np.pi * 5000 / 16000 * np.arange(16000))).astype(np.int16)
    assert dbfs(resampled(tone, 16000, 8000)[1000:-1000]) < -70
