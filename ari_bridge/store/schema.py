"""The tables of the call store, and what a file with an older version of them would need."""

from __future__ import annotations

import sqlite3

VERSION = 1

_TABLES = """
CREATE TABLE calls (
    call_id TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    did TEXT NOT NULL,
    caller_number TEXT NOT NULL,
    caller_name TEXT NOT NULL,
    args TEXT NOT NULL,                 -- JSON
    variables TEXT NOT NULL,            -- JSON
    life INTEGER NOT NULL,
    started_at TEXT NOT NULL,           -- ISO 8601, UTC
    ended_at TEXT,                      -- NULL while it lasts
    status TEXT NOT NULL DEFAULT '',    -- ARIBRIDGESTATUS; LOST when nobody saw the end
    cause TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX open_calls ON calls (app) WHERE ended_at IS NULL;
CREATE TABLE turns (
    call_id TEXT NOT NULL REFERENCES calls ON DELETE CASCADE,
    number INTEGER NOT NULL,
    who TEXT NOT NULL,                  -- caller, agent
    text TEXT NOT NULL,
    heard TEXT,                         -- agent: what of it the caller heard
    interrupted INTEGER NOT NULL,
    start_ms REAL NOT NULL,
    end_ms REAL NOT NULL,
    latency_ms TEXT NOT NULL,           -- JSON
    PRIMARY KEY (call_id, number)
) WITHOUT ROWID;
CREATE TABLE tools (
    call_id TEXT NOT NULL REFERENCES calls ON DELETE CASCADE,
    number INTEGER NOT NULL,
    tool_call_id TEXT NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,            -- JSON
    after_turn INTEGER NOT NULL,
    result TEXT,                        -- NULL while it runs
    PRIMARY KEY (call_id, number)
) WITHOUT ROWID;
"""


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables in a new file. Raises sqlite3.DatabaseError where the file is something else."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a power cut the last ms
    database.execute("PRAGMA foreign_keys = ON")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, and this program knows {VERSION}")
