"""Keeps the analysis process running: what dies or stands still is started again.

No call waits for it. While there is none, detectors decide by the level alone (media/voice_activity.py), and
the log says so once.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ari_bridge.media.child import child_environment

log = logging.getLogger(__name__)

WATCH_S = 1.0
LAG_FRAMES_MAX = 50
STUCK_LOOKS = 2
"""In a row at which a call is LAG_FRAMES_MAX behind: then the process is killed."""
START_S = 15.0
"""So long it may take to start; it is not looked after before."""
RETRY_S = (0.1, 1.0, 5.0, 30.0)
"""Before it is started again: the first time, the second, … until it has lived for LIVED_S."""
LIVED_S = 30.0


class AnalysisKeeper:
    """The analysis process of one plane. Made by start(); stop() it."""

    def __init__(self, arguments: Sequence[str], memory_fd: int, lag_frames: Callable[[], int]) -> None:
        self._arguments = arguments
        self._memory_fd = memory_fd
        self._lag_frames = lag_frames
        self._process: asyncio.subprocess.Process | None = None
        self.restarts = 0
        self._supervisor = asyncio.create_task(self._supervise(), name="analysis keeper")

    @classmethod
    def start(
        cls, rows: int, memory_fd: int, model: Path | None, lag_frames: Callable[[], int]
    ) -> AnalysisKeeper:
        """Have the rows in `memory_fd` analysed, by `model` too where there is one. `lag_frames` tells by how
        many frames the call that lags most is behind."""
        arguments = [str(rows), str(memory_fd), *([] if model is None else [str(model)])]
        return cls(arguments, memory_fd, lag_frames)

    @property
    def pid(self) -> int | None:
        """None while there is no process."""
        return None if self._process is None else self._process.pid

    async def stop(self) -> None:
        """End the process. Idempotent."""
        self._supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await self._supervisor

    async def _supervise(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                started_s = loop.time()
                reason = await self._run_one()
                failures = 1 if loop.time() - started_s > LIVED_S else failures + 1
                log.warning("the analysis of callers' audio ended, the level alone tells voice: %s", reason)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S)) - 1])
                self.restarts += 1
        except Exception:  # a supervising root: calls go on without it
            log.exception("the supervision of the analysis process failed; the level alone tells voice")

    async def _run_one(self) -> str:
        """From its start to its end; how that came about."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ari_bridge.media.analysis.process",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=child_environment(),
                pass_fds=(self._memory_fd,),
            )
        except OSError as error:
            return f"it could not be started: {error.strerror}"
        self._process = process
        watch = asyncio.create_task(self._watch(process), name="analysis watch")
        try:
            assert process.stdout is not None
            said = (await process.stdout.read()).decode(errors="replace").strip()
            code = await process.wait()
        finally:
            self._process = None
            watch.cancel()
            with suppress(ProcessLookupError):
                process.kill()  # it holds nothing that could be lost
            await process.wait()
        return said or (f"by signal {-code}" if code < 0 else f"with status {code}")

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a process that lives but does not get on."""
        await asyncio.sleep(START_S)
        stuck = 0
        while stuck < STUCK_LOOKS:
            await asyncio.sleep(WATCH_S)
            stuck = stuck + 1 if self._lag_frames() > LAG_FRAMES_MAX else 0
        log.warning("the analysis of callers' audio stands still")
        with suppress(ProcessLookupError):
            process.kill()
