"""`ari-bridge run` as a process of its own that can be killed, and started again on what it left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from ari_bridge.cli.dialogue import from_json
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.sandbox import leash
from ari_bridge.sandbox.lab import Lab

READY_WITHIN_S = 20.0

_CONFIG = """
[asterisk]
url = "{url}"
username = "{user}"
password = "{password}"
gone_after_s = {gone_after_s}
[agents.reception]
greeting = "Hello, this is the reception. How can I help you?"
resumption = "Sorry, I lost you for a moment."
actions = ["hangup", "transfer", "hold", "attended_transfer"]
[agents.sales]
greeting = "Hello, this is sales."
[destinations.human]
context = "humans"
exten = "reception"
[destinations.boss]
context = "humans"
endpoint = "PJSIP/7006@carrier"
[providers.script]
script_file = "{script}"
[records]
directory = "{directory}/records"
[store]
file = "{directory}/calls.sqlite"
"""


class Worker:
    """One worker after another, on the same settings and the same store."""

    def __init__(
        self, lab: Lab, directory: Path, script: str, url: str = "", *, gone_after_s: float = 30.0
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._config = directory / "ari_bridge.toml"
        pbx = lab.pbx
        self._config.write_text(
            _CONFIG.format(
                url=url or pbx.http_url,
                user=pbx.ari_user,
                password=pbx.ari_password,
                script=script,
                directory=directory,
                gone_after_s=gone_after_s,
            )
        )
        self.events: list[LiveEvent] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def media_pid(self) -> int:
        """Of the media process that came first; another stands by to take its place."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        media = [
            int(pid) for pid in children if "ari_bridge.media" in Path(f"/proc/{pid}/cmdline").read_text()
        ]
        return min(media)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def media_is_dead(self) -> bool:
        try:
            return not Path(f"/proc/{self.media_pid}").exists()
        except ValueError:
            return True

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    async def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, leash.__file__, str(os.getpid())),
                *(sys.executable, "-m", "ari_bridge.cli.main", "run", str(self._config), "--dialogue-json"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read(self._process.stdout, ready))
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await ready.wait()
        except TimeoutError:
            raise AssertionError(f"the worker is not ready: {self.log}") from None

    async def kill(self) -> None:
        """SIGKILL, and no more."""
        assert self._process is not None
        self._process.kill()
        await self._ended()

    async def stop(self) -> int:
        """SIGTERM twice: calls in progress go back to the dialplan. Returns the exit code."""
        process = self._process
        if process is None:
            return 0
        for _ in range(2):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.3)
        return await self._ended()

    async def seen(self, kind: LiveKind, count: int = 1, within_s: float = 15.0) -> LiveEvent:
        """The `count`th event of that kind."""
        for _ in range(int(within_s / 0.02)):
            found = [event for event in self.events if event.kind is kind]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kind} within {within_s} s: {self.events}\n{self.log}")

    async def _ended(self) -> int:
        assert self._process is not None
        assert self._reading is not None
        async with asyncio.timeout(30):
            code = await self._process.wait()
            await self._reading
        self._process = None
        return code

    async def _read(self, stdout: asyncio.StreamReader, ready: asyncio.Event) -> None:
        async for line in stdout:
            text = line.decode()
            if text.startswith("{"):
                self.events.append(from_json(text))
            elif text.startswith("ready"):
                ready.set()
