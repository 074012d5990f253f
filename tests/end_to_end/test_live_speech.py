"""Calls whose agent is one engine that hears and speaks: Asterisk and RTP real, the model scripted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs import ulaw
from ari_bridge.providers.tts.espeak import synthesize
from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.recording import Recording
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Say, Scenario, Wait
from tests.providers.fakes.openai_realtime import OpenAiConnection, OpenAiRealtimeServer
from tests.providers.fakes.speech_server import Brain, Call

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

GREETING = "Hello, how can I help you?"
STORY = "We were founded in nineteen eighty four. " + "We have grown ever since, and we are proud of it. " * 4
ANSWERS: dict[str, Sequence[str | Call]] = {
    "what are your opening hours": ["From nine to five."],
    "tell me about the company": [STORY],
    "wait a moment": ["Of course."],
    "i would like to talk to a person": ["I am connecting you.", Call("transfer", {"destination": "human"})],
}
SAID = list(ANSWERS)
ROUND_MS = 10


@lru_cache
def voice(text: str, rate_hz: int) -> Pcm16:
    """Speech over a soft noise, by which each moment of it can be told in a recording."""
    speech = synthesize(text, rate_hz).astype(np.float64)
    noise = np.random.default_rng(len(text)).normal(0, 300, len(speech))
    return np.clip(speech * 0.8 + noise, -32768, 32767).astype(np.int16)


def heard_ms(recording: Recording, spoken: Pcm16) -> float:
    """How much of `spoken` there is in the agent's side, from its begin without a gap."""
    spoken = ulaw.CODEC.decode(ulaw.CODEC.encode(spoken)).astype(np.float64)
    agent = recording.agent.astype(np.float64)
    start = _where(agent, spoken[: recording.rate_hz])
    block = recording.rate_hz * ROUND_MS // 1000
    for number in range(len(spoken) // block):
        said = spoken[number * block : (number + 1) * block]
        came = agent[start + number * block :][: len(said)]
        if len(came) < len(said) or np.linalg.norm(came - said) > 0.5 * np.linalg.norm(said):
            return float(number * ROUND_MS)
    return len(spoken) * 1000 / recording.rate_hz


def _where(agent: np.ndarray[Any, Any], head: np.ndarray[Any, Any]) -> int:
    size = len(agent) + len(head)
    spectrum = np.fft.rfft(agent, size) * np.conj(np.fft.rfft(head, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: len(agent)]))


def test_the_demos_call_with_one_engine_that_hears_and_speaks(serving: Any, run: Run) -> None:
    scenario = Scenario(
        did="5000",
        codec="ulaw",
        steps=(
            *(Wait(Awaited.AGENT_DONE), Pause(400), Say("what are your opening hours")),
            *(Wait(Awaited.AGENT_DONE), Pause(400), Say("tell me about the company")),
            *(Say("wait a moment", interrupt_after_ms=3000), Wait(Awaited.AGENT_DONE), Pause(400)),
            *(Say("i would like to talk to a person"), Wait(Awaited.HUMAN_ANSWERS), Hangup()),
        ),
    )
    for text in (
        GREETING,
        *(part for answer in ANSWERS.values() for part in answer if isinstance(part, str)),
    ):
        voice(text, 8000)

    async def main() -> None:
        brain = Brain(answer=lambda said: ANSWERS[said], texts=SAID, voice=voice)
        async with OpenAiRealtimeServer(brain).running() as server:
            tables = {
                "agents": {"reception": {"greeting": GREETING, "prompt": "Be kind.", "speech": "voice"}},
                "providers": {"voice": {"use": "openai-realtime", "base_url": f"{server.base_url}/v1"}},
            }
            async with serving(**tables) as service:
                result = await place_call(service.lab, scenario)
                record = await service.record()
            engine = server.last
        assert isinstance(engine, OpenAiConnection)
        assert result.problem == ""
        assert record["variables"]["ARIBRIDGESTATUS"] == "TRANSFER"
        turns = [(turn["who"], turn["text"]) for turn in record["turns"]]
        assert turns == [
            ("agent", GREETING),
            ("caller", "what are your opening hours"),
            ("agent", "From nine to five."),
            ("caller", "tell me about the company"),
            ("agent", engine.made[engine.truncated[0][0]].transcript),
            ("caller", "wait a moment"),
            ("agent", "Of course."),
            ("caller", "i would like to talk to a person"),
            ("agent", "I am connecting you."),
        ]
        assert [len(engine.truncated), len(server.connections)] == [1, 1]
        (_, told_ms) = engine.truncated[0]
        really_ms = heard_ms(result.recording, voice(STORY, 8000))
        assert abs(told_ms - really_ms) <= 20, "the engine knows what was heard"
        story = record["turns"][4]
        assert story["interrupted"]
        assert story["text"].startswith(story["heard"])
        share = len(story["heard"]) / len(STORY)
        assert share == pytest.approx(told_ms / (len(voice(STORY, 8000)) / 8), abs=0.1)
        for turn in record["turns"][2::2]:
            if turn["who"] == "agent":
                assert {"end_of_turn", "first_token", "first_audio", "first_packet"} <= turn[
                    "latency_ms"
                ].keys()
        assert record["media"]["underruns"] <= 1, "once, where all else on the machine held its voice up"

    run(main())
