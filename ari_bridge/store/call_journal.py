"""A Journal in the call store's file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from ari_bridge.core.errors import StoreError
from ari_bridge.core.messages import Standing, ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store.record import TurnRecord
from ari_bridge.store.sqlite_thread import SqliteThread

_INSERT_TURN = (
    "INSERT INTO turns (call_id, number, who, text, heard, interrupted, start_ms, end_ms, latency_ms) VALUES"
    " (:call_id, :number, :who, :text, :heard, :interrupted, :start_ms, :end_ms, :latency_ms)"
)
# One statement, so that several processes on one file cannot pass the day's limit together.
_INSERT_TOOL = (
    "INSERT INTO tools (call_id, number, tool_call_id, name, arguments, after_turn, called_at)"
    " SELECT :call_id, (SELECT count(*) FROM tools WHERE call_id = :call_id), :tool_call_id, :name,"
    " :arguments, :after_turn, :called_at WHERE :most_today IS NULL OR"
    " (SELECT count(*) FROM tools WHERE name = :name AND called_at >= :midnight"
    " AND standing <> 'not_done') < :most_today"
    " RETURNING number"
)


def local_now() -> datetime:
    return datetime.now().astimezone()


class CallJournal:
    def __init__(self, database: SqliteThread, call_id: str, now: Callable[[], datetime] = local_now) -> None:
        self._database = database
        self._call_id = call_id
        self._now = now

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

    async def tool_called(
        self, call: ToolCall, after_turn: int, *, most_today: int | None = None
    ) -> int | None:
        now = self._now()
        row = {
            "call_id": self._call_id,
            "tool_call_id": call.call_id,
            "name": call.name,
            "arguments": json.dumps(dict(call.arguments)),
            "after_turn": after_turn,
            "called_at": iso(now.astimezone(UTC)),
            "midnight": iso(now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)),
            "most_today": most_today,
        }

        def work(database: sqlite3.Connection) -> int | None:
            written = database.execute(_INSERT_TOOL, row).fetchone()
            return None if written is None else int(written[0])

        try:
            return await self._database.ask(work)
        except sqlite3.Error as error:
            raise StoreError(f"store.file: cannot write: {error}") from None

    def tool_answered(self, number: int, result: str, standing: Standing) -> None:
        self._execute(
            "UPDATE tools SET result = ?, standing = ? WHERE call_id = ? AND number = ?",
            (result, standing.value, self._call_id, number),
        )

    def tools_settled(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._execute(
                "UPDATE tools SET settled = 1 WHERE call_id = ? AND number = ?", (self._call_id, number)
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
