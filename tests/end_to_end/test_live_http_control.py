"""Calls led from outside by the HTTP API, before a real Asterisk: a person takes part, or has them placed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ari_bridge.core.audio import dbfs
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.lab import MUSIC_HZ, Lab
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Say, Wait
from ari_bridge.settings import WebSettings
from ari_bridge.web import api
from tests.end_to_end.control import Kept, log_says, said, scenario, tone_s

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

SUPERVISOR_HZ = 850.0
TOKEN = "a-token-for-tests"
OUTBOUND = {"endpoint": "PJSIP/{number}@carrier", "agent": "reception", "ring_s": 10}


@asynccontextmanager
async def calling(service: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the HTTP API."""
    settings = WebSettings.model_validate({"port": 0, "token": TOKEN})
    async with (
        api.serving(settings, service.inside.switchboard) as (host, port),
        aiohttp.ClientSession(
            f"http://{host}:{port}", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as session,
    ):
        yield session


async def do(session: aiohttp.ClientSession, verb: str, **arguments: Any) -> str:
    """The verb on the one call that is up."""
    for _ in range(200):
        async with session.get("/calls") as answer:
            calls = (await answer.json())["calls"]
        if calls:
            break
        await asyncio.sleep(0.05)
    async with session.post(f"/calls/{calls[0]['call_id']}/{verb}", json=arguments) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["result"])


def test_a_person_holds_and_takes_back_over_http(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled() as service, calling(service) as session:
            call = asyncio.create_task(
                place_call(
                    service.lab,
                    scenario(
                        Pause(4000), Say("what are your opening hours"), Wait(Awaited.AGENT_DONE), Hangup()
                    ),
                )
            )
            await service.seen(LiveKind.AGENT_SAYS)
            await do(session, "hold")
            await asyncio.sleep(1.5)
            await do(session, "unhold")
            result = await call
            record = await service.record()
        assert result.problem == ""
        recording = result.recording
        assert tone_s(recording.agent, MUSIC_HZ, recording.rate_hz) >= 0.8
        assert "nine to five" in said(record)

    run(main())


def test_a_supervisor_listens_and_whispers(controlled: Any, run: Run) -> None:
    """The whisperer is a tone, which only the level takes for a voice: no words, but it stops the agent."""

    async def main() -> None:
        async with controlled(media={"voice_activity": "energy"}) as service, calling(service) as session:
            heard = Kept(service.lab, "7006")
            call = asyncio.create_task(place_call(service.lab, scenario(Pause(9000), Hangup())))
            await service.seen(LiveKind.AGENT_SAYS)
            assert "hears the call" in await do(session, "supervise", destination="boss", mode="whisper")
            result = await call
            await service.record()
            assert dbfs(await heard.pcm()) > -45, "the supervisor hears the agent's answer"
            kinds = [event.kind for event in service.events]
        assert result.problem == ""
        recording = result.recording
        assert tone_s(recording.agent, SUPERVISOR_HZ, recording.rate_hz) < 0.5, "not for the caller"
        assert LiveKind.AGENT_PAUSED in kinds or LiveKind.CALLER_SAID in kinds

    run(main())


def test_a_call_is_placed_and_a_person_gets_the_agent(controlled: Any, run: Run) -> None:
    """By FreePBX's contexts; the plain ones sort the machine below."""

    async def main() -> None:
        campaign = {**OUTBOUND, "context": "ari-bridge-freepbx-outbound"}
        async with (
            controlled(outbound={"campaign": campaign}) as service,
            calling(service) as session,
        ):
            async with session.post("/calls", json={"outbound": "campaign", "number": "7010"}) as answer:
                call_id = (await answer.json())["call_id"]
            assert (await service.seen(LiveKind.AGENT_SAYS)).call_id == call_id
            assert "ends" in await do(session, "hangup")
            record = await service.record()
            assert record["call_id"] == call_id
            assert "HUMAN:" in await _amd(service.lab.pbx)

    run(main())


def test_a_machine_gets_the_message_and_no_agent(controlled: Any, run: Run, lab: Lab) -> None:
    async def main() -> None:
        heard = Kept(lab, "7011")
        message = str(lab.pbx.directory / "music/hold")
        async with (
            controlled(
                outbound={"campaign": {**OUTBOUND, "variables": {"ARIBRIDGEDROP": message}}}
            ) as service,
            calling(service) as session,
        ):
            async with session.post("/calls", json={"outbound": "campaign", "number": "7011"}) as answer:
                assert answer.status == 202
            assert await log_says(lab.pbx, 'Playback("PJSIP/carrier', within_s=20)
            await asyncio.sleep(2.0)
            await lab.carrier.cli("channel request hangup all")
            record = await service.record()
            assert record["variables"]["ARIBRIDGECAUSE"] == "MACHINE"
            assert service.events == [], "no agent"
        await asyncio.sleep(0.5)
        assert tone_s(await heard.pcm(), MUSIC_HZ, 8000) >= 1.0, "the message"

    run(main())


@pytest.mark.parametrize(
    ("number", "cause"),
    [("7001", "USER_BUSY"), ("7002", "NO_ANSWER"), ("7003", "REJECTED"), ("7099", "UNREACHABLE")],
)
def test_who_is_not_reached_is_told_and_recorded(controlled: Any, run: Run, number: str, cause: str) -> None:
    async def main() -> None:
        campaign = {**OUTBOUND, "ring_s": 2}
        async with controlled(outbound={"campaign": campaign}) as service, calling(service) as session:
            async with session.post("/calls", json={"outbound": "campaign", "number": number}) as answer:
                call_id = (await answer.json())["call_id"]
            record = await service.record()
            async with session.get(f"/calls/{call_id}") as answer:
                assert await answer.json() == {"state": "ended", "status": "NOT_REACHED", "cause": cause}
        assert (record["call_id"], record["caller_number"]) == (call_id, number)
        assert record["variables"]["ARIBRIDGESTATUS"] == "NOT_REACHED"
        assert record["variables"]["ARIBRIDGECAUSE"] == cause

    run(main())


async def _amd(pbx: AsteriskServer) -> str:
    log = (pbx.directory / "log/full").read_text("utf-8", "replace")
    return "\n".join(line for line in log.splitlines() if "AMD" in line)
