"""The line, with somebody on it who is no cascade: what any kind of conversation gets from it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import numpy as np
import pytest

from ari_bridge.actions.base import ActionContext
from ari_bridge.conversation.line import Brief, Line
from ari_bridge.core.errors import PortClosed
from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue.log import Turn, Who
from ari_bridge.dialogue.signals import Engine, Leave
from ari_bridge.pbx.call import CallerBack, CallerGone, CallerHeld, CallInfo, Outcome, PbxEvent, Status
from ari_bridge.providers.base import Speech
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings
from tests.conversation.fakes import LOOK_UP, TRANSFER, FakeCall, FakePort, digit, now_s


class Parrot:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.finished: Sequence[Turn] = []
        self.told: list[str] = []

    def key_pressed(self, digit: str, at_s: float) -> None:
        self.told.append(f"key {digit}")

    def tool_returned(self, call: ToolCall, result: str, *, decides_outcome: bool) -> None:
        self.told.append(f"{call.name}: {result}{', the end' if decides_outcome else ''}")

    def stand_aside(self, aside: bool) -> None:
        self.told.append("aside" if aside else "back")

    def divert_keys(self, diverted: bool) -> None:
        self.told.append("keys diverted" if diverted else "keys free")

    def set_pace(self, pace: float) -> None:
        self.told.append(f"pace {pace}")

    def switch_language(self, language: str) -> None:
        self.told.append(language)

    def end(self) -> None:
        self.finished = [Turn(Who.AGENT, "Good day.", now_s(), now_s() + 1, heard="Good")]

    async def words_heard(self) -> None:
        return

    async def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        yield Speech(np.ones(160, np.int16))


class Stage:
    """A line of ten seconds; `work` is the conversation."""

    def __init__(self, *events: tuple[float, PbxEvent], hangs_up_at_s: float = 10.0) -> None:
        self.port = FakePort()
        gone = CallerGone(self.port.start_s + hangs_up_at_s)
        call = FakeCall(self.port, [*events, (hangs_up_at_s, gone)], CallInfo("c1", "ch1", "a", "1", "2", ""))
        self.dialogue = Parrot()
        agent = AgentSettings(actions=("transfer", "look_up"), gain_db=3.0)
        brief = Brief(
            call, agent, [TRANSFER, LOOK_UP], ActionContext({}), lambda event: None, now_s(), clock=now_s
        )
        self.line = Line(brief, self.dialogue)

    async def play(self, *work: Any) -> Outcome:
        return await self.line.run(*work)


def test_keys_go_to_the_dialogue_and_hold_puts_it_aside() -> None:
    async def main() -> Stage:
        stage = Stage(
            digit(1, "5"), (2.0, CallerHeld(2.0)), digit(3, "6"), (4.0, CallerBack(4.0)), digit(5, "7")
        )
        assert (await stage.play()) == Outcome(Status.HANGUP, "CALLER")
        return stage

    stage = run(main())
    assert stage.dialogue.told == ["key 5", "aside", "back", "key 7"]
    assert [key.digit for key in stage.line.digits] == ["5", "6", "7"]  # the record has all


def test_tools_are_run_and_an_outcome_is_left_to_the_dialogue() -> None:
    async def main() -> Stage:
        stage = Stage()

        async def talk() -> None:
            stage.line.run_tool(ToolCall("t1", "look_up", {"order": "7"}))
            stage.line.run_tool(ToolCall("t2", "transfer", {}))
            await asyncio.sleep(1)
            stage.line.leave(Leave())

        outcome = await stage.play(talk)
        assert (outcome.status, outcome.context) == (Status.TRANSFER, "humans")
        return stage

    assert run(main()).dialogue.told == ["look_up: order 7 is on its way", "transfer: transferring, the end"]


@pytest.mark.parametrize(
    ("leave", "outcome"),
    [
        (Leave(), Outcome(Status.COMPLETED)),
        (Leave(failed=Engine.LLM), Outcome(Status.FAILED, "PROVIDER_LLM")),
        (Leave(time_up=True), Outcome(Status.TIMEOUT, "MAX_DURATION")),
        (Leave(nobody_there=True), Outcome(Status.TIMEOUT, "NO_INPUT")),
    ],
)
def test_how_the_dialogue_leaves_is_the_outcome(leave: Leave, outcome: Outcome) -> None:
    async def main() -> Outcome:
        stage = Stage()

        async def talk() -> None:
            stage.line.leave(leave)

        return await stage.play(talk)

    assert run(main()) == outcome


def test_turns_that_the_end_finished_are_in_the_minutes() -> None:
    async def main() -> Stage:
        stage = Stage(hangs_up_at_s=1.0)
        await stage.play()
        return stage

    (turn,) = run(main()).line.turns
    assert (turn.who, turn.text, turn.heard) == ("agent", "Good day.", "Good")


def test_audio_that_ends_is_an_outcome_and_a_bug_is_not() -> None:
    async def fails(error: Exception) -> Outcome:
        stage = Stage()

        async def talk() -> None:
            await asyncio.sleep(1)
            raise error

        return await stage.play(talk)

    assert run(fails(PortClosed("gone"))) == Outcome(Status.FAILED, "MEDIA_FAILED")
    with pytest.raises(ExceptionGroup):
        run(fails(ZeroDivisionError()))


def test_people_act_until_the_end() -> None:
    async def main() -> tuple[str, str]:
        stage = Stage(hangs_up_at_s=2.0)
        said: list[str] = []

        async def somebody() -> None:
            said.append(await stage.line.act("look_up", {"order": "9"}))

        await stage.play(somebody)
        return said[0], await stage.line.act("look_up", {"order": "9"})

    assert run(main()) == ("order 9 is on its way", "The call has ended.")


def test_it_stands_without_the_pipeline_of_three_engines() -> None:
    """Importing it brings in no other part of conversation/."""
    code = (
        "import sys, ari_bridge.conversation.line\n"
        "print([m for m in sys.modules if m.startswith('ari_bridge.conversation.cascade')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
