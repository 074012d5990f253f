"""For tests before a real Asterisk: a caller on the carrier, and a TCP proxy that delays and cuts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.lab import Lab
from ari_bridge.settings import AgentSettings, AsteriskSettings, DestinationSettings, Settings
from tests.pbx.helpers import eventually, eventually_await


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


class Wire:
    """A TCP proxy: what it carries may be late, each connection for itself, and may be cut."""

    def __init__(self, target_port: int, delay_s: float) -> None:
        self._target_port = target_port
        self._delay_s = delay_s
        self._open: set[asyncio.StreamWriter] = set()
        self.up = True

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self.cut()
        self._server.close()
        await eventually(lambda: not self._open)

    def cut(self) -> None:
        """Reset what is open; new connections are refused until `up` again."""
        self.up = False
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if not self.up:
            near_out.transport.abort()
            return
        far, far_out = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._open |= {near_out, far_out}
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._way(near, far_out))
                ways.create_task(self._way(far, near_out))
        finally:
            for writer in (near_out, far_out):
                self._open.discard(writer)
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _way(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await asyncio.sleep(random.uniform(0, self._delay_s))
                sink.write(data)
                await sink.drain()
        with suppress(OSError):
            sink.close()


@asynccontextmanager
async def wire(server: AsteriskServer, delay_s: float = 0.0) -> AsyncIterator[Wire]:
    proxy = Wire(server.http_port, delay_s)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
