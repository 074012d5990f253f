"""Limits and draining, in front of a fake ARI: who is refused, who may stay, and when we say we are ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ari_bridge.pbx.controller import Controller
from ari_bridge.settings import LimitSettings
from tests.pbx.fake_ari import PASSWORD, Do, FakeAri
from tests.pbx.helpers import Bench, SilentPlane, eventually, serving, settings_for, talk_until_gone, went


@asynccontextmanager
async def limited(**limits: float) -> AsyncIterator[Bench]:
    async with FakeAri() as ari:
        plane = SilentPlane()
        settings = settings_for(ari.url, PASSWORD).model_copy(
            update={"limits": LimitSettings.model_validate(limits)}
        )
        async with serving(settings, plane) as controller:
            yield Bench(ari, plane, controller)


def test_a_call_too_many_goes_back_unanswered_and_harms_nobody() -> None:
    async def main() -> None:
        async with limited(max_calls=1) as b:
            talking = await b.talking()
            assert b.controller.obstacles() == ["all 1 calls are taken"]
            requests = len(b.ari.requests)
            refused = await b.ari.call("agent=demo")
            await eventually(lambda: refused.went_to == "")
            assert went(refused) == ("", "FAILED", "BUSY")
            assert refused.variables["ARIBRIDGECALLID"]
            assert not refused.answered
            assert len(b.ari.requests) - requests == 2, "variables, continue"
            await eventually(lambda: b.controller.live_calls == 1)
            assert talking.went_to is None
            await b.ari.hang_up(talking)
            await b.over()
            next_one = await b.ari.call("agent=demo")
            await eventually(lambda: next_one.answered)

    asyncio.run(main())


def test_too_many_at_once() -> None:
    async def main() -> None:
        async with limited(calls_per_second=2) as b:
            callers = [await b.ari.call("agent=demo") for _ in range(5)]
            await eventually(lambda: sum(caller.went_to == "" for caller in callers) == 3)
            await eventually(lambda: callers[0].answered and callers[1].answered)
            assert not any(caller.answered for caller in callers[2:])
            assert went(callers[4]) == ("", "FAILED", "TOO_MANY_PER_SECOND")

    asyncio.run(main())


def test_a_refused_caller_who_hangs_up_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with limited(max_calls=1) as b:
            await b.talking()

            async def too_late(do: Do) -> web.Response:
                await b.ari.hang_up(refused)
                return await do()

            b.ari.on["continueInDialplan"] = too_late
            refused = await b.ari.call("agent=demo")
            await eventually(lambda: b.controller.live_calls == 1)
            del b.ari.on["continueInDialplan"]

    asyncio.run(main())
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# ------------------------------------------------------------------ draining


@asynccontextmanager
async def drained(drain_timeout_s: float) -> AsyncIterator[tuple[FakeAri, Controller, asyncio.Task[None]]]:
    """A controller whose end is waited for, not brought about."""
    async with FakeAri() as ari:
        settings = settings_for(ari.url, PASSWORD).model_copy(
            update={"limits": LimitSettings(drain_timeout_s=drain_timeout_s)}
        )
        ready = asyncio.Event()
        controller = Controller(settings, SilentPlane(), talk_until_gone)
        running = asyncio.create_task(controller.run(ready.set))
        await ready.wait()
        assert controller.obstacles() == []
        yield ari, controller, running
        async with asyncio.timeout(3):
            await running
        assert controller.live_calls == 0
        assert ari.sockets == []


def test_draining_lets_calls_finish_and_takes_no_more() -> None:
    async def main() -> None:
        async with drained(60) as (ari, controller, running):
            caller = await ari.call("agent=demo")
            await eventually(lambda: ari.done["addChannel"] == 1)
            controller.drain()
            assert controller.obstacles() == ["draining"]
            late = await ari.call("agent=demo")
            await eventually(lambda: late.went_to == "")
            assert went(late) == ("", "FAILED", "DRAINING")
            assert not late.answered
            await asyncio.sleep(0.05)
            assert not running.done()
            assert caller.went_to is None
            await ari.hang_up(caller)

    asyncio.run(main())


def test_without_calls_draining_is_over_at_once() -> None:
    async def main() -> None:
        async with drained(60) as (_, controller, _):
            controller.drain()

    asyncio.run(main())


def test_who_talks_for_too_long_is_handed_over() -> None:
    async def main() -> None:
        async with drained(0.1) as (ari, controller, running):
            caller = await ari.call("agent=demo")
            await eventually(lambda: ari.done["addChannel"] == 1)
            controller.drain()
            await asyncio.sleep(0.05)
            assert not running.done()
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", "SHUTDOWN")

    asyncio.run(main())


def test_a_caller_who_comes_while_we_leave_is_not_forgotten() -> None:
    """Its StasisStart is sent to us when we read no more."""

    async def main() -> None:
        async with FakeAri() as ari:
            async with serving(settings_for(ari.url, PASSWORD), SilentPlane()):
                ari.deaf = True
                late = await ari.call("agent=demo")
            assert went(late) == ("", "FAILED", "STRANDED")

    asyncio.run(main())


# ------------------------------------------------------------------ readiness


def test_ready_is_true_only_while_events_come() -> None:
    async def main() -> None:
        async with limited() as b:
            assert b.controller.obstacles() == []
            gate = asyncio.Event()

            async def wait(do: Do) -> web.Response:
                await gate.wait()
                return await do()

            b.ari.on["list"] = wait
            await b.ari.drop_sockets()
            await eventually(lambda: b.controller.obstacles() == ["no events from Asterisk"])
            gate.set()
            await eventually(lambda: b.controller.obstacles() == [])

    asyncio.run(main())


def test_without_audio_it_is_not_ready() -> None:
    async def main() -> None:
        async with limited() as b:
            b.plane.serving = False
            assert b.controller.obstacles() == ["the media process is being replaced"]

    asyncio.run(main())


def test_not_started_is_not_ready() -> None:
    controller = Controller(settings_for("http://127.0.0.1:9", "x"), SilentPlane(), talk_until_gone)
    assert controller.obstacles() == ["no events from Asterisk"]
