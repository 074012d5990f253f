"""Limits as a caller meets them: a goodbye that is heard, a person instead of an agent without room, and a
service that stops without cutting anybody off."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.cli import files
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.caller import CallerEventKind, place_call
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Scenario, Wait

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

STAY = (Wait(Awaited.AGENT_STARTS), Pause(4000), Hangup())
UNTIL_A_PERSON = (Wait(Awaited.AGENT_STARTS), Wait(Awaited.HUMAN_ANSWERS), Hangup())
A_PERSON = (Wait(Awaited.HUMAN_ANSWERS), Hangup())


def scenario(*steps: Any) -> Scenario:
    return Scenario(did="5000", codec="ulaw", steps=steps)


def test_the_time_is_up_and_the_caller_hears_a_goodbye(serving: Any, run: Run) -> None:
    agent = {"greeting": "Hello.", "goodbye": "Our time is up. Goodbye."}

    async def main() -> None:
        async with serving(agents={"reception": agent}, limits={"max_duration_s": 3}) as service:
            result = await place_call(
                service.lab, scenario(Wait(Awaited.AGENT_DONE), Wait(Awaited.HANGUP, timeout_s=15))
            )
            record = await service.record()
        assert result.problem == ""
        assert record["variables"]["ARIBRIDGESTATUS"] == "TIMEOUT"
        assert record["variables"]["ARIBRIDGECAUSE"] == "MAX_DURATION"
        goodbye = record["turns"][-1]
        assert goodbye["heard"] == goodbye["text"] == "Our time is up. Goodbye."
        hung_up = result.first(CallerEventKind.HUNG_UP)
        assert hung_up is not None
        assert hung_up.text == "other side"
        spoke_last_s = max(e.at_s for e in result.events if e.kind is CallerEventKind.AGENT_STARTED)
        assert 3.0 < spoke_last_s - record["start_monotonic_s"] < 4.0, "in the caller's RTP"

    run(main())


def test_a_caller_without_a_place_reaches_a_person(serving: Any, run: Run) -> None:
    async def main() -> None:
        async with serving(limits={"max_calls": 1}) as service:
            assert service.inside.ready
            first = asyncio.create_task(place_call(service.lab, scenario(*STAY)))
            await service.seen(LiveKind.AGENT_SAYS)
            assert service.inside.obstacles() == ["all 1 calls are taken"]
            second = await place_call(service.lab, scenario(*A_PERSON))
            assert second.problem == ""
            assert (await first).problem == ""
            await service.record()

    run(main())


# ------------------------------------------------------------------ the process and its signals


@asynccontextmanager
async def process(
    lab: Lab, directory: Path, drain_timeout_s: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`ari-bridge run`, ready."""
    contents = files.service_files(lab.pbx.http_url, lab.pbx.ari_password)
    files.write_all(directory, contents, overwrite=True)
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ari_bridge.cli.main", "run", str(directory / files.SETTINGS)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "ARI_BRIDGE_LIMITS__DRAIN_TIMEOUT_S": str(drain_timeout_s)},
    )
    try:
        assert started.stdout is not None
        assert (await started.stdout.readline()).startswith(b"ready")
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def _talking(lab: Lab) -> None:
    async with lab.pbx.ari_session() as session:
        for _ in range(200):
            async with session.get("/ari/bridges") as answer:
                if any(len(bridge["channels"]) == 2 for bridge in await answer.json()):
                    return
            await asyncio.sleep(0.02)
    raise AssertionError("nobody talks")


def test_sigterm_lets_the_call_finish_and_sends_the_next_to_a_person(
    clean_lab: Lab, run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with process(clean_lab, tmp_path, 60) as service:
            first = asyncio.create_task(place_call(clean_lab, scenario(*STAY)))
            await _talking(clean_lab)
            service.send_signal(signal.SIGTERM)
            second = await place_call(clean_lab, scenario(*A_PERSON))
            assert second.problem == ""
            assert service.returncode is None
            result = await first
            assert result.problem == "", "it heard the agent, and hung up when it wanted"
            async with asyncio.timeout(5):
                assert await service.wait() == 0

    run(main())


@pytest.mark.parametrize(("drain_timeout_s", "signals"), [(1, 1), (60, 2)], ids=["timeout", "twice"])
def test_who_may_not_stay_reaches_a_person(
    clean_lab: Lab, run: Run, tmp_path: Path, drain_timeout_s: int, signals: int
) -> None:
    async def main() -> None:
        async with process(clean_lab, tmp_path, drain_timeout_s) as service:
            call = asyncio.create_task(place_call(clean_lab, scenario(*UNTIL_A_PERSON)))
            await _talking(clean_lab)
            await asyncio.sleep(1.0)
            for _ in range(signals):
                service.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.1)
            async with asyncio.timeout(5):
                assert await service.wait() == 0
            assert (await call).problem == ""

    run(main())
