"""A folder's full-text index: SQLite FTS5, ranked by bm25 (Robertson and Zaragoza, 2009).

It is kept in memory: documents change under it, and are read again when their time or size does. What stands
in a heading counts more than what stands below it.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ari_bridge.core.errors import SettingsError
from ari_bridge.tools.knowledge.chunks import cut

log = logging.getLogger(__name__)

FILE_MAX = 5_000_000
"""Bytes. A longer document is left out, with a line in the log."""
HEADING_WEIGHT = 4.0
MATCHES_CUT = 60
"""Words of a long chunk that are told, around the best match (FTS5 allows 64)."""
WHOLE_MAX = 900
"""Characters: a chunk up to this long is told whole."""
_PREFIX_MIN = 4
"""Letters from which on a word also finds longer ones: "deliver" finds "delivery"."""
_WORD = re.compile(r"\w+")
_SUFFIXES = {".md": True, ".markdown": True, ".txt": False, ".text": False}
"""What is read, and whether its headings are Markdown's."""

_TABLE = (
    "CREATE VIRTUAL TABLE chunks USING fts5(file UNINDEXED, heading, text,"
    " tokenize = 'porter unicode61 remove_diacritics 2')"
)
_SEARCH = (
    "SELECT file, heading, text, snippet(chunks, 2, '', '', '…', ?) FROM chunks WHERE chunks MATCH ?"
    " ORDER BY bm25(chunks, 0.0, ?, 1.0), rowid LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Found:
    file: str
    """Relative to the folder."""
    heading: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file} › {self.heading}" if self.heading else self.file
        return f"[{place}] {self.text}"


class Index:
    """Blocks: for a thread. One thread at a time."""

    def __init__(self, directory: Path) -> None:
        """Raises SettingsError where there is no such folder."""
        if not directory.is_dir():
            raise SettingsError(f"knowledge.directory: there is no folder {directory}")
        self._directory = directory
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(_TABLE)
        self._seen: dict[str, tuple[int, int]] = {}
        """Of each document: when it was changed, and its size."""

    def close(self) -> None:
        self._database.close()

    @property
    def files(self) -> list[str]:
        return sorted(self._seen)

    def refresh(self) -> None:
        """Read what is new or changed, forget what is gone."""
        there: dict[str, tuple[int, int]] = {}
        for path in sorted(self._directory.rglob("*")):
            if path.suffix.lower() in _SUFFIXES and path.is_file():
                status = path.stat()
                there[path.relative_to(self._directory).as_posix()] = (status.st_mtime_ns, status.st_size)
        for name in self._seen.keys() - there.keys():
            self._forget(name)
        for name, stamp in there.items():
            if self._seen.get(name) != stamp:
                self._read(name)
                self._seen[name] = stamp

    def search(self, query: str, limit: int) -> list[Found]:
        """The best first; all the query's words need not be there."""
        words = dict.fromkeys(_WORD.findall(query.casefold()))
        if not words:
            return []
        # Quoted, so that no word is an operator of FTS5's.
        terms = " OR ".join(f'"{word}"*' if len(word) >= _PREFIX_MIN else f'"{word}"' for word in words)
        rows = self._database.execute(_SEARCH, (MATCHES_CUT, terms, HEADING_WEIGHT, limit))
        return [
            Found(file, heading, text if len(text) <= WHOLE_MAX else snippet)
            for file, heading, text, snippet in rows
        ]

    def _read(self, name: str) -> None:
        self._forget(name)
        path = self._directory / name
        try:
            if path.stat().st_size > FILE_MAX:
                log.warning("knowledge.directory: %s is longer than %d bytes: left out", path, FILE_MAX)
                return
            document = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            log.warning("knowledge.directory: cannot read %s: %s", path, error.strerror)
            return
        chunks = cut(document, markdown=_SUFFIXES[path.suffix.lower()])
        self._database.executemany(
            "INSERT INTO chunks (file, heading, text) VALUES (?, ?, ?)",
            [(name, chunk.heading, chunk.text) for chunk in chunks],
        )

    def _forget(self, name: str) -> None:
        self._database.execute("DELETE FROM chunks WHERE file = ?", (name,))
        self._seen.pop(name, None)
