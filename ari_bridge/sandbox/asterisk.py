"""A private Asterisk on loopback: own folder, own ports, own password, gone when we are."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox import leash
from ari_bridge.sandbox.packages import AsteriskProgram
from ari_bridge.sandbox.ports import free_port, port_range
from ari_bridge.sandbox.templates import render

START_TIMEOUT_S = 20.0

_LONGEST_SOCKET_PATH = 107
"""Of a Unix socket, in bytes (unix(7)): the console's."""

_HARMLESS_ERRORS = ("Unable to load config file", "cannot open shared object file")

CODECS = ("g722", "ulaw", "alaw", "slin16", "opus")
"""What trunk and softphone may use, best first. Opus only where its module is there."""


class AsteriskServer:
    """One private Asterisk. `async with` starts it and stops it; its folder stays, with its logs.

    It belongs to no event loop: start it in one and stop it in another if need be. It is killed with the
    thread that started it.
    """

    ari_user = "ari_bridge"

    def __init__(self, name: str, program: AsteriskProgram, directory: Path) -> None:
        self.name = name
        self.directory = directory.resolve()
        self.ari_password = secrets.token_urlsafe(16)
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._run_directory: Path | None = None
        self.choose_ports()

    def choose_ports(self) -> None:
        """New ports, before the start."""
        self.http_port = free_port(socket.SOCK_STREAM)
        self.sip_port = free_port(socket.SOCK_DGRAM)
        self.rtp_ports = port_range(400)

    @property
    def http_url(self) -> str:
        """Where ARI answers, without /ari."""
        return f"http://127.0.0.1:{self.http_port}"

    def ari_session(self) -> aiohttp.ClientSession:
        """An HTTP client (`session.get("/ari/channels")`); whoever asked for it closes it."""
        token = base64.b64encode(f"{self.ari_user}:{self.ari_password}".encode()).decode()
        return aiohttp.ClientSession(
            self.http_url,
            headers={"Authorization": f"Basic {token}"},
            timeout=aiohttp.ClientTimeout(total=5),
        )

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def codecs(self) -> tuple[str, ...]:
        """What its trunk may use, best first."""
        opus = any(map(self._program.has_module, ("codec_opus", "codec_opus_open_source")))
        return tuple(name for name in CODECS if name != "opus" or opus)

    async def start(self, files: Mapping[str, str], values: Mapping[str, object]) -> None:
        """Start with the configuration `files` ({path below etc: template}) and wait until it answers.

        `values` are for the templates, beside what this server knows of itself. Raises SandboxError.
        """
        self._files, self._values = files, values
        try:
            self._write_configuration(files, values)
            self._spawn()
        except OSError as error:
            await self.stop(grace_s=0)
            raise SandboxError(f"cannot start {self.name} in {self.directory}: {error.strerror}") from None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._answers()
        except TimeoutError:
            await self.stop(grace_s=0)
            raise SandboxError(
                f"{self.name} did not answer within {START_TIMEOUT_S:.0f} s; {self._complaint()}"
            ) from None
        except BaseException:
            await self.stop(grace_s=0)
            raise

    async def restart(self) -> None:
        """With the ports and the configuration it had, whether it still runs or was killed."""
        await self.stop(grace_s=0)
        await self.start(self._files, self._values)

    async def cli(self, command: str) -> str:
        """What Asterisk's console answers to `command`. Raises SandboxError when it does not run."""
        process = await asyncio.create_subprocess_exec(
            *self._program.command,
            "-C",
            str(self.directory / "etc/asterisk.conf"),
            "-rx",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        text = output.decode("utf-8", "replace")
        if process.returncode != 0 or self.pid is None:
            raise SandboxError(f"{self.name} does not answer on its console: {text.strip()}")
        return text

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End it: asked first, killed after `grace_s`. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, grace_s)
            except subprocess.TimeoutExpired:
                pass
            finally:
                process.kill()
                process.wait()
        if self._run_directory is not None:
            shutil.rmtree(self._run_directory, ignore_errors=True)
            self._run_directory = None

    def _write_configuration(self, files: Mapping[str, str], values: Mapping[str, object]) -> None:
        self._run_directory = self.directory / "run"
        if len(str(self._run_directory / "asterisk.ctl")) > _LONGEST_SOCKET_PATH:
            self._run_directory = Path(tempfile.mkdtemp(prefix="asterisk-"))
        (self.directory / "log/full").unlink(missing_ok=True)  # of an attempt before this one
        for folder in ("etc", "lib/agi-bin", "run", "spool/recording", "log/cdr-csv"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        own: dict[str, object] = {
            "name": self.name,
            "directory": self.directory,
            "run_directory": self._run_directory,
            "modules": self._program.modules,
            "data": self._program.data,
            "ari_user": self.ari_user,
            "ari_password": self.ari_password,
            "http_host": "127.0.0.1",
            "http_port": self.http_port,
            "sip_port": self.sip_port,
            "rtp_first_port": self.rtp_ports[0],
            "rtp_last_port": self.rtp_ports[-1],
            "codecs": ",".join(self.codecs),
        }
        for path, template in files.items():
            target = self.directory / "etc" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(render(template, {**own, **values}), encoding="utf-8")

    def _spawn(self) -> None:
        command = [*self._program.command, "-C", str(self.directory / "etc/asterisk.conf"), "-f", "-n"]
        with (self.directory / "log/console").open("wb") as console:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
            )

    async def _answers(self) -> None:
        """Until ARI answers to our password, with SIP there. Raises SandboxError when that cannot come."""
        async with self.ari_session() as session:
            while not await _has_sip(session):
                log = self._log_text()
                if "Address already in use" in log:
                    raise PortClash(
                        f"{self.name}: port {self.http_port} or {self.sip_port} was taken meanwhile"
                    )
                if self.pid is None:
                    raise SandboxError(f"{self.name} ended while starting; {self._complaint()}")
                await asyncio.sleep(0.05)
        await self.cli("core waitfullybooted")

    def _log_text(self) -> str:
        parts = (self.directory / "log" / name for name in ("full", "console"))
        return "".join(path.read_text("utf-8", "replace") for path in parts if path.exists())

    def _complaint(self) -> str:
        """The first error of its log that matters, and where the log is."""
        where = f"its log: {self.directory / 'log/full'}"
        for line in self._log_text().splitlines():
            if "ERROR" in line and not any(harmless in line for harmless in _HARMLESS_ERRORS):
                return f"{line.partition(': ')[2] or line}; {where}"
        return where


async def _has_sip(session: aiohttp.ClientSession) -> bool:
    try:
        limit = aiohttp.ClientTimeout(total=1)
        async with session.get("/ari/asterisk/modules/chan_pjsip.so", timeout=limit) as answer:
            return answer.status == 200 and (await answer.json())["status"] == "Running"
    except (aiohttp.ClientError, TimeoutError):
        return False


class PortClash(SandboxError):
    """Somebody took the port between our look and Asterisk's bind."""
