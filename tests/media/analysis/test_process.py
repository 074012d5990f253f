"""The analysis process beside a real plane: it finds, dies, stands still, comes back, and no call waits."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from ari_bridge.core.audio import AudioChunk
from ari_bridge.media import rtp
from ari_bridge.media.analysis import keeper as keeper_module
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.plane import MediaPort
from ari_bridge.media.port import ProcessPlane
from ari_bridge.media.udp import bind
from ari_bridge.settings import MediaSettings

LIMIT_S = 40.0
ULAW = find_codec("ulaw")
VOICE = np.random.default_rng(1).normal(0, 4000, 8000).astype(np.int16)


async def give_back(leg: socket.socket, to: tuple[str, int]) -> None:
    """An echo 12 dB down, 20 ms late, of all that comes."""
    loop = asyncio.get_running_loop()
    while True:
        packet = rtp.parse(await loop.sock_recv(leg, 2048))
        assert packet is not None
        pcm = ULAW.decode(np.frombuffer(packet.payload, np.uint8)) // 4
        payload = ULAW.encode(pcm.astype(np.int16)).tobytes()
        back = rtp.Packet(False, ULAW.payload_type, packet.sequence, packet.timestamp, 5, payload)
        leg.sendto(rtp.build(back), to)


async def talk(port: MediaPort) -> None:
    while True:
        await port.play(VOICE)


@asynccontextmanager
async def echoing_call(settings: MediaSettings) -> AsyncIterator[tuple[ProcessPlane, MediaPort]]:
    """A call in which the agent speaks and all that comes back is that."""
    async with asyncio.timeout(LIMIT_S):
        leg = bind("127.0.0.1", 0)
        leg.setblocking(False)
        plane = await ProcessPlane.start(settings)
        try:
            port = await plane.open("ulaw", leg.getsockname(), "call-1")
            tasks = [asyncio.create_task(give_back(leg, plane.address)), asyncio.create_task(talk(port))]
            try:
                yield plane, port
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
        finally:
            await plane.close()
            leg.close()


async def chunks(port: MediaPort, seconds: float) -> list[AudioChunk]:
    got = [await port.read()]
    while got[-1].captured_s - got[0].captured_s < seconds:
        got.append(await port.read())
    return got


async def until_analysed(port: MediaPort) -> None:
    while (await port.read()).analysis is None:
        pass


def settings(**values: object) -> MediaSettings:
    return MediaSettings.model_validate({"max_calls": 4, "voice_activity": "energy", **values})


def test_a_real_calls_echo_is_found() -> None:
    async def main() -> None:
        async with echoing_call(settings()) as (_, port):
            await until_analysed(port)
            await chunks(port, 2.0)
            found = [c.analysis.near for c in await chunks(port, 1.0) if c.analysis is not None]
            near = np.concatenate(found)
            assert len(near) > 25
            assert np.median(near) < 0.4

    asyncio.run(main())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_analysis_that_ends_or_stands_still_is_replaced_and_told_once(
    how: signal.Signals, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how is signal.SIGSTOP:
        monkeypatch.setattr(keeper_module, "START_S", 3.0)
    caplog.set_level(logging.INFO)

    async def main() -> None:
        async with echoing_call(settings()) as (plane, port):
            await until_analysed(port)
            first = plane.analysis_pid
            assert first is not None
            os.kill(first, how)
            lost = await chunks(port, 0.1)
            assert sum(len(chunk.flags) for chunk in lost) >= 5, "the audio goes on"
            while plane.analysis_pid in (first, None):
                await port.read()
            await until_analysed(port)

    asyncio.run(main())
    told = [r.getMessage() for r in caplog.records if "the level alone tells voice" in r.getMessage()]
    assert told[:1] == ["the analysis of callers' audio ended, the level alone tells voice: by signal 9"]
    assert how is signal.SIGSTOP or len(told) == 1


def test_an_analysis_that_cannot_start_is_tried_again_and_no_call_suffers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keeper_module, "RETRY_S", (0.01,))
    monkeypatch.setattr("ari_bridge.media.port.choose_model", lambda _: tmp_path / "gone.onnx")

    async def main() -> None:
        async with echoing_call(settings()) as (_, port):
            while len(caplog.records) < 2:
                assert (await port.read()).analysis is None

    caplog.set_level(logging.WARNING)
    asyncio.run(main())
    assert "cannot read" in caplog.records[0].getMessage()


def test_nothing_is_left_when_the_plane_closes_at_once() -> None:
    async def main() -> int | None:
        plane = await ProcessPlane.start(settings())
        pid = plane.analysis_pid
        while pid is None:
            await asyncio.sleep(0.001)
            pid = plane.analysis_pid
        await plane.close()
        return pid

    pid = asyncio.run(main())
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
