"""An Asterisk that is gone for good: its calls are over, and only they."""

from __future__ import annotations

import asyncio

import pytest

from ari_bridge.pbx import controller
from ari_bridge.pbx.vanished import VanishedCalls
from tests.pbx.fake_ari import PASSWORD, FakeAri
from tests.pbx.helpers import SilentPlane, SilentPort, eventually, serving, settings_for, went


def test_who_sends_no_audio_is_gone_after_a_while() -> None:
    calls = VanishedCalls(after_s=10)
    assert calls.look(0, connected=False, packets={"speaks": 1, "silent": 1}) == []
    assert calls.look(9, connected=False, packets={"speaks": 2, "silent": 1}) == []
    assert calls.look(11, connected=False, packets={"speaks": 3, "silent": 1, "new": 0}) == ["silent"]
    assert calls.look(20, connected=False, packets={"speaks": 3, "new": 0}) == []
    assert calls.look(21, connected=False, packets={"speaks": 3, "new": 0}) == ["speaks", "new"]


def test_an_outage_that_ends_counts_for_nothing() -> None:
    calls = VanishedCalls(after_s=10)
    calls.look(0, connected=False, packets={"silent": 1})
    assert calls.look(9, connected=True, packets={"silent": 1}) == []
    assert calls.look(11, connected=False, packets={"silent": 1}) == []


async def _packets(port: SilentPort) -> None:
    while True:
        port.received += 1
        await asyncio.sleep(0.02)


def test_calls_of_an_asterisk_that_is_gone_end_and_the_door_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(controller, "UPKEEP_EVERY_S", 0.05)

    async def main() -> None:
        async with FakeAri() as ari:
            plane = SilentPlane()
            settings = settings_for(ari.url, PASSWORD)
            asterisk = settings.asterisk.model_copy(update={"gone_after_s": 0.5})
            async with serving(settings.model_copy(update={"asterisk": asterisk}), plane) as service:
                silent = await ari.call("agent=demo")
                await eventually(lambda: ari.done["addChannel"] == 1)
                speaks = await ari.call("agent=demo")
                await eventually(lambda: ari.done["addChannel"] == 2)
                ari.status = 503
                await ari.drop_sockets()
                speaking = asyncio.create_task(_packets(plane.ports[1]))
                await eventually(plane.ports[0].closed.is_set)
                assert not plane.ports[1].closed.is_set()
                ari.status = None
                await eventually(lambda: service.connected)
                await eventually(lambda: went(silent) == ("", "FAILED", "STRANDED"))
                await eventually(lambda: service.live_calls == 1)
                assert speaks.went_to is None
                assert len(ari.legs) == len(ari.bridges) == 1
                speaking.cancel()

    asyncio.run(main())
