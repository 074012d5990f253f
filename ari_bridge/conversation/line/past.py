"""What an earlier process wrote down of a call, as the dialogue has it."""

from __future__ import annotations

from ari_bridge.core.messages import UNKNOWN_RESULT
from ari_bridge.dialogue.history import AgentSaid, CallerSaid, Entry, Sentence, ToolAnswered
from ari_bridge.dialogue.log import Turn, Who
from ari_bridge.store.journal import Past, ToolRecord
from ari_bridge.store.record import TurnRecord


def turns(past: Past, start_s: float) -> list[Turn]:
    """`start_s`: when the call began, on this process's monotonic clock (it may be below zero)."""
    return [
        Turn(
            Who(turn.who),
            turn.text,
            start_s + turn.start_ms / 1000,
            start_s + turn.end_ms / 1000,
            turn.heard,
            turn.interrupted,
            turn.latency_ms,
        )
        for turn in past.turns
    ]


def history(past: Past) -> list[Entry]:
    """Turns and tools in the order in which they were."""
    entries: list[Entry] = []
    tools = list(past.tools)
    for number, turn in enumerate(past.turns):
        while tools and tools[0].after_turn <= number:
            entries += _tool(tools.pop(0))
        entries.append(_said(turn))
    for tool in tools:
        entries += _tool(tool)
    return entries


def _said(turn: TurnRecord) -> Entry:
    if turn.who == Who.CALLER.value:
        return CallerSaid(turn.text)
    return AgentSaid([Sentence(0, turn.text)], heard=turn.heard if turn.interrupted else None)


def _tool(tool: ToolRecord) -> list[Entry]:
    result = UNKNOWN_RESULT if tool.result is None else tool.result
    return [AgentSaid(tool_calls=[tool.call]), ToolAnswered(tool.call.call_id, result)]
