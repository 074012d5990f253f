"""A tool in the middle of a conversation: while it runs, the caller may go on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.scenario.virtual_time import run
from ari_bridge.tools.policy import Policy
from ari_bridge.tools.workshop import AgentTools
from tests.conversation.fakes import Answer, Says, Scene
from tests.tools.helpers import tool

BOOKED = "Booked for Friday."


class Slow:
    """Books, and takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun: list[float] = []
        self.ended = 0

    async def __call__(self, arguments: Mapping[str, Any], key: str) -> str:
        self.begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        self.ended += 1
        return BOOKED

    @property
    def tools(self) -> AgentTools:
        return AgentTools([tool(self, timeout_s=30)], Policy({}))


def _answer(history: Sequence[Message]) -> Answer:
    """A model that books whenever it is asked for a table, and tells what it knows otherwise."""
    last = history[-1]
    if last.role is Role.TOOL:
        return [f"Good: {last.text}"]
    if "table" in last.text:
        return ["One moment.", ToolCall(f"t{len(history)}", "book", {"people": 2})]
    return ["I am on it."]


def results(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages if message.role is Role.TOOL]


def test_a_result_that_comes_after_the_caller_moved_on_is_kept_and_not_blurted() -> None:
    slow = Slow(6.0)
    scene = run(
        Scene(
            [Says(2.0, "a table please"), Says(6.0, "how is the weather"), Says(14.0, "and now")],
            _answer,
            tools=slow.tools,
            hangs_up_at_s=19.0,
        ).play()
    )
    said = " ".join(scene.told(LiveKind.AGENT_SAYS))
    assert slow.ended == 1
    assert BOOKED not in said, "nobody asked"
    last = scene.llm.asked[-1]
    assert last[-1].text == "and now"
    assert results(last) == [BOOKED], "but the model knows it from now on"
    assert results(scene.llm.asked[-2]) == ["(still running)"]


def test_asked_again_while_it_runs_it_runs_once_and_both_get_the_result() -> None:
    slow = Slow(5.0)
    scene = run(
        Scene(
            [Says(2.0, "a table please"), Says(5.0, "did you hear a table")],
            _answer,
            tools=slow.tools,
            hangs_up_at_s=16.0,
        ).play()
    )
    assert len(slow.begun) == 1
    assert results(scene.llm.asked[-1]) == [BOOKED, BOOKED]
    assert f"Good: {BOOKED}" in scene.told(LiveKind.AGENT_SAYS)


def test_a_second_one_is_a_second_one_once_the_first_was_heard_of() -> None:
    slow = Slow(0.5)
    run(
        Scene(
            [Says(2.0, "a table please"), Says(9.0, "another table please")],
            _answer,
            tools=slow.tools,
            hangs_up_at_s=16.0,
        ).play()
    )
    assert len(slow.begun) == 2


def test_nothing_runs_while_the_turn_is_in_question() -> None:
    """The caller only took a breath: what the model wanted for the half sentence never happens."""
    slow = Slow(0.5)

    def answer(history: Sequence[Message]) -> Answer:
        people = 3 if "three" in history[-1].text else 2
        if history[-1].role is Role.TOOL:
            return ["Good."]
        return [1.0, ToolCall(f"t{people}", "book", {"people": people})]

    scene = run(
        Scene(
            [Says(2.0, "a table for two"), Says(4.0, "no three")],
            answer,
            tools=slow.tools,
            hangs_up_at_s=12.0,
        ).play()
    )
    assert len(slow.begun) == 1
    called = [call.arguments for message in scene.llm.asked[-1] for call in message.tool_calls]
    assert called == [{"people": 3}]
