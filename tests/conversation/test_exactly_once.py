"""No sequence of crashes, repetitions and interruptions makes an effect happen twice, on a real store."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.actions.base import ActionContext
from ari_bridge.conversation.line.toolbox import Toolbox
from ari_bridge.core.messages import UNKNOWN_RESULT, Message, Role, ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store.call_journal import CallJournal
from ari_bridge.store.database import CallStore
from ari_bridge.tools.workshop import AgentTools
from tests.actions.desk import desk
from tests.tools.helpers import tool

NUMBERS = itertools.count(1)
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Crash(Enum):
    """Where the process dies in a call of the tool."""

    BEFORE_ROW = "before the ledger's entry"
    BEFORE_EFFECT = "between entry and effect"
    AFTER_EFFECT = "between effect and result"


class Step(Enum):
    CALL = "the model calls the tool"
    CALL_TWICE = "twice at once"
    HEARD = "the answer is heard, and the caller asks for one more"
    INTERRUPTED = "the caller interrupts the answer"
    RESTART = "the process dies between calls"


STEPS = st.lists(st.sampled_from(Step) | st.sampled_from(Crash), min_size=1, max_size=12)


class World:
    """A booking system, a call, and the processes that serve it one after the other."""

    def __init__(self, store: CallStore, *, idempotent: bool = False) -> None:
        self.store = store
        self.info = CallInfo(f"call-{next(NUMBERS)}", "170.1", "sales", "5000", "555", "Ada")
        self.idempotent = idempotent
        self.request = 0
        """How many bookings the caller has asked for, having heard of those before."""
        self.effects: dict[int, int] = {}
        """Bookings made, by request."""
        self.told: list[str] = []
        self.keys: list[str] = []
        self.history = [Message(Role.AGENT, "Hello."), Message(Role.CALLER, "a table for two")]
        self._since = 0
        """Where in the history the request begins."""
        self._ids = (f"t{number}" for number in itertools.count())
        self._crash: Crash | None = None
        self._stuck = asyncio.Event()

    async def book(self, arguments: Mapping[str, Any], key: str) -> str:
        await self._dies_at(Crash.BEFORE_EFFECT)
        self.effects[self.request] = self.effects.get(self.request, 0) + 1
        self.keys.append(key)
        await self._dies_at(Crash.AFTER_EFFECT)
        return f"Booked as {sum(self.effects.values())}."

    async def _dies_at(self, place: Crash) -> None:
        if self._crash is place:
            self._stuck.set()
            await asyncio.Event().wait()

    async def start(self) -> None:
        """A process takes the call up."""
        past = await self.store.past(self.info.call_id)
        journal = self.store.begin(self.info, BEGAN)
        world = self

        class Dying(CallJournal):
            async def tool_called(
                self, call: ToolCall, after_turn: int, *, most_today: int | None = None
            ) -> int | None:
                await world._dies_at(Crash.BEFORE_ROW)
                return await journal.tool_called(call, after_turn, most_today=most_today)

            def __init__(self) -> None:
                self.tool_answered = journal.tool_answered  # type: ignore[method-assign]
                self.tools_settled = journal.tools_settled  # type: ignore[method-assign]

        self.toolbox = Toolbox(
            [],
            desk(ActionContext({})),
            agent_may=(),
            tools=AgentTools([tool(self.book, idempotent=self.idempotent)]),
            call_id=self.info.call_id,
            journal=Dying(),
            past=() if past is None else past.tools,
        )

    def ask(self) -> None:
        self.toolbox.asked(self.history)

    async def call(self, times: int = 1) -> None:
        calls = [ToolCall(next(self._ids), "book", {"people": 2}) for _ in range(times)]
        self.history += [Message(Role.AGENT, "", tool_calls=tuple(calls))]
        results = await asyncio.gather(*(self.toolbox.run_for_agent(call) for call in calls))
        self.told += [result.result for result in results]
        self.history += [
            Message(Role.TOOL, result.result, tool_call_id=call.call_id)
            for call, result in zip(calls, results, strict=True)
        ]
        self.ask()

    async def die(self, crash: Crash) -> None:
        self._crash = crash
        self._stuck.clear()
        call = ToolCall(next(self._ids), "book", {"people": 2})
        self.history.append(Message(Role.AGENT, "", tool_calls=(call,)))
        running = asyncio.create_task(self.toolbox.run_for_agent(call))
        stuck = asyncio.create_task(self._stuck.wait())
        await asyncio.wait({running, stuck}, return_when=asyncio.FIRST_COMPLETED)
        text = running.result().result if running.done() else UNKNOWN_RESULT
        for task in (running, stuck):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._crash = None
        self.history.append(Message(Role.TOOL, text, tool_call_id=call.call_id))
        await self.resume()

    async def resume(self) -> None:
        self.history += [Message(Role.AGENT, "I lost you."), Message(Role.CALLER, "well, book it")]
        await self.start()
        self.ask()

    def heard(self) -> None:
        """The caller hears of it and asks for another; if nothing was tried they still wait for the first."""
        knows = any(message.role is Role.TOOL for message in self.history[self._since :])
        self.history += [Message(Role.AGENT, "It is done."), Message(Role.CALLER, "one more")]
        if knows:
            self.request += 1
            self._since = len(self.history)
        self.ask()

    def interrupted(self) -> None:
        self.history += [Message(Role.AGENT, "It is", interrupted=True), Message(Role.CALLER, "what?")]
        self.ask()

    async def take(self, step: Step | Crash) -> None:
        match step:
            case Crash():
                await self.die(step)
            case Step.CALL:
                await self.call()
            case Step.CALL_TWICE:
                await self.call(2)
            case Step.HEARD:
                self.heard()
            case Step.INTERRUPTED:
                self.interrupted()
            case Step.RESTART:
                await self.resume()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallStore]:
    """One file for all examples: each is a call of its own."""
    opened = asyncio.run(CallStore.open(tmp_path_factory.mktemp("store") / "calls.sqlite", "voice"))
    yield opened
    asyncio.run(opened.close())


def live(store: CallStore, steps: list[Step | Crash], *, idempotent: bool = False) -> World:
    async def main() -> World:
        world = World(store, idempotent=idempotent)
        await world.start()
        world.ask()
        for step in steps:
            await world.take(step)
        return world

    return asyncio.run(main())


@hypothesis.settings(max_examples=150)
@given(steps=STEPS)
def test_no_effect_happens_twice_for_one_request(store: CallStore, steps: list[Step | Crash]) -> None:
    world = live(store, steps)
    assert all(count == 1 for count in world.effects.values()), world.effects


@hypothesis.settings(max_examples=40)
@given(
    steps=st.lists(st.sampled_from([Step.CALL, Step.CALL_TWICE, Step.INTERRUPTED, Step.RESTART]), max_size=8)
)
def test_and_without_a_crash_in_the_middle_it_happens(store: CallStore, steps: list[Step | Crash]) -> None:
    world = live(store, [*steps, Step.CALL, Step.HEARD, Step.CALL])
    assert world.effects == {0: 1, 1: 1}
    assert world.told[-1] == "Booked as 2."
    assert set(world.told[:-1]) == {"Booked as 1."}, "a repetition gets the recorded result"


def test_what_may_have_happened_is_told_and_not_tried(store: CallStore) -> None:
    for crash in (Crash.BEFORE_EFFECT, Crash.AFTER_EFFECT):
        world = live(store, [crash, Step.CALL])
        assert world.told == [UNKNOWN_RESULT]
        assert sum(world.effects.values()) == (crash is Crash.AFTER_EFFECT)
    world = live(store, [Crash.BEFORE_ROW, Step.CALL])
    assert world.told == ["Booked as 1."], "nothing was written: nothing had happened"


def test_what_is_idempotent_is_done_again_with_the_same_key(store: CallStore) -> None:
    world = live(store, [Crash.AFTER_EFFECT, Step.CALL], idempotent=True)
    assert world.told == ["Booked as 2."]
    assert world.keys == [f"{world.info.call_id}-0"] * 2


def test_a_second_request_is_one_for_the_next_process_too(store: CallStore) -> None:
    world = live(store, [Step.CALL, Step.HEARD, Step.RESTART, Step.CALL])
    assert world.told == ["Booked as 1.", "Booked as 2."]
