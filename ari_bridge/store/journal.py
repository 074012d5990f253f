"""What is written down of a call while it goes on, so that another process could take it over.

A journal is written from the event loop and never waits for the disk, but for one thing: a tool's entry is
on the disk before the tool runs, so that nobody who takes over runs it a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ari_bridge.core.messages import Standing, ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store.record import TurnRecord


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """One entry of the tool ledger."""

    call: ToolCall
    result: str | None
    """None when the process died while it ran: nobody knows whether it was done."""
    after_turn: int
    """How many turns were finished when it was called."""
    number: int = 0
    """Counts the tools of the call."""
    standing: Standing = Standing.UNKNOWN
    settled: bool = False
    """The caller has heard an answer that was made with the result: what is called next is a new request."""


@dataclass(frozen=True, slots=True)
class Past:
    """A call so far, as an earlier process wrote it down."""

    started_at: datetime
    turns: Sequence[TurnRecord]
    tools: Sequence[ToolRecord]


class Journal(Protocol):
    """Of one call."""

    def turns_from(self, number: int, turns: Sequence[TurnRecord]) -> None:
        """The finished turns from `number` (counted from 0) on are these: a turn may be taken back."""
        ...

    async def tool_called(
        self, call: ToolCall, after_turn: int, *, most_today: int | None = None
    ) -> int | None:
        """Returns the entry's number, when it is on the disk; None, and writes nothing, where this tool has
        been called `most_today` times since midnight. Raises StoreError."""
        ...

    def tool_answered(self, number: int, result: str, standing: Standing) -> None: ...

    def tools_settled(self, numbers: Sequence[int]) -> None: ...

    def caller_is_now(self, info: CallInfo) -> None:
        """The PBX has transferred the call to another channel."""
        ...

    def ended(self, status: str, cause: str) -> None: ...


class NoJournal:
    """Nothing is written down."""

    def turns_from(self, number: int, turns: Sequence[TurnRecord]) -> None:
        pass

    async def tool_called(
        self, call: ToolCall, after_turn: int, *, most_today: int | None = None
    ) -> int | None:
        return 0

    def tool_answered(self, number: int, result: str, standing: Standing) -> None:
        pass

    def tools_settled(self, numbers: Sequence[int]) -> None:
        pass

    def caller_is_now(self, info: CallInfo) -> None:
        pass

    def ended(self, status: str, cause: str) -> None:
        pass
