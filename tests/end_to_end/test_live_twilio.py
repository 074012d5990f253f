"""A call that is answered by a bot made for Twilio: pipecat's parts, Asterisk and RTP are real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, dbfs
from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.recording import Recording
from ari_bridge.sandbox.scenario import Awaited, Pause, Press, Say, Scenario, Wait
from tests.providers.pipecat_process import ANSWER_HZ, GREETING_HZ, pipecat_bot

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]
WINDOW_MS = 50


def loudest_hz(pcm: Pcm16, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64) * np.hanning(len(pcm))))
    return float(np.argmax(spectrum)) * rate_hz / len(pcm)


def tones(recording: Recording) -> list[int]:
    """What the agent was heard to say, in turn: the tones, rounded, and 0 for silence."""
    size = recording.rate_hz * WINDOW_MS // 1000
    heard: list[int] = []
    for start in range(0, len(recording.agent) - size, size):
        window = recording.agent[start : start + size]
        hz = 0 if dbfs(window) < -45 else round(loudest_hz(window, recording.rate_hz), -2)
        if not heard or heard[-1] != hz:
            heard.append(int(hz))
    return heard


def test_a_bot_made_for_twilio_answers_a_call_of_asterisk(serving: Any, run: Run) -> None:
    scenario = Scenario(
        did="5000",
        codec="ulaw",
        steps=(
            Say("wait a moment please", interrupt_after_ms=1500),
            *(Wait(Awaited.AGENT_DONE), Pause(500)),
            *(Press("9"), Wait(Awaited.HANGUP)),
        ),
    )

    async def main() -> None:
        tables = {
            "agents": {"reception": {"speech": "bot"}},
            "providers": {"bot": {"use": "twilio-media-streams", "url": url}},
        }
        async with serving(**tables) as service:
            result = await place_call(service.lab, scenario)
            record = await service.record()
        assert result.problem == ""
        greeting, answer = round(GREETING_HZ, -2), round(ANSWER_HZ, -2)
        heard = [hz for hz in tones(result.recording) if hz in (0, greeting, answer)]
        assert greeting in heard
        assert answer in heard[heard.index(greeting) :], "it answered after it was interrupted"
        assert record["variables"]["ARIBRIDGESTATUS"] == "COMPLETED", "the bot ended the stream"
        assert [digit["digit"] for digit in record["digits"]] == ["9"]
        greeted = _length_s(result.recording, greeting)
        assert 1.0 < greeted < 4.0, "of six seconds of greeting, what was said before the caller spoke"
        assert record["media"]["underruns"] <= 1, "once, where all else on the machine held its voice up"

    def _length_s(recording: Recording, hz: int) -> float:
        size = recording.rate_hz * WINDOW_MS // 1000
        windows = [recording.agent[start : start + size] for start in range(0, len(recording.agent), size)]
        loud = [window for window in windows if len(window) == size and dbfs(window) > -45]
        return sum(round(loudest_hz(w, recording.rate_hz), -2) == hz for w in loud) * WINDOW_MS / 1000

    with pipecat_bot() as url:
        run(main())
