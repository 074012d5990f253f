"""One call as the rest of the product sees it: who calls, its audio, its events, and how it may end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from ari_bridge.media.plane import MediaPort
from ari_bridge.pbx.control import CallControl


class Status(Enum):
    """ARIBRIDGESTATUS, as the dialplan reads it."""

    COMPLETED = "COMPLETED"
    TRANSFER = "TRANSFER"
    HANGUP = "HANGUP"
    TIMEOUT = "TIMEOUT"
    FAILED = "FAILED"
    NOT_REACHED = "NOT_REACHED"
    """A call that we placed, in its record: the dialplan has no more to do with it."""


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What the PBX told us when the call came in."""

    call_id: str
    """ARIBRIDGECALLID; unique for ever, safe in a file name."""
    channel_id: str
    agent: str
    """The agent it was routed to."""
    did: str
    caller_number: str
    """Personal data."""
    caller_name: str
    """Personal data."""
    args: Mapping[str, str] = field(default_factory=dict)
    """key=value arguments of Stasis()."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """AI_* channel variables set before Stasis(); personal data."""
    life: int = 1
    """2 and more: taken over from a process that died in the middle of the call."""


@dataclass(frozen=True, slots=True)
class Digit:
    digit: str
    duration_ms: int
    at_s: float
    """Monotonic time at which Asterisk's event arrived."""


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller hung up, or the channel left us otherwise. Always the last event."""

    at_s: float


@dataclass(frozen=True, slots=True)
class CallerHeld:
    """The caller's telephone has put us on hold: nobody listens, and what comes is music at best."""

    at_s: float


@dataclass(frozen=True, slots=True)
class CallerBack:
    """The hold is over."""

    at_s: float


@dataclass(frozen=True, slots=True)
class CallerReplaced:
    """The PBX has transferred the call: somebody else is on the line now, on another channel. The call's
    `info` has the new channel id, number and name already."""

    at_s: float


PbxEvent: TypeAlias = Digit | CallerHeld | CallerBack | CallerReplaced | CallerGone


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call leaves us: variables are set, then the channel continues in the dialplan.

    Without a context it goes on after Stasis(). Hanging up is the dialplan's, like everything after us.
    """

    status: Status
    cause: str = ""
    """ARIBRIDGECAUSE: one upper-case word or a short phrase."""
    context: str = ""
    exten: str = ""
    priority: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)

    def dialplan_variables(self, call_id: str) -> dict[str, str]:
        """What is set on the channel before it continues."""
        return {
            **self.variables,
            "ARIBRIDGESTATUS": self.status.value,
            "ARIBRIDGECAUSE": self.cause,
            "ARIBRIDGECALLID": call_id,
        }


class PbxCall(Protocol):
    """Handed to the service's call handler once caller and media leg are bridged."""

    @property
    def info(self) -> CallInfo: ...

    @property
    def port(self) -> MediaPort: ...

    @property
    def control(self) -> CallControl: ...

    async def next_event(self) -> PbxEvent:
        """After CallerGone this must not be called again."""
        ...


CallHandler: TypeAlias = Callable[[PbxCall], Awaitable[Outcome]]
"""Runs one call from bridged to its outcome. The controller carries the outcome out; when the caller has
gone it only cleans up. A handler that has not returned 5 s after CallerGone is cancelled."""
