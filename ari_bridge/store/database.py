"""The call store: one SQLite file with calls, turns and the tool ledger. Personal data throughout.

One worker has the file for its Stasis application at a time. The lock on that dies with the worker: so a
worker that gets it, and finds calls without an end, knows that the one that began them is dead.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ari_bridge.core.errors import SettingsError
from ari_bridge.core.messages import Standing, ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store import schema
from ari_bridge.store.call_journal import CallJournal, iso
from ari_bridge.store.journal import Past, ToolRecord
from ari_bridge.store.lock import ProcessLock
from ari_bridge.store.record import TurnRecord
from ari_bridge.store.sqlite_thread import SqliteThread

LOST = "LOST"
"""The status of a call whose end nobody saw."""

_BEGIN = (
    "INSERT INTO calls (call_id, app, channel_id, agent, did, caller_number, caller_name, args, variables,"
    " life, started_at) VALUES (:call_id, :app, :channel_id, :agent, :did, :caller_number, :caller_name,"
    " :args, :variables, :life, :started_at) ON CONFLICT (call_id) DO UPDATE SET"
    " channel_id = excluded.channel_id, life = excluded.life, ended_at = NULL, status = '', cause = ''"
)
_OPEN = (
    "SELECT call_id, channel_id, agent, did, caller_number, caller_name, args, variables, life FROM calls"
    " WHERE app = ? AND ended_at IS NULL"
)
_CLOSE = "UPDATE calls SET ended_at = ?, status = ? WHERE app = ? AND ended_at IS NULL"
_TURNS = (
    "SELECT who, text, start_ms, end_ms, heard, interrupted, latency_ms FROM turns WHERE call_id = ?"
    " ORDER BY number"
)
_TOOLS = (
    "SELECT tool_call_id, name, arguments, result, after_turn, number, standing, settled FROM tools"
    " WHERE call_id = ? ORDER BY number"
)


class CallStore:
    """Make one with `open`."""

    def __init__(self, app: str, lock: ProcessLock, database: SqliteThread) -> None:
        self._app = app
        self._lock = lock
        self._database = database

    @classmethod
    async def open(cls, file: Path, app: str) -> CallStore:
        """Raises SettingsError, one line, when the file cannot be used; nothing is left open then."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = ProcessLock(file.with_name(f"{file.name}.{app}.lock"))
            try:
                return cls(app, lock, await SqliteThread.open(file, schema.prepare))
            except BaseException:
                lock.release()
                raise
        except BlockingIOError:
            raise SettingsError(
                f"store.file: another ari_bridge has {file} for asterisk.app {app!r}: stop it, or give each"
                " an application of its own"
            ) from None
        except OSError as error:
            raise SettingsError(f"store.file: cannot use {file}: {error.strerror}") from None
        except sqlite3.Error as error:
            raise SettingsError(f"store.file: cannot use {file}: {error}") from None

    async def close(self) -> None:
        """All that was written is in the file then."""
        await self._database.close()
        self._lock.release()

    async def left_behind(self) -> dict[str, CallInfo]:
        """The calls that a worker which died had, by the caller's channel id. They count as LOST from now on,
        until one is begun again."""

        def work(database: sqlite3.Connection) -> list[CallInfo]:
            found = [_call_info(row) for row in database.execute(_OPEN, (self._app,))]
            database.execute(_CLOSE, (iso(datetime.now(UTC)), LOST, self._app))
            return found

        return {info.channel_id: info for info in await self._database.ask(work)}

    async def past(self, call_id: str) -> Past | None:
        """What was written down of a call; None of an unknown one."""

        def work(database: sqlite3.Connection) -> Past | None:
            call = database.execute("SELECT started_at FROM calls WHERE call_id = ?", (call_id,)).fetchone()
            if call is None:
                return None
            return Past(
                datetime.fromisoformat(call[0]),
                [_turn(row) for row in database.execute(_TURNS, (call_id,))],
                [_tool(row) for row in database.execute(_TOOLS, (call_id,))],
            )

        return await self._database.ask(work)

    def begin(self, info: CallInfo, started_at: datetime) -> CallJournal:
        """A call is here, for the first time or in its next life."""
        row = {
            "call_id": info.call_id,
            "app": self._app,
            "channel_id": info.channel_id,
            "agent": info.agent,
            "did": info.did,
            "caller_number": info.caller_number,
            "caller_name": info.caller_name,
            "args": json.dumps(dict(info.args)),
            "variables": json.dumps(dict(info.variables)),
            "life": info.life,
            "started_at": iso(started_at),
        }
        self._database.write(lambda database: database.execute(_BEGIN, row))
        return CallJournal(self._database, info.call_id)


def _call_info(row: tuple[Any, ...]) -> CallInfo:
    call_id, channel_id, agent, did, number, name, args, variables, life = row
    return CallInfo(
        call_id, channel_id, agent, did, number, name, json.loads(args), json.loads(variables), life
    )


def _turn(row: tuple[Any, ...]) -> TurnRecord:
    who, text, start_ms, end_ms, heard, interrupted, latency_ms = row
    return TurnRecord(who, text, start_ms, end_ms, heard, bool(interrupted), json.loads(latency_ms))


def _tool(row: tuple[Any, ...]) -> ToolRecord:
    tool_call_id, name, arguments, result, after_turn, number, standing, settled = row
    call = ToolCall(tool_call_id, name, json.loads(arguments))
    known = Standing(standing)
    # Whoever ran it is dead.
    known = Standing.UNKNOWN if known is Standing.RUNNING else known
    return ToolRecord(call, result, after_turn, number, known, bool(settled))
