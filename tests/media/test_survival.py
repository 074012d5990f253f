"""The media process dies in the middle of calls: what callers and the bridge process notice of it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ari_bridge.core.errors import MediaError, MediaProcessDied, PortClosed
from ari_bridge.media import port as port_module
from ari_bridge.media import rtp
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.keeper import DEATHS_MAX
from ari_bridge.media.port import ProcessPlane
from ari_bridge.media.row_port import RowPort
from ari_bridge.media.udp import bind
from ari_bridge.settings import MediaSettings

LIMIT_S = 30.0
GAP_MAX_S = 1.0
FRAME = 160


@dataclass
class Call:
    """A call of a plane, and everything that came out of it at the far end."""

    plane: ProcessPlane
    port: RowPort
    socket: socket.socket
    packets: list[tuple[float, rtp.Packet]]

    @property
    def address(self) -> tuple[str, int]:
        address: tuple[str, int] = self.socket.getsockname()
        return address

    def gap_s(self) -> float:
        """The longest time in which nothing came."""
        at_s = [at for at, _ in self.packets]
        return max(b - a for a, b in pairwise(at_s))

    def voiced_samples(self) -> int:
        decode = find_codec("ulaw").decode
        return sum(
            int(np.count_nonzero(decode(np.frombuffer(packet.payload, np.uint8))))
            for _, packet in self.packets
        )

    async def until(self, fact: Callable[[], bool]) -> None:
        while not fact():
            await asyncio.sleep(0.005)

    async def more(self, packets: int) -> None:
        wanted = len(self.packets) + packets
        await self.until(lambda: len(self.packets) >= wanted)

    async def spare_stands_by(self) -> int:
        """Process id of the spare, once it is ready to follow."""
        while (pid := self.plane.spare_pid) is None:
            await asyncio.sleep(0.005)
        return pid

    async def kill(self) -> None:
        """As kill -9, once there is a spare."""
        await self.spare_stands_by()
        os.kill(self.plane.media_pid, signal.SIGKILL)


def media_processes() -> list[int]:
    pids = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in pids if b"ari_bridge.media.process" in _cmdline(pid)]


def _cmdline(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


SMALL = MediaSettings(max_calls=4)


@asynccontextmanager
async def call(codec: str = "ulaw", media: MediaSettings = SMALL) -> AsyncIterator[Call]:
    async with asyncio.timeout(LIMIT_S):
        leg = bind("127.0.0.1", 0)
        leg.setblocking(False)
        plane = await ProcessPlane.start(media)
        loop = asyncio.get_running_loop()
        packets: list[tuple[float, rtp.Packet]] = []

        def take() -> None:
            packet = rtp.parse(leg.recv(2048))
            assert packet is not None
            packets.append((time.monotonic(), packet))

        loop.add_reader(leg, take)
        try:
            port = await plane.open(codec, leg.getsockname(), "call-1")
            yield Call(plane, port, leg, packets)
        finally:
            loop.remove_reader(leg)
            await plane.close()
            leg.close()


def test_a_sentence_goes_on_and_the_stream_is_the_same() -> None:
    async def main() -> None:
        async with call() as c:
            sentence = np.full(8000, 6000, np.int16)
            mark = await c.port.play(sentence)
            finished = asyncio.create_task(c.port.wait_heard(mark))
            await c.port.wait_heard(2000)
            heard = [c.port.heard]
            await c.kill()
            while not finished.done():
                heard.append(c.port.heard)
                await asyncio.sleep(0.002)
            await finished
            await c.more(5)
            assert heard == sorted(heard), "heard never goes back"
            assert c.port.heard == mark
            assert c.plane.snapshot().restarts == 1
            assert c.gap_s() < GAP_MAX_S
            # Of the frame in hand at the moment of death nobody knows whether it left.
            assert 8000 - FRAME <= c.voiced_samples() <= 8000

            first = c.packets[0][1]
            for number, (at_s, packet) in enumerate(c.packets):
                assert packet.ssrc == first.ssrc
                assert (packet.sequence - first.sequence) % 2**16 in (number, number + 1)
                due_s = (packet.timestamp - first.timestamp) % 2**32 / 8000
                assert abs(at_s - c.packets[0][0] - due_s) < 0.3

    asyncio.run(main())


def test_the_caller_is_heard_again() -> None:
    async def main() -> None:
        async with call() as c:
            talking = asyncio.create_task(_talk(c))
            while not (await c.port.read()).pcm.any():
                pass
            await c.kill()
            killed_s = time.monotonic()
            end = 0
            while True:
                chunk = await c.port.read()
                assert chunk.start_sample >= end, "media time never goes back"
                end = chunk.start_sample + len(chunk.pcm)
                if chunk.captured_s > killed_s + 0.1 and chunk.pcm.any():
                    break
            assert time.monotonic() - killed_s < GAP_MAX_S
            talking.cancel()
            before = c.port.stats().received
            assert before > 10

    asyncio.run(main())


async def _talk(c: Call) -> None:
    payload = bytes([0x10]) * FRAME
    start_s = time.monotonic()
    for number in range(1000):
        packet = rtp.Packet(False, 0, number, number * FRAME, 7, payload)
        c.socket.sendto(rtp.build(packet), c.plane.address)
        await asyncio.sleep(max(0.0, start_s + (number + 1) * 0.02 - time.monotonic()))


def test_what_was_asked_for_while_nobody_served_is_done() -> None:
    async def main() -> None:
        async with call() as c:
            await c.port.play(np.full(32000, 6000, np.int16))
            await c.port.wait_heard(800)
            await c.kill()
            c.port.pause()
            flushed = await c.port.flush()
            assert 800 <= flushed < 32000
            assert c.port.heard == 32000
            mark = await c.port.play(np.full(1600, 6000, np.int16))
            await c.port.wait_heard(mark)

    asyncio.run(main())


def test_play_that_waits_for_room_goes_on() -> None:
    async def main() -> None:
        async with call() as c:
            playing = asyncio.create_task(c.port.play(np.full(4 * 8000 + 8000, 6000, np.int16)))
            await c.port.wait_heard(1600)
            assert not playing.done()
            await c.kill()
            assert await playing == 40000

    asyncio.run(main())


def test_calls_come_and_go_while_nobody_serves() -> None:
    async def main() -> None:
        async with call() as c:
            with bind("127.0.0.1", 0) as going, bind("127.0.0.1", 0) as coming:
                other = await c.plane.open("alaw", going.getsockname(), "call-2")
                await c.kill()
                closing = asyncio.create_task(other.close())
                opening = asyncio.create_task(c.plane.open("slin16", coming.getsockname(), "call-3"))
                await closing
                third = await opening
                assert sorted(c.plane.snapshot().calls) == ["call-1", "call-3"]
                await third.wait_heard(await third.play(np.full(3200, 6000, np.int16)))
                going.setblocking(False)
                while True:
                    try:
                        going.recv(2048)
                    except BlockingIOError:
                        break
                await c.more(10)
                with pytest.raises(BlockingIOError):
                    going.recv(2048)
                # Its peer is free again: the closed row has not come back.
                await c.plane.open("ulaw", going.getsockname(), "call-4")

    asyncio.run(main())


def test_without_a_spare_one_is_started() -> None:
    async def main() -> None:
        async with call() as c:
            await c.port.play(np.full(16000, 6000, np.int16))
            await c.more(5)
            os.kill(await c.spare_stands_by(), signal.SIGKILL)
            os.kill(c.plane.media_pid, signal.SIGKILL)
            await c.port.wait_heard(16000)
            assert c.gap_s() < 2 * GAP_MAX_S

    asyncio.run(main())


def test_a_process_that_hangs_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with call() as c:
            await c.port.play(np.full(16000, 6000, np.int16))
            await c.spare_stands_by()
            os.kill(c.plane.media_pid, signal.SIGSTOP)
            await c.port.wait_heard(16000)
            assert c.plane.snapshot().restarts == 1
            # What stood still is left out, and the timestamps say so.
            gap = max(range(1, len(c.packets)), key=lambda n: c.packets[n][0] - c.packets[n - 1][0])
            (before_s, before), (after_s, after) = c.packets[gap - 1], c.packets[gap]
            assert after.marker
            # 2: it was stopped between counting a packet and sending it.
            assert (after.sequence - before.sequence) % 2**16 in (1, 2)
            skipped_s = (after.timestamp - before.timestamp) / 8000
            assert skipped_s == pytest.approx(after_s - before_s, abs=0.3)

    asyncio.run(main())
    assert "it lived, but had stopped ticking" in caplog.text


def test_too_many_deaths_are_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with call() as c:
            failed = asyncio.create_task(c.plane.failed())
            reading = asyncio.create_task(_read_until_error(c.port))
            deaths = 0
            await c.more(2)
            while not failed.done():
                pid = c.plane.media_pid
                os.kill(pid, signal.SIGKILL)
                deaths += 1
                await c.until(lambda pid=pid: failed.done() or c.plane.media_pid != pid)  # type: ignore[misc]
            # One that dies before it has quite taken over is counted with the one before it.
            assert DEATHS_MAX < deaths <= 2 * DEATHS_MAX
            one_line = "the media process ended: by signal 9, without a word, more than 5 times within 60 s"
            for task in (failed, reading):
                with pytest.raises(MediaProcessDied) as error:
                    await task
                assert str(error.value) == one_line
            for use in (c.port.read, lambda: c.plane.open("ulaw", ("127.0.0.1", 9), "x")):
                with pytest.raises(MediaProcessDied):
                    await use()
            assert await c.port.flush() == c.port.heard
            await c.port.close()
            assert c.port.stats().sent >= 2

    asyncio.run(main())
    assert caplog.text.count("1 calls have lost their audio") == 1


async def _read_until_error(port: RowPort) -> None:
    while True:
        await port.read()


def test_while_nobody_serves_the_plane_says_so() -> None:
    async def main() -> None:
        async with call() as c:
            assert c.plane.serving
            await c.kill()
            await c.until(lambda: not c.plane.serving)
            await c.until(lambda: c.plane.serving)
            await c.more(5)

    asyncio.run(main())


def test_closing_the_plane_tells_who_watches_it() -> None:
    async def main() -> None:
        async with call() as c:
            failed = asyncio.create_task(c.plane.failed())
            await c.more(2)
        with pytest.raises(PortClosed, match="the media plane was closed"):
            await failed
        assert media_processes() == []

    asyncio.run(main())


def test_figures_of_a_call_and_of_the_plane() -> None:
    async def main() -> None:
        async with call(media=SMALL.model_copy(update={"jitter": "fixed"})) as c:
            talking = asyncio.create_task(_talk(c))
            await c.until(lambda: c.port.stats().received > 20)
            talking.cancel()
            stats = c.port.stats()
            assert stats.delay_ms == pytest.approx(40, abs=35), "the talker is as punctual as this machine"
            assert stats.mos == pytest.approx(4.41, abs=0.05)
            assert 0 < stats.pacing_p99_ms < 100
            snapshot = c.plane.snapshot()
            assert snapshot.calls["call-1"].codec == "ulaw"
            assert (snapshot.max_calls, snapshot.restarts, snapshot.strangers) == (4, 0, 0)
            assert snapshot.pacing_p99_ms > 0
            assert snapshot.priority
            await c.port.close()
            assert c.port.stats().pacing_p99_ms > 0, "they are still there at the end"
            assert c.plane.snapshot().calls == {}

    asyncio.run(main())


@pytest.mark.parametrize("step", ["create_memory", "map_rows"])
def test_memory_that_is_not_to_be_had_is_named(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def refuse(*_: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(port_module, step, refuse)
    before = set(os.listdir("/proc/self/fd"))

    async def main() -> None:
        with pytest.raises(MediaError, match=r"media\.max_calls: .* 4096 calls: Cannot allocate memory$"):
            await ProcessPlane.start(MediaSettings(max_calls=4096))

    asyncio.run(main())
    assert set(os.listdir("/proc/self/fd")) == before
