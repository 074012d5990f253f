"""A Journal in the call store's file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from ari_bridge.core.messages import ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store.record import TurnRecord
from ari_bridge.store.sqlite_thread import SqliteThread

_INSERT_TURN = (
    "INSERT INTO turns (call_id, number, who, text, heard, interrupted, start_ms, end_ms, latency_ms) VALUES"
    " (:call_id, :number, :who, :text, :heard, :interrupted, :start_ms, :end_ms, :latency_ms)"
)
_INSERT_TOOL = (
    "INSERT INTO tools (call_id, number, tool_call_id, name, arguments, after_turn) VALUES"
    " (:call_id, (SELECT count(*) FROM tools WHERE call_id = :call_id), :tool_call_id, :name, :arguments,"
    " :after_turn)"
)


class CallJournal:
    def __init__(self, database: SqliteThread, call_id: str) -> None:
        self._database = database
        self._call_id = call_id

    def turns_from(self, number: int, turns: Sequence[TurnRecord]) -> None:
        rows = [
            asdict(turn)
            | {"call_id": self._call_id, "number": number + offset, "latency_ms": json.dumps(turn.latency_ms)}
            for offset, turn in enumerate(turns)
        ]

        def work(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM turns WHERE call_id = ? AND number >= ?", (self._call_id, number))
            database.executemany(_INSERT_TURN, rows)

        self._database.write(work)

    async def tool_called(self, call: ToolCall, after_turn: int) -> None:
        row = {
            "call_id": self._call_id,
            "tool_call_id": call.call_id,
            "name": call.name,
            "arguments": json.dumps(dict(call.arguments)),
            "after_turn": after_turn,
        }
        await asyncio.wrap_future(self._database.write(lambda database: database.execute(_INSERT_TOOL, row)))

    def tool_answered(self, call: ToolCall, result: str) -> None:
        self._execute(
            "UPDATE tools SET result = ? WHERE call_id = ? AND tool_call_id = ? AND result IS NULL",
            (result, self._call_id, call.call_id),
        )

    def caller_is_now(self, info: CallInfo) -> None:
        self._execute(
            "UPDATE calls SET channel_id = ?, caller_number = ?, caller_name = ? WHERE call_id = ?",
            (info.channel_id, info.caller_number, info.caller_name, self._call_id),
        )

    def ended(self, status: str, cause: str) -> None:
        self._execute(
            "UPDATE calls SET ended_at = ?, status = ?, cause = ? WHERE call_id = ?",
            (iso(datetime.now(UTC)), status, cause, self._call_id),
        )

    def _execute(self, statement: str, row: Sequence[object]) -> None:
        self._database.write(lambda database: database.execute(statement, row))


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
