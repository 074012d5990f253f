"""A call whose recogniser and voice are behind Wyoming's own server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Say, Scenario, Wait
from tests.providers.fakes.offline_engines import OfflineEngines
from tests.providers.fakes.wyoming_server import wyoming_server

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]
GREETING, QUESTION = "Hello, this is the reception.", "what are your opening hours"


def test_a_question_is_understood_and_answered_through_wyoming(serving: Any, run: Run) -> None:
    scenario = Scenario(
        did="5000",
        codec="ulaw",
        steps=(Wait(Awaited.AGENT_DONE), Pause(400), Say(QUESTION), Wait(Awaited.AGENT_DONE), Hangup()),
    )

    async def main() -> None:
        engines = OfflineEngines()
        async with wyoming_server(engines) as uri:
            agent = {"stt": "wyoming-stt", "llm": "script", "tts": "wyoming-tts", "greeting": GREETING}
            providers = {"wyoming-stt": {"uri": uri}, "wyoming-tts": {"uri": uri}}
            async with serving(agents={"reception": agent}, providers=providers) as service:
                result = await place_call(service.lab, scenario)
                record = await service.record()
        assert result.problem == ""
        greeting, question, answer = record["turns"]
        assert (greeting["heard"], question["text"]) == (GREETING, QUESTION)
        assert "nine in the morning" in answer["heard"]
        assert engines.understood == [QUESTION]
        assert engines.spoken[0] == GREETING
        assert {"wyoming"} <= {entry["service"].split()[0] for entry in record["usage"]}
        assert record["media"]["underruns"] <= 1, "once, where all else on the machine held its voice up"

    run(main())
