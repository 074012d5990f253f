"""Spoken phrases, kept in memory and on disk, each within a limit; what was not used for longest goes first.

A file is one line of JSON (format, rate, word times), then PCM16 little-endian. It is written whole or not at
all, so that several processes can share the directory; one that cannot be read is no error: the phrase is
made again. Reading and writing are done in threads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Speech, WordTime

_log = logging.getLogger(__name__)

_FORMAT = "ari_bridge phrase 1"
_SUFFIX = ".phrase"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence's whole audio. `pcm`: shape (samples,)."""

    pcm: Pcm16
    rate_hz: int
    words: tuple[WordTime, ...] = ()

    @classmethod
    def of(cls, pieces: Sequence[Speech], rate_hz: int) -> Phrase:
        pcm = np.concatenate([np.zeros(0, np.int16), *(piece.pcm for piece in pieces)])
        return cls(pcm, rate_hz, tuple(word for piece in pieces for word in piece.words))

    @property
    def size(self) -> int:
        """In bytes, about."""
        return self.pcm.nbytes + 100 * (len(self.words) + 1)

    def to_bytes(self) -> bytes:
        words = [[w.start_char, w.end_char, w.start_sample, w.end_sample] for w in self.words]
        head = {"format": _FORMAT, "rate_hz": self.rate_hz, "samples": len(self.pcm), "words": words}
        return json.dumps(head).encode() + b"\n" + self.pcm.astype("<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Phrase | None:
        """None where it is not a phrase, or not a whole one."""
        line, _, body = data.partition(b"\n")
        try:
            head = json.loads(line)
            if head["format"] != _FORMAT or len(body) != 2 * head["samples"]:
                return None
            words = tuple(WordTime(*(int(value) for value in word)) for word in head["words"])
            return cls(np.frombuffer(body, "<i2").astype(np.int16), int(head["rate_hz"]), words)
        except (ValueError, KeyError, TypeError):
            return None


class PhraseStore:
    """One a service; `close` it."""

    def __init__(
        self, directory: Path | None, *, memory_bytes: int = 32_000_000, disk_bytes: int = 256_000_000
    ) -> None:
        """`directory`: made when needed; None: memory only."""
        self._directory = directory
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._memory: OrderedDict[str, Phrase] = OrderedDict()
        self._used_bytes = 0
        self._writing: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> Phrase | None:
        """`key`: safe as a file's name."""
        phrase = self._memory.get(key)
        if phrase is not None:
            self._memory.move_to_end(key)
        elif self._directory is not None:
            phrase = await asyncio.to_thread(_read, self._directory / f"{key}{_SUFFIX}")
            if phrase is not None:
                self._remember(key, phrase)
        return phrase

    def put(self, key: str, phrase: Phrase) -> None:
        """It can be got at once; the disk follows."""
        self._remember(key, phrase)
        if self._directory is not None:
            work = asyncio.to_thread(_write, self._directory, key, phrase, self._disk_bytes)
            task = asyncio.create_task(work, name="phrase store")
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """What is being written is written to its end."""
        if self._writing:
            await asyncio.wait(self._writing)

    def _remember(self, key: str, phrase: Phrase) -> None:
        before = self._memory.pop(key, None)
        self._memory[key] = phrase
        self._used_bytes += phrase.size - (0 if before is None else before.size)
        while self._used_bytes > self._memory_bytes and self._memory:
            _, oldest = self._memory.popitem(last=False)
            self._used_bytes -= oldest.size


def _read(path: Path) -> Phrase | None:
    try:
        phrase = Phrase.from_bytes(path.read_bytes())
    except OSError:
        return None
    with suppress(OSError):
        if phrase is None:
            path.unlink()
        else:
            os.utime(path)
    return phrase


def _write(directory: Path, key: str, phrase: Phrase, disk_bytes: int) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=directory, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(phrase.to_bytes())
            os.replace(temporary, directory / f"{key}{_SUFFIX}")
        except BaseException:
            os.unlink(temporary)
            raise
        _make_room(directory, disk_bytes)
    except OSError as error:
        _log.warning("phrases are not kept on disk: %s: %s", directory, error.strerror)


def _make_room(directory: Path, disk_bytes: int) -> None:
    """Delete what was not used for longest. Another process may be doing the same."""
    found = []
    for path in directory.glob(f"*{_SUFFIX}"):
        with suppress(FileNotFoundError):
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size, path))
    used = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if used <= disk_bytes:
            return
        path.unlink(missing_ok=True)
        used -= size
