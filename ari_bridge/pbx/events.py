"""Asterisk's events as far as a call needs them, as types. Names and fields: Asterisk's events.json.

What is not known is tolerated: another type parses to None, another field is passed over, a missing one
reads as empty. Only a message that is no event at all is an error, and a quiet one: it is counted, not
raised, since nothing that another program sends may end the pump.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it stands in an event or in GET /channels."""

    id: str
    name: str = ""
    state: str = ""
    caller_number: str = ""
    caller_name: str = ""
    exten: str = ""
    app_name: str = ""
    """The dialplan application it is in; "" on Asterisk 16, which does not say."""
    app_data: str = ""
    variables: Mapping[str, str] | None = None
    """`channelvars`: what ari.conf's channelvars lists; None where it lists nothing."""


@dataclass(frozen=True, slots=True)
class StasisStart:
    channel: Channel
    args: tuple[str, ...]
    replaces: str = ""
    """The id of the channel whose place it takes: the PBX has transferred a call of ours."""


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """StasisEnd, ChannelDestroyed or ChannelHangupRequest: whichever comes first is the end for us."""

    channel_id: str
    cause: int | None = 0
    """Q.850: 17 busy, 19 no answer, 21 declined, ...; 0 for none in particular. None where the event leaves
    that to a later one: Asterisk 16's ChannelHangupRequest, before its ChannelDestroyed."""
    destroyed: bool = False
    """The channel is no more. Without it, it may only have left our application."""


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    channel_id: str
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """ChannelHold or ChannelUnhold: the caller's telephone has put us on hold, or taken us back."""

    channel_id: str
    held: bool


@dataclass(frozen=True, slots=True)
class AmdTold:
    """The dialplan's UserEvent(AriBridgeAmd,Status: ${AMDSTATUS}): who answered a call that we placed."""

    channel_id: str
    status: str
    """MACHINE, HUMAN, NOTSURE or HANGUP."""


@dataclass(frozen=True, slots=True)
class ApplicationReplaced:
    application: str


AriEvent: TypeAlias = StasisStart | ChannelEnded | DtmfReceived | HoldChanged | AmdTold | ApplicationReplaced


def parse(message: str) -> AriEvent | None:
    """The event in a WebSocket text message; None for one we have no use for. Raises ValueError when it is
    no event."""
    body = json.loads(message)
    if not isinstance(body, dict):
        raise ValueError("not an event: no JSON object")
    build = _BUILDERS.get(_string(body.get("type")))
    return build(body) if build is not None else None


def parse_channel(body: object) -> Channel:
    """Raises ValueError where there is no channel with an id."""
    fields = _table(body)
    channel_id = _string(fields.get("id"))
    if not channel_id:
        raise ValueError("no channel with an id")
    caller, dialplan = _table(fields.get("caller")), _table(fields.get("dialplan"))
    variables = fields.get("channelvars")
    return Channel(
        id=channel_id,
        name=_string(fields.get("name")),
        state=_string(fields.get("state")),
        caller_number=_string(caller.get("number")),
        caller_name=_string(caller.get("name")),
        exten=_string(dialplan.get("exten")),
        app_name=_string(dialplan.get("app_name")),
        app_data=_string(dialplan.get("app_data")),
        variables=(
            {key: _string(value) for key, value in variables.items()} if isinstance(variables, dict) else None
        ),
    )


def _start(body: Mapping[str, Any]) -> StasisStart:
    args = body.get("args")
    return StasisStart(
        parse_channel(body.get("channel")),
        tuple(_string(arg) for arg in args) if isinstance(args, list) else (),
        _string(_table(body.get("replace_channel")).get("id")),
    )


def _ended(body: Mapping[str, Any]) -> ChannelEnded:
    cause = body.get("cause")
    return ChannelEnded(
        parse_channel(body.get("channel")).id,
        cause if isinstance(cause, int) else None,
        destroyed=body.get("type") == "ChannelDestroyed",
    )


def _dtmf(body: Mapping[str, Any]) -> DtmfReceived | None:
    digit, duration = _string(body.get("digit")), body.get("duration_ms")
    if len(digit) != 1:
        return None
    return DtmfReceived(
        parse_channel(body.get("channel")).id, digit, duration if isinstance(duration, int) else 0
    )


def _hold(body: Mapping[str, Any]) -> HoldChanged:
    return HoldChanged(parse_channel(body.get("channel")).id, held=True)


def _unhold(body: Mapping[str, Any]) -> HoldChanged:
    return HoldChanged(parse_channel(body.get("channel")).id, held=False)


def _user_event(body: Mapping[str, Any]) -> AmdTold | None:
    if body.get("eventname") != "AriBridgeAmd":
        return None
    status = _string(_table(body.get("userevent")).get("Status"))
    return AmdTold(parse_channel(body.get("channel")).id, status)


def _replaced(body: Mapping[str, Any]) -> ApplicationReplaced:
    return ApplicationReplaced(_string(body.get("application")))


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], AriEvent | None]] = {
    "StasisStart": _start,
    "StasisEnd": _ended,
    "ChannelDestroyed": _ended,
    "ChannelHangupRequest": _ended,
    "ChannelDtmfReceived": _dtmf,
    "ChannelHold": _hold,
    "ChannelUnhold": _unhold,
    "ChannelUserevent": _user_event,
    "ApplicationReplaced": _replaced,
}

WANTED = tuple(_BUILDERS)
"""The event types we ask Asterisk to send."""


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
