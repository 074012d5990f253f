"""What a model asks for before the turn is surely over: looked up early, done never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.providers.base import (
    Heard,
    SpeechContext,
    SttInput,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, TurnSettings
from ari_bridge.tool_settings import PolicySettings
from ari_bridge.tools.policy import Policy
from ari_bridge.tools.workshop import AgentTools
from tests.conversation.fakes import Answer, Says, Scene, now_s
from tests.tools.helpers import tool

TAKES_S = 0.5
TURNS = TurnSettings(end_of_turn_ms=1500)


class Shop:
    """A tool, with the times at which it was begun, ended and broken off."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.ended = 0
        self.cancelled = 0

    async def __call__(self, arguments: Mapping[str, Any], key: str) -> str:
        self.begun.append(now_s())
        try:
            await asyncio.sleep(TAKES_S)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1
        return "three left"


class KnowingStt:
    """Has understood each of the timeline's texts half a second after its beginning, partly until it ends."""

    running = 0

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncIterator[Transcript]:
        number, began_s, told = 0, 0.0, ""
        async for item in audio:
            match item:
                case UtteranceStart(number):
                    began_s, told = now_s() - self._scene.port.start_s - 1.0, ""
                case Heard():
                    text = self._text(began_s)
                    if text != told:
                        told = text
                        yield Transcript(number, text, final=False)
                case UtteranceEnd(ended):
                    yield Transcript(ended, self._text(began_s), final=True)

    def _text(self, began_s: float) -> str:
        now = now_s() - self._scene.port.start_s
        return " ".join(
            says.text for says in self._scene.timeline if began_s <= says.at_s and says.at_s + 0.5 <= now
        )

    async def close(self) -> None: ...


def _answer(history: Sequence[Message]) -> Answer:
    last = history[-1]
    if last.role is Role.TOOL:
        return [f"There are {last.text}."]
    return [ToolCall(f"t{len(history)}", "stock", {"people": len(last.text.split())})]


def asked_for(shop: Shop, *timeline: Says, effects: bool = False, **rules: Any) -> Scene:
    def prepare(scene: Scene) -> None:
        scene.stt = KnowingStt(scene)  # type: ignore[assignment]

    tools = AgentTools(
        [tool(shop, "stock", effects=effects, timeout_s=30)], Policy({"stock": PolicySettings(**rules)})
    )
    scene = Scene(
        timeline or [Says(2.0, "any chairs left")],
        _answer,
        agent=AgentSettings(greeting="", turns=TURNS),
        tools=tools,
        prepare=prepare,
    )
    return run(scene.play())


def begins_ms(scene: Scene) -> float:
    (turn,) = [turn for turn in scene.conversation.line.turns if turn.who == "agent"]
    return turn.start_ms


def test_a_look_up_is_made_early_once_and_its_result_is_used() -> None:
    shop, counted = Shop(), Shop()
    scene = asked_for(shop)
    assert len(shop.begun) == 1
    assert scene.turns[-1] == ("agent", "There are three left.")
    later = asked_for(counted, max_per_call=9)  # what is counted is not run on suspicion
    waited_s = counted.begun[0] - shop.begun[0]
    assert waited_s > 0.1
    assert begins_ms(later) - begins_ms(scene) == pytest.approx(min(waited_s, TAKES_S) * 1000, abs=60)


def test_what_has_effects_is_never_run_early() -> None:
    careful, eager = Shop(), Shop()
    scene = asked_for(careful, effects=True)
    asked_for(eager)
    assert len(careful.begun) == 1
    assert careful.begun[0] - eager.begun[0] > 0.1
    assert scene.turns[-1] == ("agent", "There are three left.")


@pytest.mark.parametrize("goes_on_at_s", [4.0, 4.3])
def test_a_caller_who_goes_on_makes_it_vain(goes_on_at_s: float) -> None:
    shop = Shop()
    scene = asked_for(shop, Says(2.0, "any chairs left"), Says(goes_on_at_s, "or tables"))
    told = [message.text for history in scene.llm.asked for message in history if message.role is Role.TOOL]
    assert told == ["three left"]  # of the whole question, and nothing of the half one
    asked = [
        call.arguments["people"] for history in scene.llm.asked for m in history for call in m.tool_calls
    ]
    assert asked == [5]
    assert shop.ended + shop.cancelled == len(shop.begun)
    assert scene.turns[-1] == ("agent", "There are three left.")
