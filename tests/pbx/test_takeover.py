"""Calls that change hands: adopted from a worker that died, transferred and held by the PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ari_bridge.pbx.call import (
    CallerBack,
    CallerGone,
    CallerHeld,
    CallerReplaced,
    CallInfo,
    Outcome,
    PbxCall,
    PbxEvent,
    Status,
)
from ari_bridge.pbx.controller import Controller
from ari_bridge.pbx.names import new_call_id
from tests.pbx.fake_ari import PASSWORD, FakeAri, FakeChannel
from tests.pbx.helpers import SilentPlane, bench, eventually, settings_for, talk_until_gone, went


class Noting:
    """A handler that notes what it is told, until the caller has gone."""

    def __init__(self) -> None:
        self.calls: list[PbxCall] = []
        self.events: list[PbxEvent] = []

    async def __call__(self, call: PbxCall) -> Outcome:
        self.calls.append(call)
        while True:
            self.events.append(await call.next_event())
            if isinstance(self.events[-1], CallerGone):
                return Outcome(Status.HANGUP)


def kinds(events: list[PbxEvent]) -> list[type]:
    return [type(event) for event in events]


def test_a_transfer_by_the_pbx_goes_on_with_the_new_channel() -> None:
    async def main() -> None:
        handler = Noting()
        async with bench(handler) as b:
            caller = await b.talking()
            await eventually(lambda: len(handler.calls) == 1)
            heir = FakeChannel("1700000000.50")
            b.ari.channels[heir.id] = heir
            gone = {"id": caller.id, "name": "PJSIP/x"}
            await b.ari.emit("StasisStart", heir, args=[], replace_channel=gone)
            await eventually(lambda: caller.id not in b.ari.channels)
            await b.ari.press(heir, "7")
            await eventually(lambda: len(handler.events) == 2)
            assert b.controller.live_calls == 1
            assert handler.calls[0].info.channel_id == heir.id
            await b.ari.hang_up(heir)
            await b.over()
            assert kinds(handler.events)[::2] == [CallerReplaced, CallerGone]

    asyncio.run(main())


def test_a_transfer_that_was_missed_is_found_out() -> None:
    async def main() -> None:
        handler = Noting()
        async with bench(handler) as b:
            caller = await b.talking()
            await b.ari.drop_sockets()
            heir = FakeChannel("1700000000.50")
            b.ari.channels[heir.id] = heir
            (members,) = b.ari.bridges.values()
            members.append(heir.id)
            await b.ari.hang_up(caller, silently=True)
            await eventually(lambda: kinds(handler.events) == [CallerReplaced])
            await b.ari.hang_up(heir)
            await b.over()

    asyncio.run(main())


def test_hold_and_its_end_are_told() -> None:
    async def main() -> None:
        handler = Noting()
        async with bench(handler) as b:
            caller = await b.talking()
            await b.ari.emit("ChannelHold", caller)
            await b.ari.emit("ChannelUnhold", caller)
            await eventually(lambda: kinds(handler.events) == [CallerHeld, CallerBack])
            await b.ari.hang_up(caller)
            await b.over()

    asyncio.run(main())


def test_the_next_worker_takes_over_what_the_dead_one_left() -> None:
    """With a leg and a bridge of the call's next life; of the life before nothing is left."""

    async def main() -> None:
        async with FakeAri() as ari:
            call_id = new_call_id()
            variables = {"ARIBRIDGESTATUS": "HANGUP", "CHANNEL(audionativeformat)": "(ulaw)"}
            caller, lost = (
                FakeChannel("1700000000.7", dict(variables)),
                FakeChannel("1700000000.8", variables),
            )
            caller.music = caller.muted = True
            old = f"aribridge-ari_bridge-{call_id}"
            ari.channels = {each.id: each for each in (caller, lost, FakeChannel(f"{old}-media"))}
            ari.bridges = {old: [caller.id, f"{old}-media"]}
            info = CallInfo(
                call_id, caller.id, "sales", "5000", "100", "Ada", {"lang": "en"}, {"AI_CONTEXT": "x"}
            )
            handler = Noting()

            async def left_behind() -> Mapping[str, CallInfo]:
                return {caller.id: info, "1700000000.9": info}

            plane = SilentPlane()
            running = asyncio.create_task(
                Controller(settings_for(ari.url, PASSWORD), plane, handler, left_behind).run(lambda: None)
            )
            await eventually(lambda: len(handler.calls) == 1)
            assert handler.calls[0].info == CallInfo(
                *(call_id, caller.id, "sales", "5000", "100", "Ada", {"lang": "en"}, {"AI_CONTEXT": "x"}),
                life=2,
            )
            assert ari.bridges == {f"{old}-life2": [caller.id, f"{old}-media2"]}
            assert [leg.id for leg in ari.channels.values() if "-media" in leg.id] == [f"{old}-media2"]
            assert (caller.music, caller.muted) == (False, False), "a hold has died with its worker"
            assert went(lost) == ("", "FAILED", "STRANDED")
            running.cancel()
            await asyncio.wait({running})
            assert went(caller) == ("", "FAILED", "SHUTDOWN")
            assert ari.bridges == {}
            assert plane.open_ports == 0

    asyncio.run(main())


def test_an_agent_that_is_no_longer_there_takes_nothing_over() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            caller = FakeChannel("1700000000.7", {"CHANNEL(audionativeformat)": "(ulaw)"})
            ari.channels = {caller.id: caller}
            info = CallInfo(new_call_id(), caller.id, "nobody", "5000", "100", "")

            async def left_behind() -> Mapping[str, CallInfo]:
                return {caller.id: info}

            controller = Controller(
                settings_for(ari.url, PASSWORD), SilentPlane(), talk_until_gone, left_behind
            )
            running = asyncio.create_task(controller.run(lambda: None))
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", "UNKNOWN_AGENT")
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(main())
