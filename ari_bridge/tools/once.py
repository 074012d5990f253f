"""Exactly once: which runs of a call's tools a new call repeats. No I/O.

A model asks for the same thing twice for many reasons: its answer was interrupted and made anew, its engine
was replaced in the middle, the process died and another one took the call over, or it is merely confused.
Only one reason counts: the caller, having heard what came of the first, wants a second one. So a run is

    open        from its beginning; an equal call (same tool, same arguments) is a repetition and gets its
    result settled     once the caller has heard, to its end, an answer that the model made knowing the
                result, and has spoken again: an equal call is a new request

An answer that was interrupted settles nothing. After a crash all that was open is open still; the words with
which the call is taken up again are nobody's answer and settle nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari_bridge.core.messages import Message, Role, Standing
from ari_bridge.tools.arguments import canonical


@dataclass(slots=True, eq=False)
class Entry:
    """One run."""

    number: int | None
    """The ledger's; None until it has it."""
    name: str
    arguments: str
    """canonical(); of a run before a crash, without its secrets."""
    standing: Standing = Standing.RUNNING
    result: str = ""
    tool_call_id: str = ""
    recovered: bool = False
    """An earlier process ran it."""
    shown_in: int | None = None
    """The caller's turn (counted from 1) in which the model was first asked with the result before it."""
    settled: bool = False


class Once:
    """The runs of one call."""

    def __init__(self, recovered: Iterable[Entry] = ()) -> None:
        self._entries = list(recovered)

    def count(self, name: str) -> int:
        """How many runs of a tool count against its limit: those that may have had an effect."""
        return sum(entry.name == name and entry.standing is not Standing.NOT_DONE for entry in self._entries)

    def repeated(self, name: str, arguments: Mapping[str, Any], kept: Mapping[str, Any]) -> Entry | None:
        """The open run that such a call repeats. `kept`: the arguments as the ledger has them."""
        exact, known = canonical(arguments), canonical(kept)
        for entry in reversed(self._entries):
            if entry.name != name or entry.settled or entry.standing is Standing.NOT_DONE:
                continue
            if entry.arguments == (known if entry.recovered else exact):
                return entry
        return None

    def begin(self, name: str, arguments: Mapping[str, Any], tool_call_id: str) -> Entry:
        """It is to run now. Whoever asks from here on repeats it."""
        entry = Entry(None, name, canonical(arguments), tool_call_id=tool_call_id)
        self._entries.append(entry)
        return entry

    def asked(self, messages: Sequence[Message]) -> list[int]:
        """The model is asked with these. Returns the numbers of the runs that are settled by it."""
        turn = sum(message.role is Role.CALLER for message in messages)
        results = {message.tool_call_id for message in messages if message.role is Role.TOOL}
        heard = last_answer_was_heard(messages)
        settled = []
        for entry in self._entries:
            if entry.settled or entry.standing is Standing.RUNNING:
                continue
            if entry.shown_in is None:
                entry.shown_in = turn if entry.tool_call_id in results else None
            elif heard and entry.shown_in != turn:
                entry.settled = True
                if entry.number is not None:
                    settled.append(entry.number)
        return settled


def last_answer_was_heard(messages: Sequence[Message]) -> bool:
    """Before the caller's last words there is an answer that they heard to its end."""
    callers = [index for index, message in enumerate(messages) if message.role is Role.CALLER]
    if not callers or callers[-1] == 0:
        return False
    before = messages[callers[-1] - 1]
    return before.role is Role.AGENT and not before.interrupted and not before.tool_calls
