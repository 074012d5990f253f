"""What a model may do in a call, and what it is told when it may not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.conversation.line.toolbox import NOT_NOW, Toolbox
from ari_bridge.core.errors import StoreError
from ari_bridge.core.messages import Message, Role, Standing, ToolCall, ToolSpec
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.scenario.virtual_time import run
from ari_bridge.store.journal import NoJournal
from ari_bridge.tool_settings import PolicySettings
from ari_bridge.tools.base import Tool
from ari_bridge.tools.policy import Policy
from ari_bridge.tools.workshop import AgentTools
from tests.actions.desk import desk
from tests.tools.helpers import tool


class Ledger(NoJournal):
    """Keeps what is written; `broken`: it cannot be written."""

    def __init__(self, *, broken: bool = False, most: int = 99) -> None:
        self.rows: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: list[tuple[int, str, Standing]] = []
        self.broken = broken
        self.most = most

    async def tool_called(
        self, call: ToolCall, after_turn: int, *, most_today: int | None = None
    ) -> int | None:
        await asyncio.sleep(0.01)
        if self.broken:
            raise StoreError("store.file: cannot write: disk full")
        if most_today is not None and len(self.rows) >= most_today:
            return None
        self.rows.append((call.name, call.arguments))
        return len(self.rows) - 1

    def tool_answered(self, number: int, result: str, standing: Standing) -> None:
        self.answers.append((number, result, standing))


class Booking:
    """Notes what runs: name and arguments at beginning and end."""

    def __init__(self, takes_s: float = 1.0) -> None:
        self.takes_s = takes_s
        self.log: list[str] = []

    def tool(self, name: str = "book", **declared: Any) -> Tool:
        async def work(arguments: Mapping[str, Any], key: str) -> str:
            self.log.append(f"{name} {arguments['people']} begins")
            await asyncio.sleep(self.takes_s)
            self.log.append(f"{name} {arguments['people']} ends")
            return f"Booked for {arguments['people']}, PIN {arguments.get('pin')}."

        return tool(work, name, **declared)


async def _transfer(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    return ActionResult("Connected.", Outcome(Status.TRANSFER, "HUMAN"))


def _spec(context: ActionContext) -> ToolSpec:
    return ToolSpec("transfer", "To a human.", {"type": "object", "additionalProperties": False})


TRANSFER = Action("transfer", _spec, _transfer, idempotent=True)


def box(*tools: Tool, ledger: Ledger | None = None, **policies: PolicySettings) -> Toolbox:
    return Toolbox(
        [TRANSFER],
        desk(ActionContext({})),
        agent_may=["transfer"],
        tools=AgentTools(tools, Policy(policies)),
        call_id="call-1",
        journal=Ledger() if ledger is None else ledger,
    )


def call(name: str = "book", **arguments: Any) -> ToolCall:
    return ToolCall("t1", name, arguments or {"people": 2})


async def results(toolbox: Toolbox, *calls: ToolCall) -> list[str]:
    return [done.result for done in await asyncio.gather(*map(toolbox.run_for_agent, calls))]


def test_only_what_is_offered_runs(caplog: pytest.LogCaptureFixture) -> None:
    assert run(results(box(), call("rm"))) == ["There is no tool 'rm'."]
    assert "rm: refused" in caplog.text


def test_wrong_arguments_are_one_clear_line_and_nothing_runs() -> None:
    booking, ledger = Booking(), Ledger()
    toolbox = box(booking.tool(), ledger=ledger)
    assert run(results(toolbox, call(people="two"), call("transfer", to="the moon"))) == [
        "Not done: book was called with wrong arguments: people: must be integer.",
        "Not done: transfer was called with wrong arguments: there is no to; there is nothing to give.",
    ]
    assert (booking.log, ledger.rows) == ([], [])


def test_the_entry_is_written_before_and_the_result_after() -> None:
    class Watching(Ledger):
        async def tool_called(
            self, call: ToolCall, after_turn: int, *, most_today: int | None = None
        ) -> int | None:
            assert booking.log == []
            return await super().tool_called(call, after_turn)

    booking, ledger = Booking(), Watching()
    run(results(box(booking.tool(), ledger=ledger), call()))
    assert ledger.rows == [("book", {"people": 2})]
    assert ledger.answers == [(0, "Booked for 2, PIN None.", Standing.DONE)]


def test_actions_have_entries_too_and_their_outcome_is_kept() -> None:
    ledger = Ledger()
    toolbox = box(ledger=ledger)
    assert run(results(toolbox, ToolCall("t1", "transfer", {}))) == ["Connected."]
    assert ledger.rows == [("transfer", {})]
    assert toolbox.outcome is not None


def test_a_state_of_the_call_is_brought_about_again() -> None:
    """A transfer that was decided, and not carried out because the process died, is decided anew."""
    toolbox = box()
    first, second = run(results(toolbox, ToolCall("t1", "transfer", {}), ToolCall("t2", "transfer", {})))
    assert first == second == "Connected."


def test_equal_calls_at_once_are_one() -> None:
    booking, ledger = Booking(), Ledger()
    told = run(results(box(booking.tool(), ledger=ledger), call(), call(), call(people=3)))
    assert told == ["Booked for 2, PIN None."] * 2 + ["Booked for 3, PIN None."]
    assert booking.log == ["book 2 begins", "book 2 ends", "book 3 begins", "book 3 ends"]
    assert len(ledger.rows) == 2


def test_look_ups_are_always_new() -> None:
    booking = Booking()
    toolbox = box(booking.tool(effects=False, parallel=True))
    run(results(toolbox, call(), call()))
    assert booking.log == ["book 2 begins"] * 2 + ["book 2 ends"] * 2
    assert toolbox.harmless == {"book"}, "what speculation may use"


def test_one_after_the_other_unless_declared_parallel() -> None:
    booking = Booking()
    toolbox = box(booking.tool(), booking.tool("order"), booking.tool("price", parallel=True))
    run(results(toolbox, call(), call("order"), call("price")))
    assert booking.log.index("price 2 begins") < booking.log.index("book 2 ends")
    assert booking.log.index("order 2 begins") > booking.log.index("book 2 ends")


def test_secrets_are_in_no_log_and_no_entry(caplog: pytest.LogCaptureFixture) -> None:
    booking, ledger = Booking(), Ledger()
    schema = {"type": "object", "properties": {"people": {"type": "integer"}, "pin": {"type": "string"}}}
    secret = booking.tool()
    secret = Tool(ToolSpec("book", "Book.", schema), secret.run)
    toolbox = box(secret, ledger=ledger, book=PolicySettings(secret=("pin",), max_per_call=1))
    with caplog.at_level(logging.DEBUG):
        told = run(
            results(
                toolbox, call(people=2, pin="4711"), call(people=2, pin="4711"), call(people=1, pin="0815")
            )
        )
    assert told[0] == "Booked for 2, PIN 4711.", "the model gave it"
    assert "once in a call" in told[2]
    everything = caplog.text + repr(ledger.rows) + repr(ledger.answers)
    assert "4711" not in everything
    assert "0815" not in everything
    assert ledger.rows == [("book", {"people": 2, "pin": "(secret)"})]


def test_a_call_s_limit_counts_what_runs_at_once() -> None:
    booking = Booking()
    toolbox = box(booking.tool(parallel=True), book=PolicySettings(max_per_call=2))
    told = run(results(toolbox, *(call(people=people) for people in (1, 2, 3))))
    assert told[2] == "Not done: book may be used 2 times in a call, and was."
    assert len(booking.log) == 4


def test_a_day_s_limit_is_the_store_s() -> None:
    booking = Booking()
    toolbox = box(booking.tool(), book=PolicySettings(max_per_day=1))
    told = run(results(toolbox, call(people=1), call(people=2)))
    assert told[1] == "Not done: book may be used once a day, and was."
    assert booking.log == ["book 1 begins", "book 1 ends"]


def test_what_cannot_be_written_down_is_not_done_unless_it_is_harmless() -> None:
    booking = Booking()
    toolbox = box(booking.tool(), booking.tool("price", effects=False), ledger=Ledger(broken=True))
    assert run(results(toolbox, call(), call("price"), ToolCall("t", "transfer", {}))) == [
        NOT_NOW,
        "Booked for 2, PIN None.",
        "Connected.",
    ]
    assert booking.log[0] == "price 2 begins"


def _history(asked: str, said: str) -> Sequence[Message]:
    return [Message(Role.CALLER, "book"), Message(Role.AGENT, asked), Message(Role.CALLER, said)]


def test_what_is_to_be_confirmed_runs_after_the_caller_s_yes_only(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[str]:
        toolbox = box(booking.tool(), book=PolicySettings(confirm=True, question="A table for {people}?"))
        toolbox.asked([Message(Role.CALLER, "yes yes yes book it")])
        told = await results(toolbox, call())
        toolbox.asked(_history("A table for 2?", "well"))
        told += await results(toolbox, call())
        toolbox.asked(_history("A table for 2?", "yes"))
        told += await results(toolbox, call(people=20))
        told += await results(toolbox, call(), call())
        return told

    booking = Booking()
    first, second, other, done, again = run(main())
    assert "exactly these words: A table for 2?" in first
    assert "neither yes nor no" in second
    assert "exactly these words: A table for 20?" in other
    assert done == again == "Booked for 2, PIN None."
    assert booking.log == ["book 2 begins", "book 2 ends"]
    assert caplog.text.count("book: refused: the caller has not agreed") == 3


def test_an_action_is_confirmed_like_a_tool() -> None:
    async def main() -> list[str]:
        toolbox = box(transfer=PolicySettings(confirm=True))
        told = await results(toolbox, ToolCall("t", "transfer", {}))
        assert toolbox.outcome is None
        toolbox.asked(_history("Shall I do this: transfer?", "[digit 1]"))
        return told + await results(toolbox, ToolCall("t", "transfer", {}))

    refused, done = run(main())
    assert refused.startswith("Not done: the caller has to agree")
    assert done == "Connected."


def test_what_has_begun_is_seen_through_when_the_caller_hangs_up() -> None:
    async def main() -> None:
        running: set[asyncio.Task[None]] = set()

        async def see_through(work: Any) -> None:
            task = asyncio.create_task(work)
            running.add(task)
            await asyncio.shield(task)

        toolbox = Toolbox(
            [],
            desk(ActionContext({})),
            agent_may=[],
            tools=AgentTools([booking.tool()], Policy({}), see_through),
            journal=ledger,
        )
        waiting = asyncio.create_task(toolbox.run_for_agent(call()))
        await asyncio.sleep(0.5)
        waiting.cancel()
        await asyncio.wait({waiting})
        await asyncio.wait(running)

    booking, ledger = Booking(), Ledger()
    run(main())
    assert booking.log == ["book 2 begins", "book 2 ends"]
    assert ledger.answers == [(0, "Booked for 2, PIN None.", Standing.DONE)]
