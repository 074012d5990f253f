from __future__ import annotations
import json
import asyncio, sys
from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.sandbox.caller import place_call
from tests.end_to_end.demo_call import DEMO, GREETING, judged
from tests.providers.fakes.openai_server import OpenAiServer
from tests.providers.pipecat_process import pipecat_bot

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

FILE = DEMO.model_copy(update={"did": "5097"})


def test_x(serving: Any, run: Run) -> None:
    async def main() -> None:
        async with OpenAiServer().serving() as server:
            bot = {
                "use": "twilio-media-streams",
                "url": url,
                "parameters": {"base_url": f"{server.base_url}/v1", "greeting": GREETING},
            }
            tables = {"agents": {"reception": {"speech": "bot"}}, "providers": {"bot": bot}}
            async with serving(**tables) as service:
                result = await place_call(service.lab, FILE.scenario())
                record = await service.record()
        from pathlib import Path
        result.recording.write_wav(Path("/tmp/trio6.wav"))
        problems = judged(FILE, service, result)
        print(json.dumps(record, indent=1))
        print(json.dumps(server.bodies, indent=1))
        for e in result.events: print(e.at_s - result.recording.start_monotonic_s, e)
        assert problems == []

    with pipecat_bot("tests.providers.pipecat_reception") as url:
        run(main())
