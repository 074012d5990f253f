"""The composition root: builds everything from the settings, serves calls, stops clean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from ari_bridge.actions.registry import actions
from ari_bridge.agents import build_agents
from ari_bridge.call import Agent, keep_unreached, run_call
from ari_bridge.core.errors import SettingsError
from ari_bridge.dialogue.live import LiveEvent, Observer
from ari_bridge.media.plane import MediaPlane
from ari_bridge.media.port import ProcessPlane
from ari_bridge.pbx.call import Outcome, PbxCall
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.controller import Controller, nothing_left
from ari_bridge.pbx.outbound import PlacedCall
from ari_bridge.providers.engines import Engines
from ari_bridge.settings import Settings
from ari_bridge.store.database import CallStore
from ari_bridge.switchboard import Switchboard
from ari_bridge.tools.workshop import Workshop

log = logging.getLogger(__name__)


def _unobserved(event: LiveEvent) -> None:
    pass


class Service:
    """Everything, for one Asterisk. One `run` per instance."""

    def __init__(self, settings: Settings, *, observer: Observer = _unobserved) -> None:
        self._settings = settings
        self._observer = observer
        self._agents: dict[str, Agent] = {}
        self._controller: Controller | None = None
        self._store: CallStore | None = None
        self.switchboard = Switchboard()
        """The calls that are up, for who acts on them from outside."""

    # -------------------------------------------------------------- while it runs

    @property
    def live_calls(self) -> int:
        return 0 if self._controller is None else self._controller.live_calls

    @property
    def ready(self) -> bool:
        """Whether a call that came now would be answered."""
        return not self.obstacles()

    def obstacles(self) -> list[str]:
        """Why it would not be; for an operator."""
        if self._controller is None:
            return ["not started"]
        return self._controller.obstacles()

    def drain(self) -> None:
        """Take no more calls: `run` returns when those that are here have ended, or limits.drain_timeout_s
        is over. Before `run` has called `ready` there is nothing to drain: cancel it."""
        if self._controller is not None:
            self._controller.drain()

    # -------------------------------------------------------------- its life

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Answer calls until drained or cancelled.

        Everything that can be wrong with the settings, the engines, the UDP port or the PBX is found before
        `ready` is called, and raised as an AriBridgeError of one line. At the end each call that is left is
        handed back to the dialplan; nothing is left on the PBX. So it is when the media plane is beyond
        repair; then MediaProcessDied is raised.
        """
        if not self._settings.agents:
            raise SettingsError("agents: there is no agent; add a table [agents.NAME]")
        async with AsyncExitStack() as stack:
            engines = Engines(self._settings)
            stack.push_async_callback(engines.close)
            if self._settings.store.file is not None:
                self._store = await CallStore.open(self._settings.store.file, self._settings.asterisk.app)
                stack.push_async_callback(self._store.close)
            tools = await Workshop.open(self._settings, actions())
            stack.push_async_callback(tools.close)
            self._agents = build_agents(self._settings, engines, tools)
            plane = await ProcessPlane.start(self._settings.media)
            stack.push_async_callback(plane.close)
            await self._serve(plane, ready)

    async def _serve(self, plane: ProcessPlane, ready: Callable[[], None]) -> None:
        left_behind = nothing_left if self._store is None else self._store.left_behind
        controller = self._controller = Controller(
            self._settings, plane, self._handle, left_behind, self._not_reached
        )
        try:
            with self.switchboard.placing_calls(self._settings.outbound, controller.place):
                await _while_audio_lasts(plane, controller.run(ready))
        finally:
            self._controller = None

    async def _handle(self, call: PbxCall) -> Outcome:
        return await run_call(
            call,
            self._agents[call.info.agent],
            observer=self._observer,
            record_directory=self._settings.records.directory,
            store=self._store,
            switchboard=self.switchboard,
        )

    async def _not_reached(self, call: PlacedCall, cause: Cause) -> None:
        await keep_unreached(
            call,
            cause,
            record_directory=self._settings.records.directory,
            store=self._store,
            switchboard=self.switchboard,
        )


async def _while_audio_lasts(plane: MediaPlane, serving: Coroutine[Any, Any, None]) -> None:
    """Serve; when the plane has failed, stop in order and raise its error."""
    work = asyncio.create_task(serving, name="controller")
    failure = asyncio.create_task(plane.failed(), name="media plane")
    try:
        await asyncio.wait({work, failure}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        failure.cancel()
        await asyncio.wait({work, failure})
    for task in (failure, work):
        if not task.cancelled():
            task.result()
