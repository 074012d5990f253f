"""Takes the calls that Asterisk hands to our application, and keeps them apart.

The pump calls `_on_event`, which only finds the call and enqueues; each call runs in a task of its own, so
no call waits for another. `run` holds all of these tasks, and none is left when it returns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from ari_bridge.core.errors import AppReplaced, AsteriskError, NotReady
from ari_bridge.core.logs import log_call_id
from ari_bridge.media.plane import MediaPlane
from ari_bridge.pbx import preflight
from ari_bridge.pbx.admission import Admission
from ari_bridge.pbx.call import CallHandler, CallInfo
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import (
    AmdTold,
    ApplicationReplaced,
    AriEvent,
    ChannelEnded,
    DtmfReceived,
    HoldChanged,
    StasisStart,
)
from ari_bridge.pbx.live import LiveCall
from ari_bridge.pbx.names import Names, new_call_id
from ari_bridge.pbx.orders import CallerLeft, LegEntered, LegLeft, ShutDown
from ari_bridge.pbx.outbound import NotReached, Outbound, unnoted
from ari_bridge.pbx.party import RungParty
from ari_bridge.pbx.pump import EventPump
from ari_bridge.pbx.resync import Believed
from ari_bridge.pbx.upkeep import Stance, Upkeep
from ari_bridge.pbx.vanished import VanishedCalls
from ari_bridge.pbx.work import Surroundings
from ari_bridge.settings import Settings

logger = logging.getLogger(__name__)

LAST_LOOK_WITHIN_S = 2.0
STOP_WITHIN_S = 20.0
"""A handler's 5 s, and a few requests that each run into their time limit."""
UPKEEP_EVERY_S = 2.0
"""What is left over in Asterisk, for whatever reason, is found and deleted within this and a request."""

LeftBehind = Callable[[], Awaitable[Mapping[str, CallInfo]]]
"""The calls that a worker which died had, by the caller's channel id."""


async def nothing_left() -> Mapping[str, CallInfo]:
    """Nothing is known of any."""
    return {}


class Controller:
    """The PBX side of the service. One `run` per instance."""

    def __init__(
        self,
        settings: Settings,
        media: MediaPlane,
        handler: CallHandler,
        left_behind: LeftBehind = nothing_left,
        not_reached: NotReached = unnoted,
    ) -> None:
        self._settings = settings
        self._media = media
        self._handler = handler
        self._left_behind = left_behind
        self._not_reached = not_reached
        self._names = Names(settings.asterisk.app)
        self._calls: dict[str, LiveCall] = {}
        """By call id."""
        self._callers: dict[str, LiveCall] = {}
        """By the caller's channel id, until the caller has left."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._admission = Admission(settings)
        self._drain = asyncio.Event()
        self._call_ended = asyncio.Event()
        self._pump: EventPump | None = None
        self._stopping = False

    @property
    def live_calls(self) -> int:
        return len(self._calls)

    @property
    def connected(self) -> bool:
        """Events come, and the application is ours."""
        return self._pump is not None and self._pump.connected

    @property
    def taken_calls(self) -> int:
        """Without those that are only on their way back to the dialplan, refused."""
        return sum(call.refusal is None for call in self._calls.values())

    def obstacles(self) -> list[str]:
        """Why a call that came now would not be taken; nothing when it would."""
        found = []
        if self._pump is not None and self._pump.replaced:
            found.append("another program has the Stasis application")
        elif not self.connected:
            found.append("no events from Asterisk")
        if self._admission.draining or self._stopping:
            found.append("draining")
        if not self._media.serving:
            found.append("the media process is being replaced")
        if self._admission.full(self.taken_calls):
            found.append(f"all {self._admission.max_calls} calls are taken")
        return found

    def drain(self) -> None:
        """Take no more calls: `run` returns when those that are here have ended, or limits.drain_timeout_s
        is over."""
        self._admission.draining = True
        self._drain.set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled or drained; then every caller that is left goes on in the dialplan with
        FAILED, SHUTDOWN.

        `ready` is called once, when the next call would be taken. Before it, raises AsteriskError or
        SettingsError for what an operator has to mend; after it, only AppReplaced, when the last call that
        was there then has ended.
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
            self._outbound = Outbound(
                client, self._names, self._settings.outbound, self._not_reached, self._hold
            )
            upkeep = self._upkeep = Upkeep(
                client,
                self._names,
                believed=self._believed,
                on_event=self._on_event,
                adopt=self._adopt,
                left=await self._left_behind(),
                outbound=self._outbound,
            )
            pump = self._pump = EventPump(client, on_event=self._on_event, resync=upkeep.resync)
            watchers: set[asyncio.Task[None]] = set()
            try:
                await pump.open()
                reader = asyncio.create_task(pump.run(), name="events")
                drained = asyncio.create_task(self._drained(), name="drain")
                watchers |= {reader, drained, asyncio.create_task(self._keep_up(upkeep, pump), name="upkeep")}
                await asyncio.sleep(0)  # the reader reads before we say so
                ready()
                await asyncio.wait({reader, drained}, return_when=asyncio.FIRST_COMPLETED)
                if reader.done():
                    reader.result()
            except AppReplaced as error:
                logger.error("%s", error)
                await self._outlive_replacement()
                raise
            finally:
                await self._stop()
                for watcher in watchers:
                    watcher.cancel()
                if watchers:
                    await asyncio.wait(watchers)
                await pump.close()
                if watchers and upkeep.stance is Stance.SERVING:
                    upkeep.stance = Stance.LEAVING
                    await self._release_latecomers(upkeep)

    async def _outlive_replacement(self) -> None:
        """The other program gets the events now, but channels and bridges are still ours to command, and
        audio flows: calls in progress go on to their end, watched by looking instead of listening."""
        if self._calls:
            logger.error(
                "asterisk.app: no new calls come; the service ends with its %d calls", len(self._calls)
            )
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _keep_up(self, upkeep: Upkeep, pump: EventPump) -> None:
        """While the connection is down there is nothing to ask; the return brings a look of its own."""
        vanished = VanishedCalls(self._settings.asterisk.gone_after_s)
        while True:
            await asyncio.sleep(UPKEEP_EVERY_S)
            self._end_vanished(vanished, connected=pump.connected or pump.replaced)
            if not pump.connected and not pump.replaced:
                continue
            try:
                await upkeep.resync()
            except AsteriskError as error:
                logger.warning("asterisk: could not look after its state: %s", error)

    def _end_vanished(self, vanished: VanishedCalls, *, connected: bool) -> None:
        packets = {} if connected else {call.call_id: call.packets for call in self._calls.values()}
        for call_id in vanished.look(self._around.clock(), connected=connected, packets=packets):
            call = self._calls[call_id]
            if not call.leaving:
                logger.error("call %s: Asterisk is gone, and its audio too: the call is over", call_id)
                self._ended(call.channel_id, 0)

    async def place(self, name: str, number: str, variables: Mapping[str, str] | None = None) -> str:
        """Ring `number` by the table `name` of [outbound]; the dialplan hands us the call when it is
        answered. Returns the id that it will have. Raises AsteriskError (NotReady where no agent could talk
        to who answers); ValueError for what is no number."""
        obstacles = self.obstacles()
        if not obstacles and self._admission.full(self.taken_calls + self._outbound.under_way):
            obstacles = [f"all {self._admission.max_calls} calls are taken or being placed"]
        if obstacles:
            raise NotReady(f"no call can be placed now: {', '.join(obstacles)}")
        return await self._outbound.place(name, number, variables or {})

    # -------------------------------------------------------------- events

    def _on_event(self, event: AriEvent) -> None:
        match event:
            case StasisStart(channel, _, replaces):
                if (call_id := self._names.owner(channel.id)) is not None:
                    self._entered(call_id, channel.id)
                elif (replaced := self._callers.pop(replaces, None)) is not None:
                    self._callers[channel.id] = replaced
                    replaced.hand_over_to(channel)
                    self._hold(self._delete_late(replaces))
                elif channel.id in self._callers or not self._outbound.answered(event):
                    self._take(event)
            case ChannelEnded(channel_id, cause):
                self._outbound.ended(event)
                self._ended(channel_id, cause)
            case AmdTold():
                self._outbound.told(event)
            case DtmfReceived(channel_id, digit, duration_ms):
                if channel_id in self._callers:
                    self._callers[channel_id].press(digit, duration_ms)
                elif (part := self._part(channel_id)) is not None:
                    part.pressed(digit)
            case HoldChanged(channel_id, held):
                if channel_id in self._callers:
                    self._callers[channel_id].hold(held)
            case ApplicationReplaced(app) if app == self._settings.asterisk.app:
                self._upkeep.stance = Stance.REPLACED
                raise AppReplaced(
                    f"asterisk.app: another program has taken over the Stasis application {app!r}: its calls"
                    " go there now; give each program an application of its own"
                )

    def _entered(self, call_id: str, made_id: str) -> None:
        """A channel that we made for a call is in our application."""
        call = self._calls.get(call_id)
        if call is None:
            self._hold(self._delete_late(made_id))
        elif made_id == call.leg_id:
            call.notice(LegEntered())
        elif (part := call.part(made_id)) is not None:
            part.entered()

    def _ended(self, channel_id: str, cause: int | None) -> None:
        caller = self._callers.pop(channel_id, None)
        if caller is not None:
            caller.notice(CallerLeft())
        elif (part := self._part(channel_id)) is not None:
            part.ended(cause)
        elif (call := self._calls.get(self._names.owner(channel_id) or "")) and call.leg_id == channel_id:
            call.notice(LegLeft())

    def _part(self, channel_id: str) -> RungParty | None:
        call = self._calls.get(self._names.owner(channel_id) or "")
        return None if call is None else call.part(channel_id)

    def _take(self, start: StasisStart) -> None:
        known = self._callers.get(start.channel.id)
        if known is not None and not known.leaving:
            return
        if known is not None:  # the dialplan sent it back to us before we read that it had left
            known.notice(CallerLeft())
        refusal = self._admission.refusal(self.taken_calls, self._around.clock())
        placed = self._names.call_of_outbound(start.channel.id)
        call_id = placed if placed is not None and placed not in self._calls else new_call_id()
        if refusal is None:
            self._outbound.taken(start.channel.id)
        else:
            logger.warning("call %s: not taken: %s (limits, media.max_calls)", call_id, refusal.value)
        self._begin(LiveCall(self._around, start, call_id, refusal))

    def _adopt(self, start: StasisStart, info: CallInfo) -> None:
        self._begin(LiveCall(self._around, start, info.call_id, adopted=info))

    def _begin(self, call: LiveCall) -> None:
        self._calls[call.call_id] = call
        self._callers[call.channel_id] = call
        if self._stopping:
            call.notice(ShutDown())
        self._hold(self._serve(call))

    async def _serve(self, call: LiveCall) -> None:
        log_call_id.set(call.call_id)  # this task's, and of all that it starts
        try:
            await call.run()
        except Exception:  # a supervising root: the other calls go on
            logger.exception("the call failed")
        finally:
            del self._calls[call.call_id]
            if self._callers.get(call.channel_id) is call:
                del self._callers[call.channel_id]
            self._call_ended.set()

    async def _delete_late(self, made_id: str) -> None:
        """A channel that nobody needs any more: its call ended before Asterisk had made it (a POST whose
        answer was lost), or the PBX has put another in its place, and leaves it to us in Stasis."""
        try:
            await self._around.client.hang_up(made_id)
        except AsteriskError as error:
            logger.warning("channel %s may be left in Asterisk: %s", made_id, error)

    def _believed(self) -> list[Believed]:
        return [call.believed for call in self._calls.values()]

    # -------------------------------------------------------------- tasks

    def _hold(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drained(self) -> None:
        """Returns when we are to leave, and no call is here any more or none may stay longer."""
        await self._drain.wait()
        await self._outbound.give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.limits.drain_timeout_s):
                while self._calls:
                    self._call_ended.clear()
                    await self._call_ended.wait()

    async def _release_latecomers(self, upkeep: Upkeep) -> None:
        """Callers whose StasisStart was on its way while we closed the events WebSocket."""
        try:
            async with asyncio.timeout(LAST_LOOK_WITHIN_S):
                await upkeep.resync()
        except (AsteriskError, TimeoutError) as error:
            logger.debug("no last look for latecomers: %s", error)

    async def _stop(self) -> None:
        self._stopping = True
        for call in self._calls.values():
            call.notice(ShutDown())
        await self._outbound.close()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=STOP_WITHIN_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
