"""The ids of what we make in Asterisk, chosen before it is made, so that an orphan can be told by its name.

call id     20260131T120000-0123456789ab     UTC and 48 random bits: unique, sortable, safe in a file name
media leg   aribridge-<app>-<call id>-media       -media2, … in the call's second and later lives
bridge      aribridge-<app>-<call id>             -life2, …
other parts aribridge-<app>-<call id>-<part>      people who were rung, what supervisors listen by
outbound    aribridgeout-<call id>-<app>          a call that we place: a caller's channel like any other

A call lives a second time when another process takes it over from one that died: what the first made may
still be on its way out then, so that its ids are not free.
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
        self._ours = re.compile(rf"{re.escape(self._prefix)}({_CALL_ID})(-[a-z]+\d*)?")
        self._outbound = re.compile(rf"aribridgeout-({_CALL_ID})-{re.escape(app)}")
        self._app = app

    def leg(self, call_id: str, life: int = 1) -> str:
        return f"{self._prefix}{call_id}-media{'' if life == 1 else life}"

    def bridge(self, call_id: str, life: int = 1) -> str:
        return f"{self._prefix}{call_id}{'' if life == 1 else f'-life{life}'}"

    def part(self, call_id: str, name: str) -> str:
        """`name`: letters, then digits."""
        return f"{self._prefix}{call_id}-{name}"

    def outbound(self, call_id: str) -> str:
        return f"aribridgeout-{call_id}-{self._app}"

    def call_of_outbound(self, channel_id: str) -> str | None:
        match = self._outbound.fullmatch(channel_id)
        return match[1] if match else None

    def owner(self, name: str) -> str | None:
        """The call for which a channel or bridge was made; None for a caller's, and for strangers'."""
        match = self._ours.fullmatch(name)
        return match[1] if match else None

    def is_leg(self, name: str) -> bool:
        """A media leg, of whatever call and life."""
        match = self._ours.fullmatch(name)
        return match is not None and (match[2] or "").startswith("-media")
