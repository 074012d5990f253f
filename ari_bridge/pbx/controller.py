"""Takes the calls that Asterisk hands to our application, and keeps them apart.

The pump calls `_on_event`, which only finds the call and enqueues; each call runs in a task of its own, so
no call waits for another. `run` holds all of these tasks, and none is left when it returns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ari_bridge.core.errors import AppReplaced, AsteriskError
from ari_bridge.media.plane import MediaPlane
from ari_bridge.pbx import preflight
from ari_bridge.pbx.call import CallHandler
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import ApplicationReplaced, AriEvent, ChannelEnded, DtmfReceived, StasisStart
from ari_bridge.pbx.live import LiveCall
from ari_bridge.pbx.names import Names, new_call_id
from ari_bridge.pbx.orders import CallerLeft, LegEntered, LegLeft, ShutDown
from ari_bridge.pbx.outbound import place
from ari_bridge.pbx.pump import EventPump
from ari_bridge.pbx.sweep import sweep
from ari_bridge.pbx.work import Surroundings
from ari_bridge.settings import OutboundSettings, Settings

logger = logging.getLogger(__name__)

STOP_WITHIN_S = 20.0
"""A handler's 5 s, and a few requests that each run into their time limit."""


class Controller:
    """The PBX side of the service. One `run` per instance."""

    def __init__(self, settings: Settings, media: MediaPlane, handler: CallHandler) -> None:
        self._settings = settings
        self._media = media
        self._handler = handler
        self._names = Names(settings.asterisk.app)
        self._calls: dict[str, LiveCall] = {}
        """By call id."""
        self._callers: dict[str, LiveCall] = {}
        """By the caller's channel id, until the caller has left."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def live_calls(self) -> int:
        return len(self._calls)

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled; then every caller goes on in the dialplan with FAILED, SHUTDOWN.

        `ready` is called once, when the next call would be taken. Before it, raises AsteriskError or
        SettingsError for what an operator has to mend; after it, only AppReplaced.
        """
        async with AriClient(self._settings.asterisk) as client:
            abilities = await preflight.check(client, self._settings.media, self._media)
            self._around = Surroundings(
                settings=self._settings,
                client=client,
                names=self._names,
                media=self._media,
                handler=self._handler,
                abilities=abilities,
            )
            pump = EventPump(
                client, on_event=self._on_event, before_open=self._sweep, after_return=self._resync
            )
            reader: asyncio.Task[None] | None = None
            try:
                await pump.open()
                reader = asyncio.create_task(pump.run(), name="events")
                ready()
                await asyncio.wait({reader})
                reader.result()
            finally:
                await self._stop()
                if reader is not None:
                    reader.cancel()
                    await asyncio.wait({reader})
                await pump.close()

    async def place(
        self, outbound: OutboundSettings, number: str, variables: Mapping[str, str] | None = None
    ) -> str:
        """Ring `number`; the dialplan hands us the call when it is answered. Returns the id that it will
        have. Raises AsteriskError; ValueError for what is no number."""
        return await place(self._around.client, self._names, outbound, number, variables or {})

    # -------------------------------------------------------------- events

    def _on_event(self, event: AriEvent) -> None:
        match event:
            case StasisStart(channel):
                call_id = self._names.owner(channel.id)
                if call_id is None:
                    self._take(event)
                elif call_id not in self._calls:
                    self._hold(self._delete_late(channel.id))
                elif part := self._calls[call_id].part(channel.id):
                    part.entered()
                elif self._names.call_of_leg(channel.id):
                    self._calls[call_id].notice(LegEntered())
            case ChannelEnded(channel_id, cause):
                call_id = self._names.owner(channel_id)
                if call_id is None:
                    caller = self._callers.pop(channel_id, None)
                    if caller is not None:
                        caller.notice(CallerLeft())
                elif call_id not in self._calls:
                    return
                elif part := self._calls[call_id].part(channel_id):
                    part.ended(cause)
                elif self._names.call_of_leg(channel_id):
                    self._calls[call_id].notice(LegLeft())
            case DtmfReceived(channel_id, digit, duration_ms):
                call_id = self._names.call_of_part(channel_id)
                if channel_id in self._callers:
                    self._callers[channel_id].press(digit, duration_ms)
                elif call_id in self._calls and (part := self._calls[call_id].part(channel_id)):
                    part.pressed(digit)
            case ApplicationReplaced(app) if app == self._settings.asterisk.app:
                raise AppReplaced(
                    f"asterisk.app: another program has taken over the Stasis application {app!r}: its calls"
                    " go there now; give each program an application of its own"
                )

    def _take(self, start: StasisStart) -> None:
        known = self._callers.get(start.channel.id)
        if known is not None and not known.leaving:
            return
        if known is not None:  # the dialplan sent it back to us before we read that it had left
            known.notice(CallerLeft())
        placed = self._names.call_of_outbound(start.channel.id)
        call_id = placed if placed is not None and placed not in self._calls else new_call_id()
        call = LiveCall(self._around, start, call_id)
        self._calls[call.call_id] = call
        self._callers[call.channel_id] = call
        if self._stopping:
            call.notice(ShutDown())
        self._hold(self._serve(call))

    async def _serve(self, call: LiveCall) -> None:
        try:
            await call.run()
        except Exception:  # a supervising root: the other calls go on
            logger.exception("call %s: failed", call.call_id)
        finally:
            del self._calls[call.call_id]
            if self._callers.get(call.channel_id) is call:
                del self._callers[call.channel_id]

    async def _delete_late(self, channel_id: str) -> None:
        """Its call ended before Asterisk had made it (a POST whose answer was lost)."""
        try:
            await self._around.client.hang_up(channel_id)
        except AsteriskError as error:
            logger.warning("channel %s may be left in Asterisk: %s", channel_id, error)

    # -------------------------------------------------------------- lost events

    async def _sweep(self) -> None:
        await sweep(self._around.client, self._names, {*self._calls, *self._callers})

    async def _resync(self) -> None:
        """End the calls whose channel ended while no events came."""
        before = list(self._calls.values())
        entered = {call.call_id for call in before if call.leg_entered}
        channels = {channel.id: channel for channel in await self._around.client.channels()}
        for call in before:
            caller = channels.get(call.channel_id)
            if caller is None or caller.app_name not in ("", "Stasis"):
                self._on_event(ChannelEnded(call.channel_id))
            if call.call_id in entered and call.leg_id not in channels:
                call.notice(LegLeft())
            for part_id in call.part_ids:
                if part_id not in channels:
                    self._on_event(ChannelEnded(part_id))

    # -------------------------------------------------------------- tasks

    def _hold(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self) -> None:
        self._stopping = True
        for call in self._calls.values():
            call.notice(ShutDown())
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=STOP_WITHIN_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
