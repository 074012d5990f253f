"""What the service survives: connections that drop in every way. The caller's own RTP is the witness."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.core.errors import AppReplaced
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.proxy import Kind, Proxy, Refusal, proxying
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Say, Scenario, Wait
from tests.pbx.helpers import eventually

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

GAP_MS = 40
NOTICED_WITHIN_S = 5.0
BACK_WITHIN_S = 2.0
LONG_TALK = (Wait(Awaited.AGENT_DONE), Pause(400), Say("tell me about the company"))


def scenario(*steps: Any) -> Scenario:
    return Scenario(did="5000", codec="ulaw", steps=steps)


def asterisk(lab: Lab, proxy: Proxy) -> dict[str, str]:
    return {"url": proxy.url, "username": lab.pbx.ari_user, "password": lab.pbx.ari_password}


def drop(proxy: Proxy, how: str) -> None:
    {"reset": proxy.reset, "close": proxy.close, "swallow": proxy.swallow}[how](Kind.WEBSOCKET)


@pytest.mark.parametrize(("how", "lasts_ms"), [("reset", 6000), ("close", 6000), ("swallow", 11_000)])
def test_a_dropped_connection_is_not_heard_by_the_caller(
    serving: Any, run: Run, clean_lab: Lab, how: str, lasts_ms: int
) -> None:
    async def main() -> None:
        async with (
            proxying(clean_lab.pbx.http_port) as proxy,
            serving(asterisk=asterisk(clean_lab, proxy)) as service,
        ):
            calling = asyncio.create_task(
                place_call(clean_lab, scenario(*LONG_TALK, Pause(lasts_ms), Hangup()))
            )
            await service.seen(LiveKind.CALLER_SAID)
            drops = []
            for _ in range(2):
                dropped_s = time.monotonic()
                drop(proxy, how)
                await eventually(lambda: not service.inside.ready, NOTICED_WITHIN_S)
                noticed_s = time.monotonic()
                await eventually(lambda: service.inside.ready, BACK_WITHIN_S)
                back_s = time.monotonic()
                print(f"{how}: noticed {noticed_s - dropped_s:.3f} s, back {back_s - noticed_s:.3f} s")
                await asyncio.sleep(0.2)
                drops.append((dropped_s, back_s + 0.2))
            result = await calling
            record = await service.record()
        assert result.problem == ""
        gaps_ms = [result.longest_gap_ms(*drop) for drop in drops]
        print(f"longest gaps while the connection was down or returned: {gaps_ms}")
        # What we do about a drop, we do each time; a busy machine stalls now and then.
        assert min(gaps_ms) <= GAP_MS
        assert record["variables"]["ARIBRIDGESTATUS"] == "HANGUP"

    run(main())


def test_a_dead_network_is_noticed_and_its_return_too(serving: Any, run: Run, clean_lab: Lab) -> None:
    """Everything is swallowed, new connections too; who hangs up and who calls meanwhile is found out."""

    async def main() -> None:
        async with (
            proxying(clean_lab.pbx.http_port) as proxy,
            serving(asterisk=asterisk(clean_lab, proxy)) as service,
        ):
            leaves = asyncio.create_task(
                place_call(clean_lab, scenario(Wait(Awaited.AGENT_DONE), Pause(1500), Hangup()))
            )
            await service.seen(LiveKind.AGENT_SAYS)
            proxy.swallow()
            proxy.refusal = Refusal.SWALLOW
            await eventually(lambda: not service.inside.ready, NOTICED_WITHIN_S)
            assert (await leaves).problem == ""
            assert service.inside.live_calls == 1, "nobody could know"
            comes = asyncio.create_task(place_call(clean_lab, scenario(Wait(Awaited.AGENT_DONE), Hangup())))
            await asyncio.sleep(3.0)
            asked, seconds = proxy.accepted, 2.0
            await asyncio.sleep(seconds)
            assert proxy.accepted - asked <= 3 * seconds, "no busy spin"
            proxy.refusal = Refusal.NONE
            await eventually(lambda: service.inside.ready, BACK_WITHIN_S)
            assert (await comes).problem == "", "it was taken when we were back"
            await service.record(2)

    run(main())


def test_an_asterisk_that_stands_still_for_a_while(serving: Any, run: Run, clean_lab: Lab) -> None:
    async def main() -> None:
        async with serving() as service:
            calling = asyncio.create_task(
                place_call(
                    clean_lab,
                    scenario(*LONG_TALK[:2], Pause(9000), Say("goodbye"), Wait(Awaited.HANGUP)),
                )
            )
            await service.seen(LiveKind.AGENT_SAYS)
            pid = clean_lab.pbx.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            try:
                await eventually(lambda: not service.inside.ready, NOTICED_WITHIN_S)
                await asyncio.sleep(1.0)
            finally:
                os.kill(pid, signal.SIGCONT)
            await eventually(lambda: service.inside.ready, BACK_WITHIN_S)
            result = await calling
            record = await service.record()
        assert result.problem == ""
        assert record["variables"]["ARIBRIDGESTATUS"] == "COMPLETED"

    run(main())


def test_an_application_that_is_taken_over_ends_the_service_after_its_calls(
    serving: Any, run: Run, clean_lab: Lab
) -> None:
    async def main() -> None:
        async with clean_lab.pbx.ari_session() as session, serving() as service:
            calling = asyncio.create_task(
                place_call(clean_lab, scenario(Wait(Awaited.AGENT_DONE), Pause(3000), Hangup()))
            )
            await service.seen(LiveKind.AGENT_SAYS)
            async with session.ws_connect("/ari/events", params={"app": "ari_bridge"}) as other:
                await eventually(lambda: not service.inside.ready)
                assert service.inside.obstacles()[0] == "another program has the Stasis application"
                await asyncio.sleep(2.5)
                assert service.inside.live_calls == 1
                assert not other.closed, "not fought for"
                result = await calling
                await service.record()
                assert result.problem == ""
                await eventually(lambda: service.inside.obstacles() == ["not started"])

    with pytest.raises(AppReplaced):
        run(main())
