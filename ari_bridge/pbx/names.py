"""The ids of what we make in Asterisk, chosen before it is made, so that an orphan can be told by its name.

call id     20260131T120000-0123456789ab     UTC and 48 random bits: unique, sortable, safe in a file name
media leg   aribridge-<app>-<call id>-media       -media2, … in the call's second and later lives
bridge      aribridge-<app>-<call id>             -life2, …
others      aribridge-<app>-<call id>-<role>      any other channel made for a call

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
        self._ours = re.compile(rf"{re.escape(self._prefix)}({_CALL_ID})(-[a-z0-9]+)?")

    def leg(self, call_id: str, life: int = 1) -> str:
        return f"{self._prefix}{call_id}-media{'' if life == 1 else life}"

    def bridge(self, call_id: str, life: int = 1) -> str:
        return f"{self._prefix}{call_id}{'' if life == 1 else f'-life{life}'}"

    def call_of(self, made_id: str) -> str | None:
        """The call for which this channel or bridge was made; None where it is none of ours."""
        match = self._ours.fullmatch(made_id)
        return match[1] if match else None
