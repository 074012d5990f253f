"""Helpers of the PBX tests: a media plane without audio, and a controller that runs while a test does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from ari_bridge.core.audio import AudioChunk, Pcm16
from ari_bridge.core.errors import MediaError, PortClosed
from ari_bridge.media.plane import MediaPort, MediaStats
from ari_bridge.pbx.call import CallerGone, CallHandler, Outcome, PbxCall, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.controller import Controller
from ari_bridge.pbx.outbound import PlacedCall
from ari_bridge.settings import (
    AgentSettings,
    AsteriskSettings,
    MediaSettings,
    OutboundSettings,
    Settings,
)
from tests.pbx.fake_ari import PASSWORD, FakeAri, FakeChannel


class SilentPort:
    """A MediaPort that hears and says nothing."""

    rate_hz = 8000
    heard = 0
    queued = 0
    onset = None
    received = 0

    def __init__(self, codec: str, peer: tuple[str, int]) -> None:
        self.codec = codec
        self.peer = peer
        self.closed = asyncio.Event()

    async def read(self) -> AudioChunk:
        await self.closed.wait()
        raise PortClosed("closed")

    async def play(self, pcm: Pcm16) -> int:
        return 0

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def set_gain_db(self, gain_db: float) -> None:
        pass

    async def flush(self) -> int:
        return 0

    async def wait_heard(self, mark: int) -> None:
        pass

    def stats(self) -> MediaStats:
        return MediaStats(self.codec, received=self.received)

    async def close(self) -> None:
        self.closed.set()


class SilentPlane:
    """A MediaPlane of silent ports."""

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 40404)) -> None:
        self.address = address
        self.ports: list[SilentPort] = []
        self.full = False
        self.serving = True

    async def open(self, codec: str, peer: tuple[str, int], call_id: str) -> MediaPort:
        if self.full:
            raise MediaError("media.max_calls: all rows are taken")
        port = SilentPort(codec, peer)
        self.ports.append(port)
        return port

    async def close(self) -> None:
        pass

    @property
    def open_ports(self) -> int:
        return sum(not port.closed.is_set() for port in self.ports)


REQUEST_TIMEOUT_S = 2.5
"""Short for the tests that wait it out, long for a machine that is busy."""


def settings_for(url: str, password: str, **media: str) -> Settings:
    return Settings(
        asterisk=AsteriskSettings.model_validate(
            {"url": url, "password": password, "request_timeout_s": REQUEST_TIMEOUT_S}
        ),
        agents={"demo": AgentSettings(), "sales": AgentSettings()},
        routes={"default": "sales"},
        outbound={"campaign": OutboundSettings(endpoint="PJSIP/{number}@trunk", agent="demo")},
        media=MediaSettings.model_validate(media),
    )


class Reports:
    """Of placed calls that reached nobody."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Cause]] = []

    async def not_reached(self, call: PlacedCall, cause: Cause) -> None:
        self.seen.append((call.call_id, cause))


async def talk_until_gone(call: PbxCall) -> Outcome:
    while not isinstance(await call.next_event(), CallerGone):
        pass
    return Outcome(Status.HANGUP, "CALLER")


@asynccontextmanager
async def serving(
    settings: Settings,
    plane: SilentPlane,
    handler: CallHandler = talk_until_gone,
    reports: Reports | None = None,
) -> AsyncIterator[Controller]:
    """A controller, ready. Afterwards it is cancelled, and nothing of it may be left."""
    before = asyncio.all_tasks()
    reports = reports or Reports()
    ready = asyncio.Event()
    controller = Controller(settings, plane, handler, not_reached=reports.not_reached)
    running = asyncio.create_task(controller.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if running.done():
            running.result()
        yield controller
        if running.done():
            running.result()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await eventually(lambda: _own_tasks() - before == set())
    assert controller.live_calls == 0
    assert plane.open_ports == 0


def _own_tasks() -> set[asyncio.Task[object]]:
    """Tasks but those of aiohttp, whose server side the fake ARI is."""
    return {task for task in asyncio.all_tasks() if "aiohttp" not in repr(task)}


async def eventually(fact: Callable[[], bool], within_s: float = 3.0) -> None:
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, "did not become true"
        await asyncio.sleep(0.002)


async def eventually_await(fact: Callable[[], Awaitable[bool]], within_s: float = 3.0) -> None:
    deadline = time.monotonic() + within_s
    while not await fact():
        assert time.monotonic() < deadline, "did not become true"
        await asyncio.sleep(0.05)


class Bench:
    """A fake ARI, a silent plane and a controller between them."""

    def __init__(
        self, ari: FakeAri, plane: SilentPlane, controller: Controller, reports: Reports | None = None
    ) -> None:
        self.ari, self.plane, self.controller = ari, plane, controller
        self.reports = reports or Reports()

    async def talking(self, *args: str) -> FakeChannel:
        caller = await self.ari.call(*(args or ("agent=demo",)))
        await eventually(lambda: self.plane.open_ports == 1 and self.ari.done["addChannel"] == 1)
        return caller

    async def over(self) -> None:
        """The call has ended, and nothing is left of it on either side."""
        await eventually(lambda: self.controller.live_calls == 0, within_s=8.0)
        assert self.plane.open_ports == 0
        assert self.ari.bridges == {}
        assert self.ari.legs == []


@asynccontextmanager
async def bench(handler: CallHandler = talk_until_gone, **media: str) -> AsyncIterator[Bench]:
    async with FakeAri() as ari:
        plane, reports = SilentPlane(), Reports()
        async with serving(settings_for(ari.url, PASSWORD, **media), plane, handler, reports) as controller:
            yield Bench(ari, plane, controller, reports)


def went(channel: FakeChannel) -> tuple[str | None, str, str]:
    """Where the dialplan got it back, with status and cause."""
    variables = channel.variables
    return channel.went_to, variables.get("ARIBRIDGESTATUS", ""), variables.get("ARIBRIDGECAUSE", "")
