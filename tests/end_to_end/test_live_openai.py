"""The demo's call with the three services of an OpenAI-compatible server: what is heard, answered and spoken
goes over HTTP, and all the rest is real too: Asterisk, RTP, recognition and voice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ari_bridge.cli.latency import picture_of
from ari_bridge.sandbox.caller import place_call
from tests.end_to_end.demo_call import DEMO, GREETING, judged
from tests.providers.fakes.openai_server import OpenAiServer

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]
STAMPS = ["transcript", "first_sentence", "first_audio", "first_packet"]
"""In this order; a first token may come before the end of the turn, when the model is asked early."""


def bars(record: Path) -> int:
    """Of the waterfall that is drawn of it."""
    shapes = ElementTree.fromstring(picture_of(record)).iter("{http://www.w3.org/2000/svg}rect")
    return sum(shape.find("{http://www.w3.org/2000/svg}title") is not None for shape in shapes)


def test_the_demos_call_with_three_services_of_an_openai_compatible_server(serving: Any, run: Run) -> None:
    async def main() -> None:
        async with OpenAiServer().serving() as server:
            base_url = f"{server.base_url}/v1"
            agent = {"stt": "whisper-http", "llm": "openai-chat", "tts": "openai-tts", "greeting": GREETING}
            tables = {
                "agents": {"reception": agent},
                "providers": {
                    "whisper-http": {"base_url": base_url},
                    "openai-chat": {"base_url": base_url, "model": "gpt-5.2"},
                    "openai-tts": {"base_url": base_url},
                },
            }
            async with serving(**tables) as service:
                result = await place_call(service.lab, DEMO.scenario())
                record = await service.record()
        assert judged(DEMO, service, result) == []

        (path,) = service.records.glob("*.json")
        answers = [turn for turn in record["turns"] if turn["who"] == "agent"][1:]
        assert len(answers) == 5
        for turn in answers:
            times_ms = [turn["latency_ms"][stamp] for stamp in STAMPS]
            assert times_ms == sorted(times_ms), turn["text"]
            assert {"end_of_turn", "model_asked", "first_token"} <= turn["latency_ms"].keys()
        assert bars(path) >= 5 * 3

        used = {entry["service"]: entry for entry in record["usage"]}
        model, voice, ear = (
            "127.0.0.1 gpt-5.2",
            "openai-tts gpt-4o-mini-tts",
            "whisper-http gpt-4o-mini-transcribe",
        )
        assert sorted(used) == sorted((model, voice, ear))
        assert used[model]["requests"] == len(server.bodies) >= 5
        assert used[model]["input_tokens"] > used[model]["cached_tokens"] > 0
        assert used[voice]["requests"] == len(server.engines.spoken)
        assert used[voice]["characters"] == sum(map(len, server.engines.spoken))
        assert used[ear]["requests"] == len(server.engines.understood) == 4
        assert 3 < used[ear]["audio_s"] < 20
        assert record["media"]["underruns"] <= 1, "once, where all else on the machine held its voice up"

    run(main())
