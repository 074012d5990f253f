"""The media process as its parent sees it: started, asked, and its end noticed."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import ari_bridge
from ari_bridge.core.errors import MediaError, MediaProcessDied
from ari_bridge.media.control import Failed, Message, Scheduled, Start, decode, encode
from ari_bridge.media.priority import Priority

log = logging.getLogger(__name__)

_START_S = 15.0
_STOP_S = 2.0


class MediaChild:
    """One media process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Made by start()."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._asked: deque[asyncio.Future[Message]] = deque()
        self._stopping = False
        self._failure = ""
        self._death: MediaProcessDied | None = None
        self._dead = asyncio.Event()
        self.priority = Priority.NORMAL
        """How the system schedules it."""
        self._listener = asyncio.create_task(self._listen(), name="media process")

    @classmethod
    async def start(cls, start: Start, control: socket.socket, theirs: socket.socket) -> MediaChild:
        """Start the process and wait until it stands by. `control` is our end of the socket pair whose other
        end, `theirs`, `start` names. Raises MediaError when it does not start; nothing is left of it then."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ari_bridge.media.process",
                encode(start).decode().strip(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=child_environment(),
                pass_fds=(start.memory_fd, start.wake_fd, start.control_fd, start.udp_fd),
            )
        except OSError as error:
            control.close()
            raise MediaError(f"the media process could not be started: {error.strerror}") from None
        except BaseException:
            control.close()
            raise
        finally:
            theirs.close()  # from now on only the process has it, and its end is the socket's end
        try:
            reader, writer = await asyncio.open_connection(sock=control)
        except BaseException:
            control.close()
            process.kill()
            await process.wait()
            raise
        child = cls(process, reader, writer)
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

    @property
    def dead(self) -> bool:
        return self._death is not None

    async def death(self) -> MediaProcessDied:
        """Wait for the process's end; how it came about."""
        await self._dead.wait()
        assert self._death is not None
        return self._death

    def kill(self, reason: str) -> None:
        """End it at once; death() will give the reason."""
        self._failure = reason
        with suppress(ProcessLookupError):
            self._process.kill()

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
        with suppress(ConnectionError):  # broken by a request that the process did not live to read
            while line := await self._reader.readline():
                self._take(decode(line))
        if not self._stopping:
            await self._mourn()

    def _take(self, message: Message) -> None:
        if isinstance(message, Failed):
            self._failure = message.reason
            log.error("the media process failed: %s\n%s", message.reason, message.traceback)
            return
        if isinstance(message, Scheduled):
            self.priority = Priority(message.priority)
            log.info("media process %d: scheduled with %s", self.pid, message.priority)
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

    def _fail(self, death: MediaProcessDied) -> None:
        """Nothing will be answered any more."""
        self._death = self._death or death
        self._dead.set()
        for waiting in self._asked:
            if not waiting.done():
                waiting.set_exception(self._death)
        self._asked.clear()


def child_environment() -> dict[str, str]:
    """Ours, with this very package importable, and without BLAS threads."""
    root = str(Path(ari_bridge.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
