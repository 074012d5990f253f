"""The call store: what one process wrote down is what the next one reads, and nobody else has the file."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import SettingsError, StoreError
from ari_bridge.core.messages import Standing, ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store import schema
from ari_bridge.store.call_journal import CallJournal
from ari_bridge.store.database import CallStore
from ari_bridge.store.journal import ToolRecord
from ari_bridge.store.record import TurnRecord
from ari_bridge.store.sqlite_thread import SqliteThread

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
INFO = CallInfo("call-1", "170.1", "sales", "5000", "555", "Ada", {"lang": "en"}, {"AI_CONTEXT": "ü"})
HELLO = TurnRecord("agent", "Hello there.", 0.0, 800.0, "Hello there.", latency_ms={"first_packet": 12.5})
HI = TurnRecord("caller", "hi", 1000.0, 1400.0)
LONGER = TurnRecord("caller", "hi I have a question", 1000.0, 2400.0)


@pytest.fixture
def file(tmp_path: Path, nothing_left: None) -> Path:
    return tmp_path / "below" / "calls.sqlite"


def test_what_was_written_is_read_by_the_next_process(file: Path, run: Any) -> None:
    async def main() -> None:
        store = await CallStore.open(file, "voice")
        journal = store.begin(INFO, BEGAN)
        journal.turns_from(0, [HELLO])
        journal.turns_from(1, [HI])
        journal.turns_from(1, [LONGER])
        transfer, asked = ToolCall("t1", "transfer", {"destination": "ö"}), ToolCall("t1", "ask", {})
        assert await journal.tool_called(transfer, 2) == 0
        journal.tool_answered(0, "Done.", Standing.DONE)
        journal.tools_settled([0])
        assert await journal.tool_called(asked, 2) == 1, "the model's own ids may come again"
        await store.close()

        store = await CallStore.open(file, "voice")
        assert await store.left_behind() == {"170.1": INFO}
        past = await store.past("call-1")
        assert past is not None
        assert past.started_at == BEGAN
        assert past.turns == [HELLO, LONGER]
        assert past.tools == [
            ToolRecord(transfer, "Done.", 2, 0, Standing.DONE, settled=True),
            ToolRecord(asked, None, 2, 1, Standing.UNKNOWN),
        ]
        assert await store.past("call-2") is None
        await store.close()

    run(main())


def test_only_calls_without_an_end_and_of_the_own_application_are_left_behind(file: Path, run: Any) -> None:
    async def main() -> None:
        store = await CallStore.open(file, "voice")
        store.begin(INFO, BEGAN).ended("HANGUP", "CALLER")
        await store.close()
        store = await CallStore.open(file, "other")
        store.begin(CallInfo("call-2", "170.2", "a", "", "", ""), BEGAN)
        assert [info.call_id for info in (await store.left_behind()).values()] == ["call-2"]
        assert await store.left_behind() == {}, "they are LOST, unless begun again"
        await store.close()

    run(main())
    rows = sqlite3.connect(file).execute("SELECT call_id, status, cause FROM calls ORDER BY call_id")
    assert rows.fetchall() == [("call-1", "HANGUP", "CALLER"), ("call-2", "LOST", "")]
    rows.connection.close()


def test_a_transferred_call_is_found_by_its_new_channel(file: Path, run: Any) -> None:
    async def main() -> None:
        store = await CallStore.open(file, "voice")
        journal = store.begin(INFO, BEGAN)
        journal.caller_is_now(CallInfo("call-1", "170.9", "sales", "5000", "6001", "Bob"))
        (info,) = (await store.left_behind()).values()
        assert (info.channel_id, info.caller_number, info.agent) == ("170.9", "6001", "sales")
        await store.close()

    run(main())


def test_personal_data_is_for_its_owner_only(file: Path, run: Any) -> None:
    async def main() -> None:
        await (await CallStore.open(file, "voice")).close()

    run(main())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_workers_of_one_application_are_told_apart(file: Path, run: Any) -> None:
    async def main() -> None:
        store = await CallStore.open(file, "voice")
        await (await CallStore.open(file, "other")).close()
        with pytest.raises(SettingsError, match=r"store\.file: another ari_bridge has .* 'voice'"):
            await CallStore.open(file, "voice")
        await store.close()
        await (await CallStore.open(file, "voice")).close()

    run(main())


def test_a_killed_process_loses_neither_its_lines_nor_the_lock(file: Path, run: Any) -> None:
    program = f"""
import asyncio, os, signal
from datetime import UTC, datetime
from pathlib import Path
from ari_bridge.core.messages import Standing, ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store.database import CallStore
async def main():
    store = await CallStore.open(Path({str(file)!r}), "voice")
    journal = store.begin(CallInfo("call-1", "170.1", "a", "", "", ""), datetime.now(UTC))
    await journal.tool_called(ToolCall("t", "pay", {{}}), 0)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9

    async def main() -> None:
        store = await CallStore.open(file, "voice")
        assert list(await store.left_behind()) == ["170.1"]
        past = await store.past("call-1")
        assert past is not None
        assert [tool.call.name for tool in past.tools] == ["pay"]
        await store.close()

    run(main())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_bytes(b"this is no database" * 100), "not a database"),
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: _newer(file), "version 99"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(file: Path, run: Any, spoil: Any, words: str) -> None:
    file.parent.mkdir()
    spoil(file)

    async def main() -> None:
        with pytest.raises(SettingsError, match=rf"^store\.file: cannot use {file}: .*{words}.*$"):
            await CallStore.open(file, "voice")

    run(main())


def _newer(file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 99")
    database.close()


def test_a_file_of_the_first_version_is_taken_up(file: Path, run: Any) -> None:
    file.parent.mkdir()
    database = sqlite3.connect(file)
    database.executescript(f"{schema._TABLES} PRAGMA user_version = 1;")
    database.execute(
        "INSERT INTO calls VALUES ('c', 'voice', '1', 'a', '', '', '', '{}', '{}', 1, '', NULL, '', '')"
    )
    database.execute("INSERT INTO tools VALUES ('c', 0, 't1', 'pay', '{}', 1, 'Paid.')")
    database.execute("INSERT INTO tools VALUES ('c', 1, 't2', 'pay', '{}', 1, NULL)")
    database.commit()
    database.close()

    async def main() -> None:
        database = await SqliteThread.open(file, schema.prepare)
        columns = "number, standing, settled"
        rows = await database.ask(lambda db: db.execute(f"SELECT {columns} FROM tools").fetchall())
        await database.close()
        assert rows == [(0, "done", 0), (1, "running", 0)]

    run(main())


def test_a_day_s_limit_counts_in_all_calls_from_midnight_on_what_may_have_been_done(
    file: Path, run: Any
) -> None:
    here = timezone(timedelta(hours=2))
    evening = datetime(2026, 1, 31, 23, 50, tzinfo=here)
    pay = ToolCall("t", "pay", {})

    async def main() -> None:
        store = await CallStore.open(file, "voice")
        database = store.begin(INFO, BEGAN)._database
        store.begin(replace(INFO, call_id="call-2"), BEGAN)
        now = evening

        def journal(call_id: str) -> CallJournal:
            return CallJournal(database, call_id, lambda: now)

        one, two = journal("call-1"), journal("call-2")
        assert await one.tool_called(pay, 0, most_today=2) == 0
        assert await two.tool_called(pay, 0, most_today=2) == 0
        assert await one.tool_called(pay, 0, most_today=2) is None
        assert await one.tool_called(ToolCall("t", "other", {}), 0, most_today=1) == 1
        two.tool_answered(0, "Refused.", Standing.NOT_DONE)
        assert await one.tool_called(pay, 0, most_today=2) == 2, "what surely was not done does not count"
        now = evening + timedelta(minutes=20)
        assert await one.tool_called(pay, 0, most_today=1) == 3, "another day"
        await store.close()

    run(main())


def test_what_cannot_be_written_is_told(file: Path, run: Any) -> None:
    async def main() -> None:
        store = await CallStore.open(file, "voice")
        journal = CallJournal(store.begin(INFO, BEGAN)._database, "a call that never began")
        with pytest.raises(StoreError, match=r"^store\.file: cannot write: FOREIGN KEY"):
            await journal.tool_called(ToolCall("t", "pay", {}), 0)
        await store.close()

    run(main())
