"""Calls that we place: what becomes of each is known, whoever answers, and whatever is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from ari_bridge.core.errors import NotReady, RequestFailed
from ari_bridge.pbx import controller
from ari_bridge.pbx.call import CallerGone, Outcome, PbxCall, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.names import new_call_id
from tests.pbx.fake_ari import Do, FakeChannel, refuse
from tests.pbx.helpers import Bench, bench, eventually

PLACE = "ari-bridge-outbound,s,1"


class Noting:
    def __init__(self) -> None:
        self.calls: list[PbxCall] = []

    async def __call__(self, call: PbxCall) -> Outcome:
        self.calls.append(call)
        while not isinstance(await call.next_event(), CallerGone):
            pass
        return Outcome(Status.HANGUP)


Scene = Callable[[Bench, Noting, str, FakeChannel], Awaitable[None]]


def play(scene: Scene) -> None:
    """`scene` gets a call that rings, by id and channel."""

    async def main() -> None:
        handler = Noting()
        async with bench(handler) as b:
            call_id = await b.controller.place("campaign", "+4930", {"AI_CONTEXT": "x"})
            (channel,) = b.ari.channels.values()
            await scene(b, handler, call_id, channel)

    asyncio.run(main())


async def told_amd(b: Bench, channel: FakeChannel, status: str) -> None:
    await b.ari.emit("ChannelUserevent", channel, eventname="AriBridgeAmd", userevent={"Status": status})


def test_who_answers_is_sorted_by_the_dialplan_and_gets_the_agent() -> None:
    async def scene(b: Bench, handler: Noting, call_id: str, channel: FakeChannel) -> None:
        assert channel.variables["endpoint"] == "PJSIP/+4930@trunk"
        assert (channel.variables["AI_AGENT"], channel.variables["AI_CONTEXT"]) == ("demo", "x")
        await b.ari.pick_up(channel)
        await eventually(lambda: channel.went_to == PLACE)
        await told_amd(b, channel, "HUMAN")
        assert handler.calls == []
        await b.ari.come_back(channel, "agent=demo", "amd=HUMAN")
        await eventually(lambda: len(handler.calls) == 1)
        assert handler.calls[0].info.call_id == call_id
        await eventually(lambda: b.ari.done["unsubscribe"] == 1)
        await b.ari.emit("ChannelDestroyed", channel, cause=16)
        await eventually(lambda: b.controller.live_calls == 0)
        assert b.reports.seen == []

    play(scene)


@pytest.mark.parametrize(
    ("q850", "cause"),
    [
        (17, Cause.USER_BUSY),
        (21, Cause.REJECTED),
        (19, Cause.NO_ANSWER),
        (0, Cause.NO_ANSWER),
        (1, Cause.UNREACHABLE),
        (34, Cause.UNREACHABLE),
    ],
)
def test_why_nobody_was_reached_is_reported_once(q850: int, cause: Cause) -> None:
    async def scene(b: Bench, handler: Noting, call_id: str, channel: FakeChannel) -> None:
        await b.ari.lose(channel, q850)
        await b.ari.emit("ChannelDestroyed", channel, cause=q850)
        await eventually(lambda: len(b.reports.seen) > 0)
        await asyncio.sleep(0.02)
        assert b.reports.seen == [(call_id, cause)]

    play(scene)


@pytest.mark.parametrize(("amd", "cause"), [("MACHINE", Cause.MACHINE), ("HANGUP", Cause.NO_AGENT)])
def test_what_the_dialplan_heard_is_in_the_report(amd: str, cause: Cause) -> None:
    async def scene(b: Bench, handler: Noting, call_id: str, channel: FakeChannel) -> None:
        await b.ari.pick_up(channel)
        await eventually(lambda: channel.went_to == PLACE)
        await told_amd(b, channel, amd)
        assert b.reports.seen == [], "it has only left our application"
        await b.ari.lose(channel, 16)
        await eventually(lambda: b.reports.seen == [(call_id, cause)])
        assert handler.calls == []

    play(scene)


def test_an_end_that_was_missed_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "UPKEEP_EVERY_S", 0.05)

    async def scene(b: Bench, handler: Noting, call_id: str, channel: FakeChannel) -> None:
        del b.ari.channels[channel.id]
        await eventually(lambda: b.reports.seen == [(call_id, Cause.NO_ANSWER)])

    play(scene)


def test_an_answer_that_was_missed_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "UPKEEP_EVERY_S", 0.05)

    async def scene(b: Bench, handler: Noting, call_id: str, channel: FakeChannel) -> None:
        await b.ari.pick_up(channel, silently=True)
        await eventually(lambda: channel.went_to == PLACE)

    play(scene)


def test_who_answers_the_call_of_a_worker_that_died_goes_on_too() -> None:
    async def main() -> None:
        async with bench() as b:
            channel = FakeChannel(f"aribridgeout-{new_call_id()}-ari_bridge", app_args="placed,campaign")
            stale = FakeChannel(f"aribridgeout-{new_call_id()}-ari_bridge", app_args="placed,no-more")
            b.ari.channels = {each.id: each for each in (channel, stale)}
            await b.ari.pick_up(channel)
            await b.ari.pick_up(stale)
            await eventually(lambda: channel.went_to == PLACE)
            await eventually(lambda: stale.id not in b.ari.channels)

    asyncio.run(main())


def test_who_rings_when_we_stop_is_hung_up_and_nobody_is_called_any_more() -> None:
    async def scene(b: Bench, handler: Noting, call_id: str, channel: FakeChannel) -> None:
        stays = await b.ari.call("agent=demo")
        await eventually(lambda: b.controller.live_calls == 1)
        b.controller.drain()
        await eventually(lambda: b.reports.seen == [(call_id, Cause.SHUTDOWN)])
        assert channel.id not in b.ari.channels
        with pytest.raises(NotReady, match=r"^no call can be placed now: draining$"):
            await b.controller.place("campaign", "4930")
        await b.ari.hang_up(stays)

    play(scene)


def test_no_call_is_placed_that_nobody_could_take() -> None:
    async def main() -> None:
        async with bench(max_calls="1") as b:
            b.plane.serving = False
            with pytest.raises(NotReady, match="the media process is being replaced"):
                await b.controller.place("campaign", "4930")
            b.plane.serving = True
            await b.controller.place("campaign", "4930")
            with pytest.raises(NotReady, match="all 1 calls are taken or being placed"):
                await b.controller.place("campaign", "4931")
            assert b.ari.done["originate"] == 1

    asyncio.run(main())


@pytest.mark.parametrize("number", ["", "1&Local/1@x", "12;3", "abc", "1" * 21])
def test_what_is_no_number_is_never_dialled(number: str) -> None:
    async def main() -> None:
        async with bench() as b:
            with pytest.raises(ValueError, match="number"):
                await b.controller.place("campaign", number)
            assert b.ari.done["originate"] == 0

    asyncio.run(main())


def test_a_request_that_is_refused_leaves_nobody_ringing() -> None:
    async def main() -> None:
        async with bench() as b:

            async def made_but_not_told(do: Do) -> web.Response:
                await do()
                return refuse(500)

            b.ari.on["originate"] = made_but_not_told
            with pytest.raises(RequestFailed):
                await b.controller.place("campaign", "4930")
            await eventually(lambda: b.ari.channels == {})
            assert b.reports.seen == []

    asyncio.run(main())
