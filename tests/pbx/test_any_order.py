"""Events that come twice, out of order, late or from nowhere, and requests that are answered with any of
Asterisk's words for "gone": in the end nothing is left, on either side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import cycle

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ari_bridge.pbx import controller
from tests.pbx.fake_ari import Do, FakeChannel, refuse
from tests.pbx.helpers import Bench, bench, eventually

REFUSALS = (404, 400, 409, 412, 422, 500)
OF_CALLER = ("getChannelVar", "setChannelVars", "answer", "addChannel", "continueInDialplan", "hangup")


@pytest.fixture(autouse=True)
def _quick_upkeep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "UPKEEP_EVERY_S", 0.1)


async def _emit(b: Bench, caller: FakeChannel, what: str) -> None:
    match what:
        case "start":
            await b.ari.emit("StasisStart", caller, args=["agent=demo"])
        case "digit":
            await b.ari.press(caller, "1")
        case "dies":
            await b.ari.hang_up(caller, silently=True)
        case "leg dies":
            for leg in b.ari.legs:
                await b.ari.hang_up(leg)
        case "time":
            await asyncio.sleep(0.02)
        case "of nobody":
            await b.ari.emit("StasisEnd", FakeChannel("1600000000.1"))
            await b.ari.emit("ChannelHangupRequest", FakeChannel("aribridge-ari_bridge-x-media"))
            await b.ari.emit("ChannelTalkingStarted", caller)
        case _:
            await b.ari.emit(what, caller)


STEPS = st.permutations(
    [
        *("start", "start", "time", "time", "time", "digit", "ChannelHold", "ChannelUnhold", "dies"),
        *("ChannelHangupRequest", "StasisEnd", "StasisEnd", "ChannelDestroyed", "of nobody", "leg dies"),
    ]
)


def _refusing(
    b: Bench, caller: FakeChannel, statuses: Callable[[], int]
) -> Callable[[Do], Awaitable[web.Response]]:
    async def hook(do: Do) -> web.Response:
        response = await do()
        if caller.id not in b.ari.channels and response.status >= 400:
            return refuse(statuses(), "Channel not found")
        return response

    return hook


@given(steps=STEPS, statuses=st.lists(st.sampled_from(REFUSALS), min_size=1, max_size=6))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_told_in_whatever_order_the_end_is_the_same(
    steps: list[str], statuses: list[int]
) -> None:
    async def main() -> None:
        async with bench() as b:
            caller = FakeChannel("1700000000.5", variables={"CHANNEL(audionativeformat)": "(ulaw)"})
            b.ari.channels[caller.id] = caller
            words = cycle(statuses)
            for operation in OF_CALLER:
                b.ari.on[operation] = _refusing(b, caller, lambda: next(words))
            for step in steps:
                await _emit(b, caller, step)
            await eventually(lambda: b.controller.live_calls == 0, within_s=8.0)
            await eventually(lambda: not b.ari.legs and not b.ari.bridges, within_s=3.0)
            assert b.plane.open_ports == 0
            assert b.controller.connected

    asyncio.run(main())
