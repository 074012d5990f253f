"""A history as the vendors' models take it. No I/O.

    system │ caller  agent  caller  agent+calls  results  agent  ...  caller or results

Every vendor has rules of its own for the order of messages, and servers for open models have those of each
model's template on top. What is made here keeps all of them: what the system says first stands apart; the
caller begins and has the last word; nobody speaks twice in a row; every tool call has its result right behind
it. No text is empty.

What has no place in that order is told in the caller's turn, in brackets: that the call begins, that the
agent was interrupted, instructions in the middle. An interruption is told after the agent's words, not in
them, since a model repeats the manner of its own messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeAlias

from ari_bridge.core.messages import UNKNOWN_RESULT, Message, Role, ToolCall

CALL_BEGINS = "(The call begins.)"
GO_ON = "(The caller says nothing. Go on.)"
NOT_UNDERSTOOD = "(The caller said something that could not be understood.)"
INTERRUPTED = "(The caller interrupted you, and heard of your last words only what stands above.)"
INSTRUCTION = "(Instruction: {})"

_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""What every vendor accepts, whichever made it: a reply may go on with another vendor."""
_NEVER_SENT = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CallerTurn:
    text: str


@dataclass(frozen=True, slots=True)
class AgentTurn:
    text: str
    """May be empty where there are calls."""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ResultsTurn:
    """The results of all calls of the agent's turn before it, in their order."""

    results: tuple[ToolResult, ...]


Turn: TypeAlias = CallerTurn | AgentTurn | ResultsTurn


@dataclass(frozen=True, slots=True)
class Talk:
    system: str
    turns: tuple[Turn, ...]
    is_answer_owed: bool
    """The caller waits for words; after a tool's result there may be nothing left to say."""


def talk_of(history: Sequence[Message]) -> Talk:
    system = [message.text for message in _leading_system(history)]
    rest = history[len(system) :]
    results = {message.tool_call_id: message.text for message in rest if message.role is Role.TOOL}
    builder = _Builder(results)
    for message in rest:
        builder.add(message)
    last = history[-1].role if history else Role.SYSTEM
    return Talk(_clean("\n\n".join(filter(None, system))), builder.finish(), last is not Role.TOOL)


def _leading_system(history: Iterable[Message]) -> Iterable[Message]:
    for message in history:
        if message.role is not Role.SYSTEM:
            return
        yield message


@dataclass(slots=True)
class _Builder:
    results: dict[str, str]
    turns: list[Turn] = field(default_factory=list)
    was_interrupted: bool = False
    """It is still to be told."""

    def add(self, message: Message) -> None:
        text = _clean(message.text)
        match message.role:
            case Role.CALLER:
                if self.was_interrupted:
                    self._caller(INTERRUPTED)
                self._caller(text or NOT_UNDERSTOOD)
                self.was_interrupted = False
            case Role.SYSTEM:
                if text:
                    self._caller(INSTRUCTION.format(text))
                self.was_interrupted = False
            case Role.AGENT:
                if text or message.tool_calls:
                    self._agent(text, message.tool_calls)
                    self.was_interrupted = message.interrupted
            case Role.TOOL:
                pass  # told beside its call

    def finish(self) -> tuple[Turn, ...]:
        if not self.turns or isinstance(self.turns[-1], AgentTurn):
            self._caller(GO_ON if self.turns else CALL_BEGINS)
        return tuple(self.turns)

    def _caller(self, text: str) -> None:
        if self.turns and isinstance(last := self.turns[-1], CallerTurn):
            self.turns[-1] = CallerTurn(f"{last.text}\n{text}")
        else:
            self.turns.append(CallerTurn(text))

    def _agent(self, text: str, calls: tuple[ToolCall, ...]) -> None:
        if not self.turns:
            self._caller(CALL_BEGINS)
        told = tuple(replace(call, call_id=_acceptable(call.call_id)) for call in calls)
        if isinstance(last := self.turns[-1], AgentTurn):
            self.turns[-1] = AgentTurn("\n".join(filter(None, (last.text, text))), told)
        else:
            self.turns.append(AgentTurn(text, told))
        if calls:
            self.turns.append(
                ResultsTurn(
                    tuple(
                        ToolResult(to.call_id, call.name, self._result_of(call))
                        for call, to in zip(calls, told, strict=True)
                    )
                )
            )

    def _result_of(self, call: ToolCall) -> str:
        return _clean(self.results.get(call.call_id, UNKNOWN_RESULT)) or "(done)"


def _clean(text: str) -> str:
    """Without what JSON or UTF-8 cannot carry to everybody."""
    return _NEVER_SENT.sub("", text).strip()


def _acceptable(call_id: str) -> str:
    if _CALL_ID.fullmatch(call_id):
        return call_id
    return f"call_{sha256(call_id.encode('utf-8', 'replace')).hexdigest()[:24]}"
