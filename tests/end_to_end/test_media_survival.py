"""The media plane in trouble in the middle of real calls: what the caller hears, and where calls go."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.errors import MediaProcessDied
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.media.keeper import DEATHS_MAX
from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.recording import Recording
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Say, Scenario, Wait

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

GREETING = "Hello, this is the reception. We are open from nine to five. How can I help you today?"
AUDIBLE = 300


def media_processes() -> list[int]:
    """Process ids, the one that has lived longest first: the one that serves."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    pids = [
        int(pid)
        for pid in children
        if b"ari_bridge.media.process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return sorted(
        pids, key=lambda pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    )


async def kill_the_one_that_serves() -> None:
    """kill -9, once another one stands by."""
    while len(media_processes()) < 2:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    os.kill(media_processes()[0], signal.SIGKILL)


def longest_silence_s(recording: Recording, start_s: float, end_s: float) -> float:
    """In what the caller got from the agent between those two audible instants."""
    first, last = (
        round((at_s - recording.start_monotonic_s) * recording.rate_hz) for at_s in (start_s, end_s)
    )
    audible = np.flatnonzero(np.abs(recording.agent[first:last].astype(np.int32)) > AUDIBLE)
    return float(np.diff(audible).max()) / recording.rate_hz


def test_the_agent_finishes_its_sentence_though_the_media_process_is_killed(
    serving: Any, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        agents = {"reception": {"greeting": GREETING}}
        async with serving(agents=agents) as service:
            steps = (Wait(Awaited.AGENT_DONE), Pause(400), Say("what are your opening hours"))
            call = asyncio.create_task(
                place_call(
                    service.lab,
                    Scenario(did="5000", codec="ulaw", steps=(*steps, Wait(Awaited.AGENT_DONE), Hangup())),
                )
            )
            await service.seen(LiveKind.AGENT_SAYS)
            await asyncio.sleep(1.0)
            await kill_the_one_that_serves()
            result = await call
            record = await service.record()
        assert result.problem == ""
        greeting, question, answer = record["turns"][:3]
        assert greeting["heard"] == greeting["text"] == GREETING
        assert "hours" in question["text"]
        assert "nine" in answer["text"]
        assert answer["heard"] == answer["text"]
        assert record["variables"]["ARIBRIDGESTATUS"] == "HANGUP"
        start_s = record["start_monotonic_s"]
        silence_s = longest_silence_s(
            result.recording, start_s + greeting["start_ms"] / 1000, start_s + greeting["end_ms"] / 1000
        )
        assert silence_s < 1.0
        print(f"longest silence in the greeting: {silence_s * 1000:.0f} ms")

    run(main())
    assert (
        sum("another media process went on with 1 calls" in line.getMessage() for line in caplog.records) == 1
    )


def test_a_plane_beyond_repair_ends_the_service_and_calls_go_to_the_dialplan(serving: Any, run: Run) -> None:
    async def main() -> None:
        async with serving() as service:
            steps = (Wait(Awaited.AGENT_STARTS), Wait(Awaited.HUMAN_ANSWERS), Hangup())
            call = asyncio.create_task(
                place_call(service.lab, Scenario(did="5000", codec="ulaw", steps=steps))
            )
            await service.seen(LiveKind.AGENT_SAYS)
            for _ in range(DEATHS_MAX + 1):
                await kill_the_one_that_serves()
            result = await call
            assert result.problem == ""
            assert (await service.record())["variables"]["ARIBRIDGESTATUS"] == "FAILED"

    with pytest.raises(MediaProcessDied, match=r"^the media process ended: by signal 9.*more than 5 times"):
        run(main())


def test_a_call_too_many_goes_to_the_dialplan_and_harms_no_other(
    serving: Any, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(media={"max_calls": 1}) as service:
            steps = (Wait(Awaited.AGENT_DONE), Pause(2500), Say("what are your opening hours"))
            first = asyncio.create_task(
                place_call(
                    service.lab,
                    Scenario(did="5000", codec="ulaw", steps=(*steps, Wait(Awaited.AGENT_DONE), Hangup())),
                )
            )
            await service.seen(LiveKind.AGENT_SAYS)
            too_many = await place_call(
                service.lab,
                Scenario(did="5000", codec="ulaw", steps=(Wait(Awaited.HUMAN_ANSWERS), Hangup())),
            )
            assert too_many.problem == ""
            assert (await first).problem == ""
            record = await service.record()
        assert "nine" in record["turns"][2]["text"]
        assert record["media"]["mos"] > 4.0

    run(main())
    lines = [
        line.getMessage()
        for line in caplog.records
        if "not taken: BUSY (limits, media.max_calls)" in line.getMessage()
    ]
    assert len(lines) == 1
