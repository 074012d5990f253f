"""Calls through the controller, in front of a fake ARI: they come in, are routed, and leave."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from ari_bridge.core.errors import (
    ProviderError,
)
from ari_bridge.core.logs import log_call_id
from ari_bridge.pbx.call import CallHandler, Digit, Outcome, PbxCall, Status
from tests.pbx.fake_ari import PASSWORD, Do, FakeAri
from tests.pbx.helpers import (
    SilentPlane,
    bench,
    eventually,
    serving,
    settings_for,
    talk_until_gone,
    went,
)


def on_digits(outcomes: dict[str, Outcome]) -> CallHandler:
    async def handler(call: PbxCall) -> Outcome:
        event = await call.next_event()
        assert isinstance(event, Digit)
        return outcomes[event.digit]

    return handler


# ------------------------------------------------------------------ a call that goes well


def test_a_call_comes_in_and_the_caller_hangs_up() -> None:
    seen: list[PbxCall] = []

    async def handler(call: PbxCall) -> Outcome:
        seen.append(call)
        return await talk_until_gone(call)

    async def main() -> None:
        async with bench(handler) as b:
            caller = await b.ari.call(
                "agent=demo", "did=555", "lang=en", variables={"AI_GREETING": "Grüß Gott"}
            )
            await eventually(lambda: len(seen) == 1)
            info = seen[0].info
            assert (info.agent, info.did, info.caller_number) == ("demo", "555", "100")
            assert info.args["lang"] == "en"
            assert info.variables == {"AI_GREETING": "Grüß Gott"}
            (leg,) = b.ari.legs
            assert b.ari.bridges == {leg.id.removesuffix("-media"): [caller.id, leg.id]}
            assert leg.variables["format"] == "ulaw"
            assert leg.variables["external_host"] == "127.0.0.1:40404"
            assert b.plane.ports[0].peer == ("127.0.0.1", 40000)
            await b.ari.hang_up(caller)
            await b.over()
            assert went(caller) == (None, "HANGUP", "CALLER")
            assert caller.variables["ARIBRIDGECALLID"] == info.call_id

    asyncio.run(main())


@pytest.mark.parametrize(
    ("outcome", "place"),
    [
        (Outcome(Status.COMPLETED), ""),
        (Outcome(Status.TRANSFER, "sales", context="humans", exten="sales"), "humans,sales,1"),
    ],
)
def test_the_caller_goes_where_the_outcome_says(outcome: Outcome, place: str) -> None:
    async def main() -> None:
        async with bench(on_digits({"1": outcome})) as b:
            caller = await b.talking()
            caller.variables[f"DIALPLAN_EXISTS({outcome.context},{outcome.exten},1)"] = "1"
            await b.ari.press(caller, "1")
            await b.over()
            assert went(caller) == (place, outcome.status.value, outcome.cause)
            assert caller.id in b.ari.channels, "not hung up"

    asyncio.run(main())


def test_variables_of_an_outcome_are_set_but_no_dialplan_function_is_run() -> None:
    given = {"ARIBRIDGESUMMARY": "wants a = b & c", "CDR(userfield)": "x", "SHELL(reboot)": "1"}

    async def main() -> None:
        async with bench(on_digits({"1": Outcome(Status.COMPLETED, variables=given)})) as b:
            caller = await b.talking()
            await b.ari.press(caller, "1")
            await b.over()
            assert caller.variables["ARIBRIDGESUMMARY"] == "wants a = b & c"
            assert caller.variables["CDR(userfield)"] == "x"
            assert "SHELL(reboot)" not in caller.variables

    asyncio.run(main())


def test_a_transfer_into_nothing_goes_on_after_stasis() -> None:
    nowhere = Outcome(Status.TRANSFER, "sales", context="humans", exten="9")

    async def main() -> None:
        async with bench(on_digits({"1": nowhere})) as b:
            caller = await b.talking()
            caller.variables["DIALPLAN_EXISTS(humans,9,1)"] = "0"
            await b.ari.press(caller, "1")
            await b.over()
            assert went(caller) == ("", "FAILED", "NO_SUCH_DESTINATION")

    asyncio.run(main())


@pytest.mark.parametrize("end_was_seen", [True, False])
def test_a_caller_whom_the_dialplan_sends_back_is_a_new_call(end_was_seen: bool) -> None:
    """Before we read the answer to `continue`, and whether or not the StasisEnd came through."""
    calls: list[str] = []

    async def handler(call: PbxCall) -> Outcome:
        calls.append(call.info.call_id)
        if len(calls) == 1:
            return Outcome(Status.COMPLETED)
        return await talk_until_gone(call)

    async def main() -> None:
        async with bench(handler) as b:

            async def back_at_once(do: Do) -> web.Response:
                response = await do() if end_was_seen else web.Response(status=204)
                caller.in_stasis = True
                await b.ari.emit("StasisStart", caller, args=["agent=demo"])
                await asyncio.sleep(0.05)
                return response

            b.ari.on["continueInDialplan"] = back_at_once
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: len(calls) == 2)
            await eventually(lambda: b.controller.live_calls == 1)
            del b.ari.on["continueInDialplan"]
            await b.ari.hang_up(caller)
            await b.over()

    asyncio.run(main())


def test_a_start_that_is_told_twice_is_one_call() -> None:
    async def main() -> None:
        async with bench() as b:
            caller = await b.talking()
            await b.ari.emit("StasisStart", caller, args=["agent=demo"])
            await asyncio.sleep(0.05)
            assert b.controller.live_calls == 1
            await b.ari.hang_up(caller)
            await b.over()

    asyncio.run(main())


def test_calls_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        async with bench() as b:
            stuck = asyncio.Event()

            async def first_one_hangs(do: Do) -> web.Response:
                b.ari.on.pop("answer")
                await stuck.wait()
                return await do()

            b.ari.on["answer"] = first_one_hangs
            slow = await b.ari.call("agent=demo")
            await eventually(lambda: "answer" not in b.ari.on)
            await b.talking()
            assert not slow.answered
            stuck.set()

    asyncio.run(main())


# ------------------------------------------------------------------ routing


@pytest.mark.parametrize(
    ("args", "variables", "agent"),
    [
        (["agent=demo"], {"AI_AGENT": "sales"}, "demo"),
        ([], {"AI_AGENT": "demo"}, "demo"),
        (["did=1"], {}, "sales"),
    ],
)
def test_the_dialplan_chooses_the_agent(args: list[str], variables: dict[str, str], agent: str) -> None:
    agents: list[str] = []

    async def handler(call: PbxCall) -> Outcome:
        agents.append(call.info.agent)
        return Outcome(Status.COMPLETED)

    async def main() -> None:
        async with bench(handler) as b:
            await b.ari.call(*args, variables=variables)
            await eventually(lambda: agents == [agent])
            await b.over()

    asyncio.run(main())


def test_log_lines_of_a_call_carry_its_id() -> None:
    """As the formatter reads it: from the context in which the line was written."""
    ids: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            ids.append(log_call_id.get())

    async def main() -> None:
        async with bench(on_digits({"1": Outcome(Status.COMPLETED)})) as b:
            callers = [await b.ari.call("agent=demo") for _ in range(2)]
            await eventually(lambda: b.ari.done["addChannel"] == 2)
            handler = Handler()
            pbx = logging.getLogger("ari_bridge.pbx")
            pbx.addHandler(handler)
            level = pbx.level
            pbx.setLevel(logging.INFO)
            try:
                for caller in callers:
                    await b.ari.press(caller, "1")
                await b.over()
            finally:
                pbx.removeHandler(handler)
                pbx.setLevel(level)
            assert set(ids) == {caller.variables["ARIBRIDGECALLID"] for caller in callers}

    asyncio.run(main())


def test_an_unknown_agent_is_one_log_line_and_an_unharmed_call(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with bench() as b:
            caller = await b.ari.call("agent=nobody")
            await b.over()
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", "UNKNOWN_AGENT")
            assert not caller.answered

    asyncio.run(main())
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.endswith("Stasis() argument agent: there is no agent 'nobody' (agents: demo, sales)")


@pytest.mark.parametrize(
    ("native", "setting", "lacking", "codec"),
    [
        ("(ulaw)", "auto", "", "ulaw"),
        ("(alaw|ulaw)", "auto", "", "alaw"),
        ("(g722)", "auto", "", "g722"),
        ("(g722)", "auto", "codec_g722.so", "g722"),
        ("(opus)", "auto", "", "slin16"),
        ("(opus)", "auto", "codec_g722.so", "ulaw"),
        ("(opus)", "auto", "codec_resample.so", "ulaw"),
        ("(ulaw)", "slin16", "", "slin16"),
        ("(ulaw)", "opus", "codec_opus_open_source.so", "opus"),
    ],
)
def test_the_leg_speaks_what_costs_least(native: str, setting: str, lacking: str, codec: str) -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            plane = SilentPlane()
            ari.modules.discard(lacking)
            async with serving(settings_for(ari.url, PASSWORD, format=setting), plane):
                await ari.call("agent=demo", native=native)
                await eventually(lambda: plane.open_ports == 1)
                assert plane.ports[0].codec == codec
                assert ari.legs[0].variables["format"] == codec

    asyncio.run(main())


def test_the_port_speaks_what_an_old_asterisk_made_of_the_leg(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            plane = SilentPlane()

            async def as_ulaw(do: Do) -> web.Response:
                answer = await do()
                ari.legs[0].variables["CHANNEL(audionativeformat)"] = "(ulaw)"
                return answer

            ari.on["externalMedia"] = as_ulaw
            async with serving(settings_for(ari.url, PASSWORD, format="slin"), plane):
                await ari.call("agent=demo")
                await eventually(lambda: plane.open_ports == 1)
                assert plane.ports[0].codec == "ulaw"

    asyncio.run(main())
    assert "media.format: this Asterisk makes ulaw of slin; the call speaks ulaw" in caplog.messages


# ------------------------------------------------------------------ handlers that fail


async def _vendor_fails(call: PbxCall) -> Outcome:
    raise ProviderError("providers.x: 503", retryable=True)


async def _bug(call: PbxCall) -> Outcome:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("handler", "cause", "traceback"),
    [(_vendor_fails, "PROVIDER_FAILED", False), (_bug, "INTERNAL", True)],
)
def test_a_failing_handler_hands_the_caller_to_the_dialplan(
    handler: Callable[[PbxCall], Awaitable[Outcome]],
    cause: str,
    traceback: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with bench(handler) as b:
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", cause)
            await b.over()

    asyncio.run(main())
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (record.exc_info is not None) == traceback
