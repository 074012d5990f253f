"""The ids of what we make in Asterisk, chosen before it is made, so that an orphan can be told by its name.

call id     20260131T120000-0123456789ab     UTC and 48 random bits: unique, sortable, safe in a file name
media leg   aribridge-<app>-<call id>-media
bridge      aribridge-<app>-<call id>
other parts aribridge-<app>-<call id>-<part>     people who were rung, what supervisors listen by
outbound    aribridgeout-<call id>-<app>      a call that we place: its channel is a caller's like any other
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

_CALL_ID = r"\d{8}T\d{6}-[0-9a-f]{12}"


def new_call_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


class Names:
    """The ids of one Stasis application. A name of application `a-b` is never taken for one of `a`."""

    def __init__(self, app: str) -> None:
        self._prefix = f"aribridge-{app}-"
        self._ours = re.compile(rf"{re.escape(self._prefix)}({_CALL_ID})(?:-([a-z]+\d*))?")
        self._outbound = re.compile(rf"aribridgeout-({_CALL_ID})-{re.escape(app)}")
        self._app = app

    def leg(self, call_id: str) -> str:
        return f"{self._prefix}{call_id}-media"

    def bridge(self, call_id: str) -> str:
        return f"{self._prefix}{call_id}"

    def part(self, call_id: str, name: str) -> str:
        """`name`: letters, then digits."""
        return f"{self._prefix}{call_id}-{name}"

    def outbound(self, call_id: str) -> str:
        return f"aribridgeout-{call_id}-{self._app}"

    def call_of_leg(self, channel_id: str) -> str | None:
        match = self._ours.fullmatch(channel_id)
        return match[1] if match and match[2] == "media" else None

    def call_of_part(self, channel_id: str) -> str | None:
        """Of a channel that belongs to a call, and is neither its caller's nor its media leg."""
        match = self._ours.fullmatch(channel_id)
        return match[1] if match and match[2] not in (None, "media") else None

    def call_of_outbound(self, channel_id: str) -> str | None:
        match = self._outbound.fullmatch(channel_id)
        return match[1] if match else None

    def owner(self, name: str) -> str | None:
        """The call to which a channel or bridge of ours belongs; None for a caller's, and for strangers'."""
        match = self._ours.fullmatch(name)
        return match[1] if match else None
