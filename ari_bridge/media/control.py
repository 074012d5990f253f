"""What the bridge process and the media process say to each other over a socket pair: a JSON line each.

bridge ──▶ media   Serve first, when its time has come; then OpenRow, CloseRow
media  ──▶ bridge  Ready first; Done or Refused for each request, in order; Scheduled when that changes;
                   Failed last
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeAlias

from ari_bridge.media.packets import Endpoint


@dataclass(frozen=True, slots=True)
class Start:
    """The media process's only argument. Descriptors are inherited."""

    rows: int
    memory_fd: int
    wake_fd: int
    control_fd: int
    udp_fd: int
    jitter_delay_s: float
    transport: str


@dataclass(frozen=True, slots=True)
class Serve:
    """From now on the port and the rows are yours."""

    rows: list[int]
    """Those to go on with, from a media process that died."""


@dataclass(frozen=True, slots=True)
class OpenRow:
    slot: int
    """A free one: the bridge process chooses, so that it can take back what it has asked for."""
    codec: str
    peer: Endpoint


@dataclass(frozen=True, slots=True)
class CloseRow:
    slot: int


@dataclass(frozen=True, slots=True)
class Ready:
    """It stands by."""


@dataclass(frozen=True, slots=True)
class Done:
    pass


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    """One line, for the operator."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    priority: str
    """A Priority's value."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The media process is about to end."""

    reason: str
    traceback: str


Message: TypeAlias = Start | Serve | OpenRow | CloseRow | Ready | Done | Refused | Scheduled | Failed

_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind for kind in (Start, Serve, OpenRow, CloseRow, Ready, Done, Refused, Scheduled, Failed)
}


def encode(message: Message) -> bytes:
    """The message as one line."""
    return json.dumps([type(message).__name__, asdict(message)]).encode() + b"\n"


def decode(line: bytes | str) -> Message:
    """The way back. Both ends are ours: anything else raises KeyError, TypeError or ValueError."""
    kind, fields = json.loads(line)
    return _KINDS[kind](**fields)
