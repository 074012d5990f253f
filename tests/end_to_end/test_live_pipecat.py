"""The demo's call, answered by a bot made for Twilio of pipecat's own parts: its voice activity, turns and
services, behind the stream that we are Twilio of. Nothing is made up but the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.pbx.call import Status
from ari_bridge.sandbox.caller import place_call
from ari_bridge.scenario.format import Expectations
from tests.end_to_end.demo_call import DEMO, GREETING, judged
from tests.providers.fakes.openai_server import OpenAiServer
from tests.providers.pipecat_process import pipecat_bot

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]
_WORDS = {"agent_says", "agent_turns"}
"""Twilio's protocol carries none: what was said is looked for in the bot's own requests."""
_OTHERWISE = {"status": Status.COMPLETED, "yields_within_ms": 1000}
"""The bot and its services are two more processes on this machine: how quick it is tells nothing."""
_EXPECT = Expectations(**{**DEMO.expect.model_dump(exclude_unset=True, exclude=_WORDS), **_OTHERWISE})
CALL = DEMO.model_copy(update={"did": "5097", "expect": _EXPECT})
"""A number whose dialplan goes on to a person, as what follows <Connect> does."""


def test_the_demos_call_with_a_pipecat_bot_behind_twilios_protocol(serving: Any, run: Run) -> None:
    async def main() -> None:
        async with OpenAiServer().serving() as server:
            bot = {
                "use": "twilio-media-streams",
                "url": url,
                "parameters": {"base_url": f"{server.base_url}/v1", "greeting": GREETING},
            }
            async with serving(agents={"reception": {"speech": "bot"}}, providers={"bot": bot}) as service:
                result = await place_call(service.lab, CALL.scenario())
                record = await service.record()
        assert judged(CALL, service, result) == []
        _, *messages = server.bodies[-1]["messages"]
        asked = [message["content"] for message in messages if message["role"] == "user"]
        said = [message["content"] for message in messages if message["role"] == "assistant"]
        assert asked == [
            "what are your opening hours",
            "tell me about the company",
            "wait a moment",
            "[digit 1]",
            "i would like to talk to a person",
        ]
        assert said[0] == GREETING
        assert "founded in nineteen eighty four" in said[2]
        assert "now and then" not in said[2], "the bot knows that it was interrupted"
        assert server.engines.spoken[-1].endswith("connecting you to a colleague.")
        assert [turn["interrupted"] for turn in record["turns"] if turn["who"] == "agent"].count(True) == 1

    with pipecat_bot("tests.providers.pipecat_reception") as url:
        run(main())
