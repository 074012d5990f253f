"""The verbs of one call, carried out: CallControl on ARI.

What a verb makes is made under an id that names its call, and is known here before it is asked for: so
whatever becomes of the request, `close` finds it, and a sweep would too.

    on hold            caller ∿ music          agent ── bridge
    attended transfer  caller ∿ music          agent ── bridge ── somebody else
    conference         caller ── bridge ── agent, somebody else
    supervisor         snoop of the agent's leg ── bridge "ear" ── supervisor
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from enum import Enum, auto
from itertools import count
from typing import Any

from ari_bridge.core.errors import AsteriskError, Gone
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.control import Ear
from ari_bridge.pbx.names import Names
from ari_bridge.pbx.party import RungParty
from ari_bridge.pbx.requests import ControlRequests

logger = logging.getLogger(__name__)

DIGIT_MS, BETWEEN_DIGITS_MS = 120, 100


class _Caller(Enum):
    """Where the caller is."""

    IN_BRIDGE = auto()
    MUSIC = auto()
    SILENCE = auto()


class CallLine:
    """A CallControl. One verb at a time acts on the caller; the others may run beside it."""

    def __init__(
        self,
        client: AriClient,
        names: Names,
        call_id: str,
        channel_id: str,
        *,
        leg_id: str,
        bridge_id: str,
    ) -> None:
        self._client = client
        self._requests = ControlRequests(client)
        self._names = names
        self._call_id = call_id
        self._channel_id = channel_id
        self._leg_id = leg_id
        self._bridge_id = bridge_id
        self._numbers = count(1)
        self._parties: dict[str, RungParty] = {}
        """By channel id. Snoop channels are among them: they too come and go."""
        self._ears: list[str] = []
        """Bridges by which supervisors listen."""
        self._watchers: set[asyncio.Task[None]] = set()
        self._caller = _Caller.IN_BRIDGE
        self._moving = asyncio.Lock()
        self._recording = ""

    # -------------------------------------------------------------- news of channels

    def caller_is_now(self, channel_id: str) -> None:
        self._channel_id = channel_id

    def part(self, channel_id: str) -> RungParty | None:
        return self._parties.get(channel_id)

    @property
    def part_ids(self) -> list[str]:
        """The channels that Asterisk has made for the call besides caller and leg."""
        return [channel_id for channel_id, party in self._parties.items() if party.channel_name]

    @property
    def awaited_ids(self) -> list[str]:
        """Of those, the ones that have not come into our application yet."""
        return [channel_id for channel_id in self.part_ids if not self._parties[channel_id].up]

    # -------------------------------------------------------------- hold and mute

    async def undo_earlier(self) -> None:
        """A process that died may have left the caller with music, or muted."""
        for undo in (self._requests.stop_music, self._requests.unmute):
            try:
                await undo(self._channel_id)
            except Gone:
                raise
            except AsteriskError as error:  # no such operation, say: then nobody did it either
                logger.warning("channel %s: %s", self._channel_id, error)

    async def hold(self) -> None:
        async with self._moving:
            if self._caller is _Caller.IN_BRIDGE:
                await self._requests.remove_channel(self._bridge_id, self._channel_id)
                self._caller = _Caller.SILENCE
            if self._caller is _Caller.SILENCE:
                await self._requests.start_music(self._channel_id)
                self._caller = _Caller.MUSIC

    async def unhold(self) -> None:
        await self.stop_music()
        async with self._moving:
            if self._caller is _Caller.SILENCE:
                await self._client.add_channels(self._bridge_id, [self._channel_id])
                self._caller = _Caller.IN_BRIDGE

    async def stop_music(self) -> None:
        async with self._moving:
            if self._caller is _Caller.MUSIC:
                await self._requests.stop_music(self._channel_id)
                self._caller = _Caller.SILENCE

    async def mute(self) -> None:
        await self._requests.mute(self._channel_id)

    async def unmute(self) -> None:
        await self._requests.unmute(self._channel_id)

    # -------------------------------------------------------------- digits, variables, places

    async def send_digits(self, digits: str) -> None:
        await self._requests.send_digits(
            self._channel_id, digits, duration_ms=DIGIT_MS, between_ms=BETWEEN_DIGITS_MS
        )
        await asyncio.sleep(len(digits) * (DIGIT_MS + BETWEEN_DIGITS_MS) / 1000)

    async def set_secret(self, name: str, value: str) -> None:
        await self._client.set_secret(self._channel_id, name, value)

    async def has_place(self, context: str, exten: str, priority: int = 1) -> bool:
        try:
            return await self._client.dialplan_has(self._channel_id, context, exten, priority)
        except Gone:
            raise
        except AsteriskError:
            return True  # no func_dialplan.so, say: in doubt it is there

    # -------------------------------------------------------------- other people

    async def ring(self, endpoint: str, *, within_s: float) -> RungParty:
        channel_id = self._names.part(self._call_id, f"party{next(self._numbers)}")
        party = self._parties[channel_id] = RungParty(self._client, channel_id, self._bridge_id)
        try:
            made = await self._requests.originate(
                channel_id,
                endpoint,
                ring_s=within_s,
                app_args=self._call_id,
                originator=self._channel_id,
            )
        except BaseException:
            await party.hang_up()
            raise
        party.channel_name = made.name
        return party

    async def let_listen(self, endpoint: str, ear: Ear, *, within_s: float) -> None:
        number = next(self._numbers)
        snoop_id = self._names.part(self._call_id, f"snoop{number}")
        bridge_id = self._names.part(self._call_id, f"ear{number}")
        snoop = self._parties[snoop_id] = RungParty(self._client, snoop_id, bridge_id)
        supervisor = await self.ring(endpoint, within_s=within_s)
        try:
            await supervisor.answered()
            self._ears.append(bridge_id)
            await self._client.create_bridge(bridge_id)
            made = await self._requests.snoop(self._leg_id, snoop_id, whisper=ear is Ear.WHISPER)
            snoop.channel_name = made.name
            await snoop.answered()
            await self._client.add_channels(bridge_id, [snoop_id, supervisor.channel_id])
        except BaseException:
            await supervisor.hang_up()
            raise
        finally:
            self._watch(self._dismiss(supervisor, snoop, bridge_id))

    async def _dismiss(self, supervisor: RungParty, snoop: RungParty, bridge_id: str) -> None:
        """With the supervisor goes all that was made for them: it need not wait for the call's end."""
        await supervisor.gone()
        await snoop.hang_up()
        if bridge_id in self._ears:
            await self._delete(bridge_id)
            self._ears.remove(bridge_id)

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    # -------------------------------------------------------------- recording

    @property
    def recording(self) -> bool:
        return self._recording != ""

    async def start_recording(self) -> str:
        if not self._recording:
            name = f"{self._call_id}-{next(self._numbers)}"
            await self._requests.record(self._bridge_id, name)
            self._recording = name
        return self._recording

    async def pause_recording(self) -> None:
        if self._recording:
            await self._requests.pause_recording(self._recording)

    async def resume_recording(self) -> None:
        if self._recording:
            await self._requests.resume_recording(self._recording)

    async def stop_recording(self) -> None:
        name, self._recording = self._recording, ""
        if name:
            await self._requests.stop_recording(name)

    # -------------------------------------------------------------- the end

    async def close(self) -> None:
        """When the caller has left: everybody else who is still there goes too. Never raises."""
        for watcher in tuple(self._watchers):
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        async with asyncio.TaskGroup() as tasks:
            for party in self._parties.values():
                tasks.create_task(party.release())
            for bridge_id in self._ears:
                tasks.create_task(self._delete(bridge_id))

    async def _delete(self, bridge_id: str) -> None:
        try:
            await self._client.delete_bridge(bridge_id)
        except AsteriskError as error:
            logger.warning("bridge %s may be left in Asterisk: %s", bridge_id, error)
