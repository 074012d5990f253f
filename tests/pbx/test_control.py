"""What a call's verbs make in the PBX is unmade with the call, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from ari_bridge.core.errors import RequestFailed
from ari_bridge.pbx import controller
from ari_bridge.pbx import party as party_module
from ari_bridge.pbx.call import Outcome, PbxCall, Status
from ari_bridge.pbx.control import Ear, Lost, PartyLost
from tests.pbx.fake_ari import Do, FakeChannel, refuse
from tests.pbx.helpers import Bench, bench, eventually, talk_until_gone, went


class Taken:
    """A handler that hands the call to the test, and ends with the test's outcome, or the caller's end."""

    def __init__(self) -> None:
        self.call: asyncio.Future[PbxCall] = asyncio.get_running_loop().create_future()
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def __call__(self, call: PbxCall) -> Outcome:
        self.call.set_result(call)
        gone = asyncio.ensure_future(talk_until_gone(call))
        try:
            await asyncio.wait({gone, self.outcome}, return_when=asyncio.FIRST_COMPLETED)
            return gone.result() if gone.done() else self.outcome.result()
        finally:
            gone.cancel()


Scene = Callable[[Bench, Taken, PbxCall, FakeChannel], Awaitable[None]]


def play(scene: Scene) -> None:
    async def main() -> None:
        taken = Taken()
        async with bench(taken) as b:
            caller = await b.talking()
            await scene(b, taken, await taken.call, caller)

    asyncio.run(main())


async def rung(b: Bench) -> FakeChannel:
    await eventually(lambda: b.ari.done["originate"] >= 1)
    return next(channel for channel in b.ari.channels.values() if "party" in channel.id)


def parties(b: Bench) -> list[str]:
    return [name for name in b.ari.channels if "party" in name]


def test_hold_takes_the_caller_out_and_unhold_puts_them_back() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        (members,) = b.ari.bridges.values()
        for _ in range(2):
            await call.control.hold()
            assert (caller.id in members, caller.music) == (False, True)
        for _ in range(2):
            await call.control.unhold()
            assert (caller.id in members, caller.music) == (True, False)
        assert b.ari.done["startMoh"] == 1

    play(scene)


def test_with_the_supervisor_goes_what_was_made_for_them() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        listening = asyncio.create_task(call.control.let_listen("PJSIP/9", Ear.LISTEN, within_s=5))
        channel = await rung(b)
        await b.ari.pick_up(channel)
        await listening
        assert len(b.ari.bridges) == 2
        assert any("snoop" in name for name in b.ari.channels)
        await b.ari.lose(channel, 16)
        await eventually(lambda: len(b.ari.bridges) == 1)
        assert not any("snoop" in name for name in b.ari.channels)
        assert b.controller.live_calls == 1

    play(scene)


def test_who_answered_unheard_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "UPKEEP_EVERY_S", 0.05)

    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        person = await call.control.ring("PJSIP/6001", within_s=5)
        await b.ari.pick_up(await rung(b), silently=True)
        async with asyncio.timeout(3):
            await person.answered()

    play(scene)


def test_a_caller_on_hold_goes_on_without_music() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        await call.control.hold()
        taken.outcome.set_result(Outcome(Status.COMPLETED))
        await b.over()
        assert not caller.music
        assert went(caller)[:2] == ("", "COMPLETED")

    play(scene)


@pytest.mark.parametrize(("cause", "why"), [(17, Lost.BUSY), (21, Lost.DECLINED), (19, Lost.NO_ANSWER)])
@pytest.mark.parametrize("first_word", [None, (), ("cause",)], ids=["none", "Asterisk 16", "Asterisk 22"])
def test_why_nobody_came_is_told(cause: int, why: Lost, first_word: tuple[str, ...] | None) -> None:
    """`first_word`: what ChannelHangupRequest has beside the channel, where one comes first."""

    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        person = await call.control.ring("PJSIP/6001", within_s=5)
        channel = await rung(b)
        assert channel.variables["endpoint"] == "PJSIP/6001"
        if first_word is not None:
            await b.ari.emit("ChannelHangupRequest", channel, **dict.fromkeys(first_word, cause))
        await b.ari.lose(channel, cause)
        with pytest.raises(PartyLost) as lost:
            await person.answered()
        assert lost.value.why is why
        await person.hang_up()
        assert b.ari.done["hangup"] == 0, "there is nothing left to hang up"

    play(scene)


def test_keys_of_who_answered_are_theirs_and_not_the_callers() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        person = await call.control.ring("PJSIP/6001", within_s=5)
        channel = await rung(b)
        await b.ari.pick_up(channel)
        await person.answered()
        await b.ari.press(channel, "1")
        assert await person.digit() == "1"
        await b.ari.lose(channel, 16)
        with pytest.raises(PartyLost) as lost:
            await person.digit()
        assert lost.value.why is Lost.HUNG_UP

    play(scene)


@pytest.mark.parametrize("answered", [False, True])
def test_who_was_rung_goes_with_the_caller(answered: bool) -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        await call.control.ring("PJSIP/6001", within_s=5)
        channel = await rung(b)
        if answered:
            await b.ari.pick_up(channel)
        await b.ari.hang_up(caller)
        await b.over()
        assert parties(b) == []

    play(scene)


def test_an_answer_that_was_lost_leaves_nobody_ringing() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        async def made_but_not_told(do: Do) -> web.Response:
            await do()
            return refuse(500)

        b.ari.on["originate"] = made_but_not_told
        with pytest.raises(RequestFailed):
            await call.control.ring("PJSIP/6001", within_s=5)
        assert parties(b) == []

    play(scene)


def test_who_was_handed_over_is_left_to_the_dialplan() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        person = await call.control.ring("PJSIP/6001", within_s=5)
        channel = await rung(b)
        await b.ari.pick_up(channel)
        name = person.hand_over()
        assert name == f"PJSIP/{channel.id}"
        taken.outcome.set_result(Outcome(Status.TRANSFER, "sales", context="join"))
        await eventually(lambda: caller.went_to is not None)
        await b.ari.emit("StasisEnd", channel)  # the dialplan's Bridge() has taken the channel
        await b.over()
        assert parties(b) == [channel.id]

    play(scene)


def test_who_was_handed_over_and_not_taken_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(party_module, "TAKEN_OVER_WITHIN_S", 0.1)

    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        person = await call.control.ring("PJSIP/6001", within_s=5)
        await b.ari.pick_up(await rung(b))
        person.hand_over()
        await b.ari.hang_up(caller)
        await b.over()
        assert parties(b) == []

    play(scene)


def test_a_party_that_ended_unheard_is_found_out_after_the_reconnect() -> None:
    async def scene(b: Bench, taken: Taken, call: PbxCall, caller: FakeChannel) -> None:
        person = await call.control.ring("PJSIP/6001", within_s=5)
        channel = await rung(b)
        await b.ari.drop_sockets()
        del b.ari.channels[channel.id]
        with pytest.raises(PartyLost):
            async with asyncio.timeout(3):
                await person.answered()

    play(scene)
