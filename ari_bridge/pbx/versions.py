"""What this Asterisk's ARI can do of what we ask of it, found in its own api-docs.

They tell the version's age and also which res_ari_*.so modules are loaded: a resource whose module is not
there is not in them. So both show before the first call, and neither as a failing one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ari_bridge.core.errors import AsteriskError, RequestFailed
from ari_bridge.pbx.client import AriClient


@dataclass(frozen=True, slots=True)
class Use:
    """Of one operation, or of one of its parameters."""

    resource: str
    operation: str
    without: str
    """What is different where it is missing; "" where nothing works then."""
    parameter: str = ""

    @property
    def name(self) -> str:
        return ".".join(filter(None, (self.resource, self.operation, self.parameter)))


def _needed(resource: str, *operations: str) -> tuple[Use, ...]:
    return tuple(Use(resource, operation, "") for operation in operations)


USES = (
    *_needed("events", "eventWebsocket"),
    *_needed("channels", "list", "answer", "externalMedia", "hangup"),
    *_needed("channels", "getChannelVar", "setChannelVar", "continueInDialplan"),
    *_needed("bridges", "list", "createWithId", "addChannel", "destroy"),
    Use("channels", "setChannelVars", "variables are set by one request each"),
    Use("channels", "startMoh", "hold has no music"),
    Use("channels", "mute", "callers cannot be muted"),
    Use("channels", "sendDTMF", "agents cannot send digits"),
    Use("channels", "originate", "no attended transfers, conferences or calls out"),
    Use("channels", "snoopChannelWithId", "supervisors cannot listen"),
    Use("bridges", "record", "nothing can be recorded"),
    Use("recordings", "pause", "recordings cannot be paused"),
)


WAKES_ITS_CHANNELS = 22
"""From this version on a channel in Stasis does what it is asked to at once, whether frames come or not."""


def sleeps(version: str) -> bool:
    """Whether channels of this Asterisk may have to be woken (pbx/wake.py); of an unknown version too."""
    number = re.search(r"\d+", version)
    return number is None or int(number[0]) < WAKES_ITS_CHANNELS


def describe(client: AriClient, version: str) -> str:
    """One line for the log: which Asterisk this is, and what it lacks.

    Raises AsteriskError, one line, when it lacks what every call needs.
    """
    missing = [use for use in USES if not client.knows(use.resource, use.operation, use.parameter)]
    needed = [use for use in missing if not use.without]
    if needed:
        modules = ", ".join(sorted({f"res_ari_{use.resource}.so" for use in needed}))
        names = ", ".join(use.name for use in needed)
        raise AsteriskError(
            f"asterisk: its ARI has no {names}: load {modules}; ari_bridge needs Asterisk 16.28 or later"
        )
    lacks = "; ".join(f"no {use.name}: {use.without}" for use in missing)
    return f"Asterisk {version}: {lacks or 'its ARI has all that is used'}"


async def version(client: AriClient) -> str:
    """As Asterisk writes it: `16.28.0~dfsg-0+deb11u4`, `certified/20.7-cert2`. Raises AsteriskError."""
    if not client.knows("asterisk", "getInfo"):
        return "of unknown version"
    try:
        info = await client.call("asterisk", "getInfo", only="system")
    except RequestFailed:
        return "of unknown version"
    return str((info.get("system") or {}).get("version", "of unknown version"))
