"""Limits before a real Asterisk: how fast a call too many reaches the dialplan's fallback, by Asterisk's own
clock, and what a stopping service does with its calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from ari_bridge.pbx.controller import Controller
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.debian import BULLSEYE, Suite
from ari_bridge.sandbox.lab import Lab
from ari_bridge.settings import LimitSettings, Settings
from tests.pbx.helpers import SilentPlane, eventually, serving, talk_until_gone
from tests.pbx.live import a_person_answers, dialled, lab_settings

pytestmark = pytest.mark.asterisk


@pytest.fixture
def refused_within_s(pbx_suite: Suite | None) -> float:
    """Asterisk 16 looks only every 200 ms for what a channel without audio is to do (res_stasis.c); newer
    ones are woken."""
    return 0.3 if pbx_suite is BULLSEYE else 0.2


@dataclass
class Dialplan:
    """Where each channel of a PBX is in the dialplan, as ARI tells it."""

    in_stasis_s: dict[str, float] = field(default_factory=dict)
    """Asterisk's time at which the channel entered Stasis()."""
    fallback_after_s: dict[str, float] = field(default_factory=dict)
    """How long after that the channel was somewhere else."""
    state_then: dict[str, str] = field(default_factory=dict)

    def note(self, event: dict[str, Any]) -> None:
        if event["type"] != "ChannelDialplan":
            return
        channel, at_s = event["channel"], datetime.fromisoformat(event["timestamp"]).timestamp()
        if event["dialplan_app"] == "Stasis":
            self.in_stasis_s[channel["id"]] = at_s
        elif channel["id"] in self.in_stasis_s and channel["id"] not in self.fallback_after_s:
            self.fallback_after_s[channel["id"]] = at_s - self.in_stasis_s[channel["id"]]
            self.state_then[channel["id"]] = channel["state"]


@asynccontextmanager
async def watched(server: AsteriskServer) -> AsyncIterator[Dialplan]:
    dialplan = Dialplan()
    async with (
        server.ari_session() as session,
        session.ws_connect("/ari/events", params={"app": "watcher", "subscribeAll": "true"}) as socket,
    ):

        async def read() -> None:
            async for message in socket:
                dialplan.note(json.loads(message.data))

        reading = asyncio.create_task(read())
        try:
            yield dialplan
        finally:
            reading.cancel()
            await asyncio.wait({reading})


def limited(lab: Lab, **limits: float) -> Settings:
    return lab_settings(lab).model_copy(update={"limits": LimitSettings.model_validate(limits)})


@asynccontextmanager
async def callers(lab: Lab, count: int) -> AsyncIterator[None]:
    """So many calls at once over the trunk."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(dialled(lab, "5000"))
        yield


def test_a_call_too_many_rings_a_person_within_200_ms(
    clean_lab: Lab, run: Any, refused_within_s: float
) -> None:
    """Forty calls as fast as they can be placed, with room for ten."""

    async def main() -> None:
        async with (
            serving(limited(clean_lab, max_calls=10), SilentPlane()) as controller,
            watched(clean_lab.pbx) as dialplan,
            callers(clean_lab, 40),
        ):
            await eventually(lambda: len(dialplan.fallback_after_s) == 30, within_s=5.0)
            await eventually(lambda: controller.live_calls == 10)  # its events come by a socket of its own
            slowest_s = max(dialplan.fallback_after_s.values())
            print(f"refused within {1000 * slowest_s:.0f} ms")
            assert slowest_s <= refused_within_s
            assert set(dialplan.state_then.values()) == {"Ring"}, "not answered"

    run(main())


def test_a_draining_service_refuses_and_lets_talk(clean_lab: Lab, run: Any, refused_within_s: float) -> None:
    async def main() -> None:
        ready = asyncio.Event()
        controller = Controller(limited(clean_lab), SilentPlane(), talk_until_gone)
        running = asyncio.create_task(controller.run(ready.set))
        await ready.wait()
        async with watched(clean_lab.pbx) as dialplan, dialled(clean_lab, "5000") as caller:
            await eventually(lambda: controller.live_calls == 1)
            controller.drain()
            async with dialled(clean_lab, "5000"):
                await a_person_answers(clean_lab)
            (refused_after_s,) = dialplan.fallback_after_s.values()
            assert refused_after_s <= refused_within_s
            assert await caller.state() == "Up"
            assert not running.done()
            await caller.hang_up()
            async with asyncio.timeout(3):
                await running

    run(main())
