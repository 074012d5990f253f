"""Carrier and PBX run, know each other, and are gone when they should be."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.lab import Lab, open_lab
from ari_bridge.sandbox.packages import AsteriskProgram
from ari_bridge.sandbox.ports import free_port

pytestmark = pytest.mark.asterisk


def test_the_pbx_routes_its_dids_to_agents(clean_lab: Lab, run: Any) -> None:
    dialplan = run(clean_lab.pbx.cli("dialplan show 5000@from-trunk"))
    assert "Stasis(ari_bridge,agent=reception,did=5000)" in dialplan
    assert "ari-bridge-after" in dialplan


def test_ari_wants_the_password(clean_lab: Lab, run: Any) -> None:
    async def main() -> int:
        url = f"{clean_lab.pbx.http_url}/ari/channels?api_key={clean_lab.pbx.ari_user}:wrong"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status

    assert run(main()) == 401


def test_a_second_lab_runs_beside_the_first(lab: Lab, tmp_path: Path, run: Any) -> None:
    async def main() -> None:
        started = time.monotonic()
        async with open_lab(tmp_path) as second:
            assert time.monotonic() - started < 8
            pids = [second.pbx.pid, second.carrier.pid]
            ports = {second.pbx.sip_port, second.carrier.sip_port, lab.pbx.sip_port, lab.carrier.sip_port}
            assert len(ports) == 4
            assert "System uptime" in await second.carrier.cli("core show uptime")
        assert second.pbx.pid is None
        for pid in pids:
            assert pid is not None
            assert not Path(f"/proc/{pid}").exists()
        with pytest.raises(SandboxError, match="pbx does not answer"):
            await second.pbx.cli("core show uptime")

    run(main())


def test_asterisk_dies_with_whoever_started_it(lab: Lab, tmp_path: Path) -> None:
    """kill -9 of the starter: no stop() runs, yet nothing stays."""
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from ari_bridge.sandbox.lab import open_lab\n"
        "async def main():\n"
        "    async with open_lab(Path(sys.argv[1])) as lab:\n"
        "        print(lab.pbx.pid, lab.carrier.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pids = [int(text) for text in starter.stdout.readline().split()]
        assert len(pids) == 2
        starter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and any(_runs(pid) for pid in pids):
        time.sleep(0.02)
    assert not any(_runs(pid) for pid in pids)


def test_a_taken_port_is_noticed_and_another_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both Asterisks first get a port that somebody holds; the lab tries again with others."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.create_server(("127.0.0.1", 0))
    with udp, tcp:
        udp.bind(("127.0.0.1", 0))
        first = iter([tcp.getsockname()[1], udp.getsockname()[1], tcp.getsockname()[1]])

        def chosen(kind: socket.SocketKind) -> int:
            return next(first, None) or free_port(kind)

        monkeypatch.setattr("ari_bridge.sandbox.asterisk.free_port", chosen)

        async def main() -> None:
            async with open_lab(tmp_path) as lab:
                assert lab.pbx.http_port != tcp.getsockname()[1]
                assert lab.carrier.sip_port != udp.getsockname()[1]

        asyncio.run(main())


def test_a_deep_folder_has_a_console_too(tmp_path: Path, run: Any) -> None:
    """The path of a Unix socket is short; the folder of a build need not be."""

    async def main() -> None:
        async with open_lab(tmp_path / ("deep" * 30)) as lab:
            assert "System uptime" in await lab.pbx.cli("core show uptime")

    run(main())


@pytest.mark.parametrize(
    ("command", "complaint"),
    [("/bin/false", "pbx ended while starting"), ("/nonexistent/asterisk", "pbx ended while starting")],
)
def test_an_asterisk_that_cannot_run_is_one_line(command: str, complaint: str, tmp_path: Path) -> None:
    server = AsteriskServer("pbx", AsteriskProgram((command,), tmp_path, tmp_path), tmp_path)
    with pytest.raises(SandboxError, match=complaint) as failure:
        asyncio.run(server.start({}, {}))
    assert "\n" not in str(failure.value)
    assert server.pid is None


def _runs(pid: int) -> bool:
    """Not gone, and not a zombie that waits for its new parent to notice."""
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
