"""What a call's session is told (inputs) and what it orders (commands), as plain data.

Every command is answered by one Done or Failed, but those that say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ari_bridge.pbx.call import Outcome
from ari_bridge.pbx.causes import Cause

# ------------------------------------------------------------------ inputs


@dataclass(frozen=True, slots=True)
class Done:
    """The request that was out succeeded."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The request that was out failed, or nobody knows whether it did."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class LegEntered:
    """The media leg's StasisStart."""


@dataclass(frozen=True, slots=True)
class LegLeft:
    """The media leg was ended by somebody else."""


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller's channel has left Stasis, or exists no more."""


@dataclass(frozen=True, slots=True)
class HandlerEnded:
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ShutDown:
    """The bridge process is stopping."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """`now` is past `Session.deadline_s`."""


Input: TypeAlias = (
    Done | Failed | LegEntered | LegLeft | CallerLeft | HandlerEnded | ShutDown | DeadlinePassed
)


# ------------------------------------------------------------------ commands


@dataclass(frozen=True, slots=True)
class Inspect:
    """Read the channel's variables and format, choose the agent."""


@dataclass(frozen=True, slots=True)
class Answer:
    pass


@dataclass(frozen=True, slots=True)
class CreateLeg:
    pass


@dataclass(frozen=True, slots=True)
class OpenPort:
    pass


@dataclass(frozen=True, slots=True)
class CreateBridge:
    """Make the bridge and put caller and leg in."""


@dataclass(frozen=True, slots=True)
class StartHandler:
    """Answered by HandlerEnded."""


@dataclass(frozen=True, slots=True)
class TellCallerGone:
    """Let the handler know; not answered."""


@dataclass(frozen=True, slots=True)
class CancelHandler:
    """Not answered itself; HandlerEnded follows."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Set the channel's variables, then continue in the dialplan or hang up, as the outcome says."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Unmake what may exist. Answered by Done whatever happened: nothing is left to be tried."""

    leg: bool
    bridge: bool
    port: bool


Command: TypeAlias = (
    Inspect
    | Answer
    | CreateLeg
    | OpenPort
    | CreateBridge
    | StartHandler
    | TellCallerGone
    | CancelHandler
    | Leave
    | HangUp
    | CleanUp
)
