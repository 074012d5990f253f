"""What may be done with a call while it lasts: the port through which actions reach the PBX.

Everything here acts on this one call and what belongs to it. Methods raise AsteriskError; Gone (one of them)
when the caller has left meanwhile, which the call finds out by itself anyway.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol


class Lost(Enum):
    """Why somebody who was rung is not, or no longer, on the line."""

    BUSY = "busy"
    DECLINED = "declined"
    NO_ANSWER = "no answer"
    HUNG_UP = "hung up"


class PartyLost(Exception):
    """Not an error of anybody's: people are busy, and hang up."""

    def __init__(self, why: Lost) -> None:
        super().__init__(why.value)
        self.why = why


class Party(Protocol):
    """Somebody else who was rung for this call."""

    async def answered(self) -> None:
        """Until the telephone is picked up. Raises PartyLost."""
        ...

    async def digit(self) -> str:
        """The next digit that they press. Raises PartyLost."""
        ...

    async def join(self) -> None:
        """Into the call: they hear agent and caller (not one who is on hold), and are heard."""
        ...

    async def leave(self) -> None:
        """Out of the call again, still on the line."""
        ...

    def hand_over(self) -> str:
        """They stay on the line when the call leaves us, for the dialplan to connect. Returns the name of
        their channel; where nobody takes it within seconds of the call's end, they are hung up."""
        ...

    async def hang_up(self) -> None:
        """Idempotent."""
        ...


class Ear(Enum):
    """What a supervisor may do."""

    LISTEN = auto()
    WHISPER = auto()
    """Listen, and speak to the agent without the caller hearing it."""


class CallControl(Protocol):
    async def hold(self) -> None:
        """The caller hears music, and neither hears nor is heard. Idempotent, as are all pairs here."""
        ...

    async def unhold(self) -> None: ...

    async def stop_music(self) -> None:
        """The caller stays apart, in silence: the last step before a hand-over."""
        ...

    async def mute(self) -> None:
        """The caller is not heard, and hears on."""
        ...

    async def unmute(self) -> None: ...

    async def send_digits(self, digits: str) -> None:
        """Press keys towards the caller's end. Returns when they have been sent."""
        ...

    async def set_secret(self, name: str, value: str) -> None:
        """A variable of the caller's channel, whose value leaves no trace on our side."""
        ...

    async def has_place(self, context: str, exten: str, priority: int = 1) -> bool:
        """False only where the dialplan says that it has no such place."""
        ...

    async def ring(self, endpoint: str, *, within_s: float) -> Party:
        """Call `endpoint` (of the settings, never a word of a model or caller); hangs up by itself when
        nobody answers within `within_s`."""
        ...

    @property
    def recording(self) -> bool:
        """One was started and not stopped; it may be paused."""
        ...

    async def start_recording(self) -> str:
        """Of all that is said in the call. Returns the recording's name: NAME.wav below Asterisk's
        spool/recording."""
        ...

    async def pause_recording(self) -> None: ...

    async def resume_recording(self) -> None: ...

    async def stop_recording(self) -> None: ...

    async def let_listen(self, endpoint: str, ear: Ear, *, within_s: float) -> None:
        """Ring a supervisor, who then hears agent and caller until hanging up. Raises PartyLost."""
        ...
