"""The bridge's side of the recogniser's process: starts it, and carries many calls over its pipes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ari_bridge
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.stt.pocketsphinx_worker import HEADER, FrameKind, frame

_END_S = 2.0


class WorkerStream:
    """One call's way to its decoder. Replies come in order; an error is the last."""

    def __init__(self, process: WorkerProcess, number: int) -> None:
        self._process, self._number = process, number
        self.replies: asyncio.Queue[tuple[FrameKind, dict[str, Any]] | BaseException] = asyncio.Queue()

    async def send(self, kind: FrameKind, body: bytes = b"") -> None:
        """Waits while the process has too much before it. Raises ProviderError when it has died."""
        await self._process.send(frame(self._number, kind, body))

    def close(self) -> None:
        """Free the decoder, at once and whatever state the stream is in."""
        self._process.drop(self._number)


class WorkerProcess:
    """Use `await WorkerProcess.start()`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ProviderError("pocketsphinx: its process has no pipes", retryable=False)
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._streams: dict[int, WorkerStream] = {}
        self._last_number = 0
        self._reader = asyncio.create_task(self._read(), name="pocketsphinx replies")

    @classmethod
    async def start(cls) -> WorkerProcess:
        """Raises ProviderError."""
        package_root = str(Path(ari_bridge.__file__).parents[1])
        paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ari_bridge.providers.stt.pocketsphinx_worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        except OSError as error:
            raise ProviderError(f"pocketsphinx: its process cannot start: {error}", retryable=True) from None
        return cls(process)

    @property
    def is_alive(self) -> bool:
        return not self._reader.done()

    @property
    def load(self) -> int:
        """How many streams it serves."""
        return len(self._streams)

    async def open(self, rate_hz: int, phrases: Sequence[str], words: dict[str, str]) -> WorkerStream:
        self._last_number += 1
        stream = WorkerStream(self, self._last_number)
        self._streams[self._last_number] = stream
        request = {"rate_hz": rate_hz, "phrases": phrases, "words": words}
        try:
            await stream.send(FrameKind.OPEN, json.dumps(request).encode())
        except BaseException:
            stream.close()
            raise
        return stream

    async def send(self, data: bytes) -> None:
        if not self.is_alive:
            raise self._death()
        try:
            self._input.write(data)
            await self._input.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise self._death() from None

    def drop(self, number: int) -> None:
        if self._streams.pop(number, None) is not None and self.is_alive:
            self._input.write(frame(number, FrameKind.CLOSE))

    async def close(self) -> None:
        """End the process and wait for it."""
        self._input.close()
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        try:
            while True:
                number, kind, length = HEADER.unpack(await self._output.readexactly(HEADER.size))
                body = await self._output.readexactly(length)
                stream = self._streams.get(number)
                if stream is not None:
                    stream.replies.put_nowait((FrameKind(kind), json.loads(body)))
        except asyncio.IncompleteReadError:
            for stream in self._streams.values():
                stream.replies.put_nowait(self._death())

    @staticmethod
    def _death() -> ProviderError:
        return ProviderError("pocketsphinx: its process ended", retryable=True)
