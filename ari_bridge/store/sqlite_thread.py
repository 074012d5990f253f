"""A SQLite database in a thread of its own: the event loop never waits for a disk, and what is asked for
happens in the order in which it was asked for."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for another program that has the file locked (a backup, say)."""


class SqliteThread:
    """Make one with `open`."""

    def __init__(self, file: Path, database: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._file = file
        self._database = database
        self._thread = thread

    @classmethod
    async def open(cls, file: Path, prepare: Work[None]) -> SqliteThread:
        """The file is made if need be, readable by its owner only. Raises OSError or sqlite3.Error."""

        def connect() -> sqlite3.Connection:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            database = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
            try:
                prepare(database)
            except BaseException:
                database.close()
                raise
            return database

        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            database = await asyncio.wrap_future(thread.submit(connect))
        except BaseException:
            await asyncio.to_thread(thread.shutdown)
            raise
        return cls(file, database, thread)

    async def close(self) -> None:
        """When all that was asked for has happened."""
        await asyncio.wrap_future(self._thread.submit(self._database.close))
        await asyncio.to_thread(self._thread.shutdown)

    async def ask(self, work: Work[T]) -> T:
        """What `work` returns, in a transaction. Raises sqlite3.Error."""
        return await asyncio.wrap_future(self._thread.submit(self._transact, work))

    def write(self, work: Work[object]) -> Future[None]:
        """The same without an answer. What fails is logged: no call ends for it."""

        def guarded() -> None:
            try:
                self._transact(work)
            except sqlite3.Error as error:
                log.error("store.file: cannot write to %s: %s", self._file, error)

        return self._thread.submit(guarded)

    def _transact(self, work: Work[T]) -> T:
        with self._database as database:
            return work(database)
