"""What is so in Asterisk, set beside what we believe. No I/O but `look`.

Events tell what changes, and are lost when the connection is: then, and every few seconds for good measure,
the whole state is looked at and compared. The comparison finds

    callers of ours who are gone       their calls end, once
    legs of ours that came or went     the same as the event that was missed
    a stranger in a caller's place     the PBX transferred the call meanwhile
    channels in our application        that no call of ours knows: calls that came while nobody listened, or
                                       what a process that died left
    legs and bridges of no live call   orphans. Asterisk never ends a media leg by itself

Channels of other programs are none of these, and stay untouched. A look takes time, and calls begin and end
during it: so what the look is compared with is what was believed *before* it, and an orphan is one only if
its call lives neither before the look nor after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import Channel
from ari_bridge.pbx.names import Names


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of the PBX: all channels and bridges, and which channels are in our application."""

    channels: Mapping[str, Channel]
    bridges: Mapping[str, frozenset[str]]
    """id -> ids of the channels in it"""
    in_app: frozenset[str]


@dataclass(frozen=True, slots=True)
class Believed:
    """One live call, as it stands here."""

    call_id: str
    channel_id: str
    leg_id: str
    bridge_id: str
    leg_entered: bool
    part_ids: tuple[str, ...] = ()
    """Other channels that were made for it and were there."""
    awaited_ids: tuple[str, ...] = ()
    """Of all those, the ones whose StasisStart has not come yet."""


@dataclass(slots=True)
class Findings:
    gone: list[str] = field(default_factory=list)
    """Ids of channels of ours, callers and legs, that have ended or left our application."""
    entered: list[Channel] = field(default_factory=list)
    """Channels made for our calls that are in our application, and were awaited there."""
    replaced: list[tuple[Channel, str]] = field(default_factory=list)
    """A channel, and the id of the caller's channel whose place it took."""
    waiting: list[Channel] = field(default_factory=list)
    """In our application, and no call's."""
    orphan_channels: list[str] = field(default_factory=list)
    orphan_bridges: list[str] = field(default_factory=list)


async def look(client: AriClient) -> Seen:
    """Raises AsteriskError."""
    channels, bridges, in_app = await asyncio.gather(
        client.channels(), client.bridges(), client.channels_in_app()
    )
    return Seen({channel.id: channel for channel in channels}, bridges, in_app)


def compare(
    seen: Seen, before: Iterable[Believed], names: Names, app: str, *, live: Collection[str]
) -> Findings:
    """`before`: the calls when the look began; `live`: ids of the calls that there are now."""
    found = Findings()
    calls = list(before)
    for call in calls:
        _compare_call(seen, call, names, app, found)
    live_ids = {call.call_id for call in calls}.union(live)
    known = {call.channel_id for call in calls}.union(channel.id for channel, _ in found.replaced)
    for channel in seen.channels.values():
        call_id = names.owner(channel.id)
        if call_id is not None:
            if call_id not in live_ids and _stays_with_us(channel, names, app, seen):
                found.orphan_channels.append(channel.id)
        elif channel.id not in known and _is_in(channel, app, seen):
            found.waiting.append(channel)
    for bridge_id in seen.bridges:
        call_id = names.owner(bridge_id)
        if call_id is not None and call_id not in live_ids:
            found.orphan_bridges.append(bridge_id)
    return found


def _compare_call(seen: Seen, call: Believed, names: Names, app: str, found: Findings) -> None:
    caller = seen.channels.get(call.channel_id)
    if caller is None or not _may_be_in(caller, app, seen):
        heir = _heir(seen, call, names)
        if heir is None:
            found.gone.append(call.channel_id)
        else:
            found.replaced.append((heir, call.channel_id))
    if call.leg_entered and call.leg_id not in seen.channels:
        found.gone.append(call.leg_id)
    found.gone += [part_id for part_id in call.part_ids if part_id not in seen.channels]
    for made_id in call.awaited_ids:
        made = seen.channels.get(made_id)
        if made is not None and made.app_name and _is_in(made, app, seen):  # 16 counts it before it is
            found.entered.append(made)


def _heir(seen: Seen, call: Believed, names: Names) -> Channel | None:
    """Who is in the call's bridge, and in our application, in its caller's place: none of our own making."""
    for member in seen.bridges.get(call.bridge_id, frozenset()) - {call.channel_id}:
        channel = seen.channels.get(member)
        if channel is not None and member in seen.in_app and names.owner(member) is None:
            return channel
    return None


def _is_in(channel: Channel, app: str, seen: Seen) -> bool:
    """Whether the dialplan put this channel into Stasis(app, ...). Asterisk 16 does not say where a channel
    is, but what the application has."""
    if channel.app_name:
        return channel.app_name == "Stasis" and channel.app_data.partition(",")[0].strip() == app
    return channel.id in seen.in_app


def _may_be_in(channel: Channel, app: str, seen: Seen) -> bool:
    """A channel that the PBX put in another's place runs no Stasis() of the dialplan."""
    return _is_in(channel, app, seen) or channel.id in seen.in_app


def _stays_with_us(channel: Channel, names: Names, app: str, seen: Seen) -> bool:
    """People who were rung for a call may have been handed over to the dialplan with the caller.

    What the application has does not tell: it keeps whom it rang, even in the dialplan's Bridge(), where no
    application of the dialplan is named either (seen on 16.28 and 22.10). But who is in Bridge() is in a
    bridge, and not in one of ours.
    """
    if names.is_leg(channel.id) or channel.state != "Up":
        return True
    elsewhere = any(channel.id in members for id, members in seen.bridges.items() if not names.owner(id))
    return _is_in(channel, app, seen) and not elsewhere
