"""The ids of what we make in Asterisk, chosen before it is made, so that an orphan can be told by its name.

call id     20260131T120000-0123456789ab     UTC and 48 random bits: unique, sortable, safe in a file name
media leg   aribridge-<app>-<call id>-media
bridge      aribridge-<app>-<call id>
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
        self._ours = re.compile(rf"{re.escape(self._prefix)}({_CALL_ID})(-media)?")

    def leg(self, call_id: str) -> str:
        return f"{self._prefix}{call_id}-media"

    def bridge(self, call_id: str) -> str:
        return f"{self._prefix}{call_id}"

    def call_of_leg(self, channel_id: str) -> str | None:
        match = self._ours.fullmatch(channel_id)
        return match[1] if match and match[2] else None

    def call_of_bridge(self, bridge_id: str) -> str | None:
        match = self._ours.fullmatch(bridge_id)
        return match[1] if match and not match[2] else None
