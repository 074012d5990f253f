"""For tests before a real Asterisk: a caller on the carrier, and looks at what is in the PBX."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.lab import Lab
from ari_bridge.settings import AgentSettings, AsteriskSettings, DestinationSettings, Settings
from tests.pbx.helpers import eventually_await


def lab_settings(lab: Lab, url: str = "") -> Settings:
    return Settings(
        asterisk=AsteriskSettings.model_validate(
            {
                "url": url or lab.pbx.http_url,
                "username": lab.pbx.ari_user,
                "password": lab.pbx.ari_password,
                "request_timeout_s": 3.0,
            }
        ),
        agents={"reception": AgentSettings(), "sales": AgentSettings()},
        routes={"default": "reception"},
        destinations={"sales": DestinationSettings(context="humans", exten="sales")},
    )


class Caller:
    """Somebody at the carrier who has dialled, and may press digits and hang up."""

    def __init__(self, session: aiohttp.ClientSession, channel_id: str) -> None:
        self._session = session
        self.channel_id = channel_id

    async def press(self, digit: str) -> None:
        path = f"/ari/channels/{self.channel_id}/dtmf"
        async with self._session.post(path, params={"dtmf": digit, "duration": 120}) as answer:
            assert answer.status == 204, await answer.text()

    async def hang_up(self) -> None:
        async with self._session.delete(f"/ari/channels/{self.channel_id}") as answer:
            assert answer.status in (204, 404)

    async def state(self) -> str:
        """Up, Ring, ...; "" when it is gone."""
        async with self._session.get(f"/ari/channels/{self.channel_id}") as answer:
            return str((await answer.json())["state"]) if answer.status == 200 else ""


@asynccontextmanager
async def dialled(lab: Lab, number: str) -> AsyncIterator[Caller]:
    """A call from the carrier to a DID of the PBX, over the SIP trunk."""
    channel_id = f"caller-{random.getrandbits(48):x}"
    async with (
        lab.carrier.ari_session() as session,
        session.ws_connect("/ari/events", params={"app": channel_id}),
    ):
        query = {
            "endpoint": f"PJSIP/{number}@trunk",
            "app": channel_id,
            "callerId": "Ada <5551234>",
            "channelId": channel_id,
        }
        async with session.post("/ari/channels", params=query) as answer:
            assert answer.status == 200, await answer.text()
        caller = Caller(session, channel_id)
        try:
            yield caller
        finally:
            await caller.hang_up()


async def listing(server: AsteriskServer, what: str) -> list[dict[str, Any]]:
    async with server.ari_session() as session, session.get(f"/ari/{what}") as answer:
        found: list[dict[str, Any]] = await answer.json()
        return found


async def a_person_answers(lab: Lab) -> None:
    """The dialplan has rung the human's telephone at the carrier, and it was answered."""

    async def answered() -> bool:
        return any(
            channel["dialplan"]["exten"] == "7000" and channel["state"] == "Up"
            for channel in await listing(lab.carrier, "channels")
        )

    await eventually_await(answered, within_s=8.0)
