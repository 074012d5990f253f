"""The tables of the call store, and what a file with an older version of them would need."""

from __future__ import annotations

import sqlite3

VERSION = 2

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

_UPGRADES = {
    0: _TABLES,
    # Tools are found again, and counted.
    1: """
ALTER TABLE tools ADD COLUMN called_at TEXT NOT NULL DEFAULT '';        -- ISO 8601, UTC
ALTER TABLE tools ADD COLUMN standing TEXT NOT NULL DEFAULT 'running';  -- core.messages.Standing
ALTER TABLE tools ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
UPDATE tools SET standing = 'done' WHERE result IS NOT NULL;
CREATE INDEX tools_of_a_day ON tools (name, called_at);
""",
}
"""What makes the next version out of each; 0 is a new file."""


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables in a new file, and those that an older one lacks. Raises sqlite3.DatabaseError where
    the file is something else."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a power cut the last ms
    database.execute("PRAGMA foreign_keys = ON")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, and this program knows {VERSION}")
    for step in range(version, VERSION):
        database.executescript(
            f"BEGIN IMMEDIATE; {_UPGRADES[step]} PRAGMA user_version = {step + 1}; COMMIT;"
        )
