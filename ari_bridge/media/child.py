"""The media process as its parent sees it: started, asked, and its end noticed."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ari_bridge
from ari_bridge.core.errors import MediaError, MediaProcessDied
from ari_bridge.media.control import Failed, Message, Start, decode, encode

log = logging.getLogger(__name__)

_START_S = 15.0
_STOP_S = 2.0


class MediaChild:
    """One media process. `on_death` is called once if it ends before stop()."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_death: Callable[[MediaProcessDied], None],
    ) -> None:
        """Made by start()."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._on_death = on_death
        self._asked: deque[asyncio.Future[Message]] = deque()
        self._stopping = False
        self._failure = ""
        self._death: MediaProcessDied | None = None
        self._listener = asyncio.create_task(self._listen(), name="media process")

    @classmethod
    async def start(
        cls, start: Start, control: socket.socket, on_death: Callable[[MediaProcessDied], None]
    ) -> MediaChild:
        """Start the process and wait until it is ready. `control` is our end of the socket pair whose other
        end `start` names. Raises MediaError when it does not start; nothing is left of it then."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ari_bridge.media.process",
                encode(start).decode().strip(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=_environment(),
                pass_fds=(start.memory_fd, start.wake_fd, start.control_fd, start.udp_fd),
            )
        except BaseException:
            control.close()
            raise
        reader, writer = await asyncio.open_connection(sock=control)
        child = cls(process, reader, writer, on_death)
        ready = child._expect()
        try:
            async with asyncio.timeout(_START_S):
                await ready
        except TimeoutError:
            await child.stop()
            raise MediaError(f"the media process was not ready within {_START_S:.0f} s") from None
        except BaseException:
            await child.stop()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, request: Message) -> Message:
        """Its answer. Raises MediaProcessDied."""
        if self._death is not None:
            raise self._death
        self._writer.write(encode(request))
        return await self._expect()

    def tell(self, request: Message) -> None:
        """Ask without caring for the answer."""
        if self._death is None:
            self._writer.write(encode(request))
            self._expect().cancel()

    async def stop(self) -> None:
        """End the process and wait for its end. Idempotent."""
        self._stopping = True
        self._writer.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._listener.cancel()
        with suppress(asyncio.CancelledError):
            await self._listener
        self._fail(MediaProcessDied("the media process was stopped"))

    def _expect(self) -> asyncio.Future[Message]:
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        return answer

    async def _listen(self) -> None:
        """Hand out the answers, until the process closes its end."""
        with suppress(ConnectionResetError):
            while line := await self._reader.readline():
                self._take(decode(line))
        if not self._stopping:
            await self._mourn()

    def _take(self, message: Message) -> None:
        if isinstance(message, Failed):
            self._failure = message.reason
            log.error("the media process failed: %s\n%s", message.reason, message.traceback)
            return
        waiting = self._asked.popleft()
        if not waiting.cancelled():
            waiting.set_result(message)

    async def _mourn(self) -> None:
        code = await self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with status {code}"
        reason = self._failure or f"{how}, without a word"
        death = MediaProcessDied(f"the media process ended: {reason}")
        self._writer.close()
        self._fail(death)
        self._on_death(death)

    def _fail(self, death: MediaProcessDied) -> None:
        """Nothing will be answered any more."""
        self._death = self._death or death
        for waiting in self._asked:
            if not waiting.done():
                waiting.set_exception(self._death)
        self._asked.clear()


def _environment() -> dict[str, str]:
    """Ours, with this very package importable, and without BLAS threads."""
    root = str(Path(ari_bridge.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
