"""The demo's call with the three services of an OpenAI-compatible server: what is heard, answered and spoken
goes over HTTP, and everything else is real too: Asterisk, RTP, recognition and voice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.sandbox.caller import place_call
from tests.end_to_end.demo_call import DEMO, GREETING, judged
from tests.providers.fakes.openai_server import OpenAiServer

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]
METRICS = {"ttfb_stt", "ttft_llm", "ttfa_tts"}


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
            problems = judged(DEMO, service, result)
        print(json.dumps(record, indent=1))
        assert problems == []

    run(main())
