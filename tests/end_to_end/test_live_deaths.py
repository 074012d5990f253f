"""What a call survives: processes that die, ours and Asterisk's. The caller's own RTP is the witness."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.caller import CallerEventKind, CallerResult, place_call
from ari_bridge.sandbox.lab import MUSIC_HZ, Lab
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Press, Say, Scenario, Wait
from tests.end_to_end.conftest import SCRIPT
from tests.end_to_end.control import rule, tone_s
from tests.end_to_end.worker import Worker
from tests.pbx.helpers import eventually, eventually_await
from tests.pbx.live import listing

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

QUESTION = "what are your opening hours"


def scenario(*steps: Any) -> Scenario:
    return Scenario(did="5000", codec="ulaw", steps=steps)


@asynccontextmanager
async def working(
    lab: Lab, directory: Path, script: str = str(SCRIPT), *, gone_after_s: float = 30.0
) -> AsyncIterator[Worker]:
    worker = Worker(lab, directory, script, gone_after_s=gone_after_s)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def registered(lab: Lab) -> bool:
    """Whether somebody has the Stasis application."""
    return any(item["name"] == "ari_bridge" for item in await listing(lab.pbx, "applications"))


async def orphans(lab: Lab) -> int:
    made = [*await listing(lab.pbx, "channels"), *await listing(lab.pbx, "bridges")]
    return sum(item["id"].startswith("aribridge-") for item in made)


def test_a_call_outlives_the_death_of_the_bridge_process(clean_lab: Lab, run: Run, tmp_path: Path) -> None:
    async def main() -> CallerResult:
        async with working(clean_lab, tmp_path) as worker:
            calling = asyncio.create_task(
                place_call(
                    clean_lab,
                    scenario(
                        *(Wait(Awaited.AGENT_DONE), Pause(400), Say(QUESTION), Wait(Awaited.AGENT_DONE)),
                        *(Pause(8000), Say("goodbye"), Wait(Awaited.HANGUP)),
                    ),
                )
            )
            await worker.seen(LiveKind.AGENT_SAYS, 2)
            await asyncio.sleep(5.0)
            await worker.kill()
            await worker.start()
            again = await worker.seen(LiveKind.CALL_STARTED, 2)
            first = await worker.seen(LiveKind.CALL_STARTED)
            assert again.call_id == first.call_id
            result = await calling
            await worker.seen(LiveKind.CALL_ENDED)
            says = [event.text for event in worker.events if event.kind is LiveKind.AGENT_SAYS]
            assert sum(text.startswith("Hello") for text in says) == 1, "the greeting is skipped"
            assert "Sorry, I lost you for a moment." in says
            (record,) = (tmp_path / "records").glob("*.json")
            text = record.read_text()
            assert "opening hours" in text or "hours" in text, "history was restored"
            assert '"ARIBRIDGESTATUS": "COMPLETED"' in text
            print(f"longest gap {result.longest_gap_ms():.0f} ms")
        return result

    assert run(main()).problem == ""


def test_a_caller_on_hold_and_who_is_asked_are_not_forgotten_in_a_crash(
    clean_lab: Lab, run: Run, tmp_path: Path
) -> None:
    """The bridge process dies in the middle of an attended transfer: the caller hears music, the boss has
    answered. The next process takes the caller back, and lets the boss go."""
    script = tmp_path / "script.toml"
    asks = rule("1", "attended_transfer", destination="boss", briefing="Ada asks for her order.")
    script.write_text(
        f'[[rules]]\nname = "hours"\npatterns = ["{QUESTION}"]\nreply = "From nine to five."\n{asks}'
    )

    async def boss_is_on_the_line() -> bool:
        channels = await listing(clean_lab.carrier, "channels")
        return any(item["dialplan"]["exten"] == "7006" and item["state"] == "Up" for item in channels)

    async def boss_has_gone() -> bool:
        return not await boss_is_on_the_line()

    async def main() -> CallerResult:
        async with working(clean_lab, tmp_path, str(script)) as worker:
            steps = (Wait(Awaited.AGENT_DONE), Pause(300), Press("1"), Pause(9000), Say(QUESTION))
            calling = asyncio.create_task(
                place_call(clean_lab, scenario(*steps, Wait(Awaited.AGENT_DONE), Pause(1000), Hangup()))
            )
            await worker.seen(LiveKind.AGENT_SAYS, 2)
            await eventually_await(boss_is_on_the_line, 8.0)
            await asyncio.sleep(0.5)
            await worker.kill()
            await worker.start()
            await worker.seen(LiveKind.CALL_STARTED, 2)
            await eventually_await(boss_has_gone, 3.0)
            result = await calling
            await worker.seen(LiveKind.CALL_ENDED)
            says = [event.text for event in worker.events if event.kind is LiveKind.AGENT_SAYS]
            assert says[-1] == "From nine to five.", "the caller is heard again"
            assert await orphans(clean_lab) == 0
        return result

    result = run(main())
    assert result.problem == ""
    audio, rate_hz = result.recording.agent, result.recording.rate_hz
    assert tone_s(audio, MUSIC_HZ, rate_hz) > 0.5
    assert tone_s(audio[-4 * rate_hz :], MUSIC_HZ, rate_hz) == 0, "the music has ended"


def test_calls_of_an_asterisk_that_is_gone_end_and_those_after_its_return_are_answered(
    lab: Lab, run: Run, tmp_path: Path
) -> None:
    """Not `clean_lab`: another Asterisk than before is our child afterwards."""

    async def main() -> None:
        async with working(lab, tmp_path, gone_after_s=1.5) as worker:
            cut_off = asyncio.create_task(
                place_call(lab, scenario(Wait(Awaited.AGENT_STARTS), Wait(Awaited.HANGUP, 40.0)))
            )
            await worker.seen(LiveKind.AGENT_SAYS)
            pid = lab.pbx.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await worker.seen(LiveKind.CALL_ENDED)
            await eventually(lambda: len(list((tmp_path / "records").glob("*.json"))) == 1)
            await lab.pbx.restart()
            await eventually_await(lambda: registered(lab), 5.0)
            cut_off.cancel()
            await asyncio.wait({cut_off})
            result = await place_call(lab, scenario(Wait(Awaited.AGENT_DONE), Hangup()))
            assert result.problem == ""
            await worker.seen(LiveKind.CALL_ENDED, 2)
            ended = [event.call_id for event in worker.events if event.kind is LiveKind.CALL_ENDED]
            assert len(ended) == len(set(ended)) == 2

            async def clean() -> bool:
                return await orphans(lab) == 0

            await eventually_await(clean, 5.0)
        assert result.first(CallerEventKind.AGENT_STARTED) is not None

    run(main())
