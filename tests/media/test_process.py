"""The media process itself, over real UDP on loopback: what a call notices, and how it all ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.errors import MediaError, PortClosed, PortTaken
from ari_bridge.media import rtp
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.mmsg import has_mmsg
from ari_bridge.media.plane import MediaPlane, MediaPort
from ari_bridge.media.port import ProcessPlane
from ari_bridge.media.udp import TransportKind, bind
from ari_bridge.settings import MediaSettings

KINDS = [TransportKind.PORTABLE] + ([TransportKind.MMSG] if has_mmsg() else [])
LIMIT_S = 20.0


class Leg:
    """The far end of one call: what Asterisk's externalMedia channel is."""

    def __init__(self, codec: str = "ulaw") -> None:
        self.codec = find_codec(codec)
        wire = find_codec(self.codec.send_as or codec)
        self._ears = wire.coders(1)
        self._ears.open(0)
        self.socket = bind("127.0.0.1", 0)
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()

    async def heard(self, frames: int) -> Pcm16:
        """The next `frames` that arrive, decoded; what is as faint as a codec's own noise is silence."""
        loop = asyncio.get_running_loop()
        out = []
        row, there = np.zeros(1, np.int64), np.ones((1, 2), np.bool_)
        for _ in range(frames):
            packet = rtp.parse(await loop.sock_recv(self.socket, 2048))
            assert packet is not None
            octets = np.frombuffer(packet.payload, np.uint8)[None]
            out.append(self._ears.decode(row, octets, there)[0])
        pcm = np.concatenate(out)
        pcm[np.abs(pcm.astype(int)) <= 8] = 0
        return pcm

    async def speak(self, to: tuple[str, int], levels: list[int]) -> None:
        """A frame of each level, 20 ms apart."""
        start_s = time.monotonic()
        for number, level in enumerate(levels):
            pcm = np.full(self.codec.frame_samples, level, np.int16)
            payload = self.codec.encode(pcm).tobytes()
            clock = number * self.codec.frame_clocks
            packet = rtp.Packet(False, self.codec.payload_type, number, clock, 1, payload)
            self.socket.sendto(rtp.build(packet), to)
            await asyncio.sleep(max(0.0, start_s + (number + 1) * 0.02 - time.monotonic()))


@asynccontextmanager
async def plane_and_leg(
    codec: str = "ulaw", kind: TransportKind = TransportKind.AUTO
) -> AsyncIterator[tuple[ProcessPlane, Leg, MediaPort]]:
    async with asyncio.timeout(LIMIT_S):
        leg = Leg(codec)
        plane = await ProcessPlane.start(MediaSettings(max_calls=4), transport=kind)
        try:
            yield plane, leg, await plane.open(codec, leg.address, "call-1")
        finally:
            await plane.close()
            leg.socket.close()


def children() -> str:
    """Process ids of our direct children, where the system tells."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return listed.read_text() if listed.exists() else ""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not gone(pid):
            await asyncio.sleep(0.01)


def test_when_audio_left_is_known_exactly_however_late_one_looks() -> None:
    async def main() -> None:
        async with plane_and_leg() as (_, leg, port):
            await port.read()
            leg.socket.setblocking(True)
            leg.socket.settimeout(LIMIT_S)
            played_s = monotonic_s()
            await port.play(np.full(8000, 3000, np.int16))
            arrived_s = first_loud(leg)  # the bridge process does nothing else meanwhile
            time.sleep(0.3)
            onset = port.onset
            assert onset is not None
            assert onset.position == 0
            assert played_s <= onset.left_s <= arrived_s
            assert onset.left_s < monotonic_s() - 0.3

    asyncio.run(main())


def first_loud(leg: Leg) -> float:
    """When the first packet that is not silence is there; blocks."""
    while True:
        packet = rtp.parse(leg.socket.recv(2048))
        assert packet is not None
        if leg.codec.decode(np.frombuffer(packet.payload, np.uint8)).max() > 1000:
            return monotonic_s()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("codec", ["ulaw", "slin16"])
def test_a_call_both_ways(codec: str, kind: TransportKind) -> None:
    async def main() -> None:
        async with plane_and_leg(codec, kind) as (plane, leg, port):
            typed_plane: MediaPlane = plane
            assert typed_plane.address[0] == "127.0.0.1"
            assert (port.codec, port.rate_hz) == (codec, leg.codec.rate_hz)
            assert not (await leg.heard(3)).any(), "silence leaves before anything is said"

            speaking = asyncio.create_task(leg.speak(plane.address, [8031] * 20))
            audio: list[Pcm16] = []
            while sum(np.count_nonzero(pcm) for pcm in audio) < 10 * leg.codec.frame_samples:
                chunk = await port.read()
                assert chunk.rate_hz == leg.codec.rate_hz
                assert chunk.start_sample == sum(map(len, audio))
                assert len(chunk.flags) * leg.codec.frame_samples == len(chunk.pcm)
                assert abs(time.monotonic() - chunk.captured_s) < 2
                audio.append(chunk.pcm)
            await speaking

            mark = await port.play(np.full(3 * leg.codec.frame_samples + 10, 5000, np.int16))
            await port.wait_heard(mark)
            assert port.heard == port.queued == mark == 3 * leg.codec.frame_samples + 10
            stats = port.stats()
            assert stats.received > 10
            assert stats.sent > stats.sent_silence > 0

    asyncio.run(main())


def test_a_system_with_none_of_the_linux_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd", raising=False)
    monkeypatch.delattr(os, "memfd_create", raising=False)

    async def main() -> None:
        async with plane_and_leg("ulaw", TransportKind.PORTABLE) as (plane, leg, port):
            speaking = asyncio.create_task(leg.speak(plane.address, [8031] * 10))
            while not (await port.read()).pcm.any():
                pass
            await port.wait_heard(await port.play(np.full(160, 5000, np.int16)))
            while not (await leg.heard(1)).any():
                pass
            await speaking

    asyncio.run(main())


def test_pause_resume_and_flush() -> None:
    async def main() -> None:
        async with plane_and_leg() as (_, leg, port):
            loud = np.full(16000, 6000, np.int16)
            await port.play(loud)
            while not (await leg.heard(1)).any():
                pass
            port.pause()
            while (await leg.heard(1)).any():
                pass
            paused_at = port.heard
            assert not (await leg.heard(5)).any()
            assert port.heard == paused_at
            port.resume()
            while not (await leg.heard(1)).any():
                pass
            sent = await port.flush()
            assert paused_at < sent < 16000
            assert sent % 160 == 2 * 40, "whole frames had left, and 5 ms that faded out at each break"
            assert port.heard == port.queued == 16000
            await port.wait_heard(16000)
            await port.play(np.full(160, -6000, np.int16))
            heard = await leg.heard(10)
            assert set(np.unique(heard[np.flatnonzero(heard == 0)[0] :])) <= {0, -5884, -6012, -5948, -6140}

    asyncio.run(main())


def test_play_waits_for_room_and_a_flush_ends_the_waiting() -> None:
    async def main() -> None:
        async with plane_and_leg() as (_, _, port):
            playing = asyncio.create_task(port.play(np.full(8000 * 60, 1000, np.int16)))
            await port.wait_heard(800)
            assert not playing.done()
            assert await port.flush() >= 800
            mark = await playing
            assert mark < 8000 * 6, "the rest of the minute was dropped"
            await port.wait_heard(mark)
            assert await port.play(np.zeros(0, np.int16)) == mark

    asyncio.run(main())


def test_garbage_and_strangers_leave_a_call_unharmed() -> None:
    async def main() -> None:
        async with plane_and_leg() as (plane, leg, port):
            with bind("127.0.0.1", 0) as stranger:
                for n in range(100):
                    stranger.sendto(os.urandom(n * 7), plane.address)
                    leg.socket.sendto(os.urandom(n * 7), plane.address)
            await leg.speak(plane.address, [9000] * 10)
            loudest = 0
            while loudest < 8000:
                loudest = int(np.abs((await port.read()).pcm.astype(int)).max())
            assert port.stats().strangers == 100
            assert port.stats().malformed >= 95

    asyncio.run(main())


def test_closing_a_port_frees_its_row_and_stops_its_packets() -> None:
    async def main() -> None:
        async with plane_and_leg() as (plane, leg, port):
            waiting = asyncio.create_task(port.wait_heard(10**6))
            await leg.heard(2)
            await port.close()
            await port.close()
            with pytest.raises(PortClosed, match="the media port of call call-1 was closed"):
                await waiting
            for use in (port.read, lambda: port.play(np.zeros(160, np.int16)), lambda: port.wait_heard(1)):
                with pytest.raises(PortClosed):
                    await use()
            port.pause()
            port.resume()
            assert await port.flush() == 0
            assert port.stats().sent >= 2
            while True:
                try:
                    leg.socket.recv(2048)
                except BlockingIOError:
                    break
            legs = [Leg() for _ in range(4)]
            ports = [await plane.open("alaw", other.address, str(n)) for n, other in enumerate(legs)]
            with pytest.raises(MediaError, match=r"media\.max_calls: all 4 rows are taken"):
                await plane.open("alaw", leg.address, "one too many")
            await legs[3].heard(3)
            with pytest.raises(BlockingIOError):
                leg.socket.recv(2048)
            for each in ports:
                await each.close()
            for other in legs:
                other.socket.close()

    asyncio.run(main())


def test_bad_requests_are_refused_in_one_line() -> None:
    async def main() -> None:
        async with plane_and_leg() as (plane, leg, _):
            with pytest.raises(MediaError, match=r"no codec 'gsm'"):
                await plane.open("gsm", ("127.0.0.1", 9), "x")
            with pytest.raises(MediaError, match=r"call x: cannot send audio to pbx\.example:9"):
                await plane.open("ulaw", ("pbx.example", 9), "x")
            with pytest.raises(MediaError, match="has a row already"):
                await plane.open("ulaw", leg.address, "x")

    asyncio.run(main())


def test_a_cancelled_open_leaves_no_row() -> None:
    async def main() -> None:
        async with plane_and_leg() as (plane, _, port):
            await port.close()
            for _ in range(3):
                for n in range(4):
                    opening = asyncio.create_task(plane.open("ulaw", ("127.0.0.1", 20000 + n), "x"))
                    await asyncio.sleep(0)
                    opening.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await opening
            ports = [await plane.open("ulaw", ("127.0.0.1", 20000 + n), "x") for n in range(4)]
            for each in ports:
                await each.close()

    asyncio.run(main())


def test_an_open_in_the_middle_of_the_close_does_not_hang() -> None:
    async def main() -> None:
        async with plane_and_leg() as (plane, _, _):
            opening = asyncio.create_task(plane.open("ulaw", ("127.0.0.1", 20000), "x"))
            await asyncio.sleep(0)
            await plane.close()
            with pytest.raises(MediaError):
                await opening
            with pytest.raises(PortClosed, match="the media plane was closed"):
                await plane.open("ulaw", ("127.0.0.1", 20000), "x")

    asyncio.run(main())


def test_nothing_is_left_behind() -> None:
    async def once() -> int:
        async with plane_and_leg() as (plane, leg, port):
            await leg.heard(2)
            await port.read()
            return plane.media_pid

    asyncio.run(once())  # the first loop of a process opens things for good
    gc.collect()
    descriptors = set(os.listdir("/proc/self/fd")) if sys.platform == "linux" else set()
    pid = asyncio.run(once())
    assert gone(pid)
    if descriptors:
        assert set(os.listdir("/proc/self/fd")) == descriptors


def test_a_taken_port_leaves_no_process_behind() -> None:
    async def main() -> None:
        before = children()
        with bind("127.0.0.1", 0) as other:
            port = other.getsockname()[1]
            with pytest.raises(PortTaken, match=str(port)):
                await ProcessPlane.start(MediaSettings(port=port))
        assert children() == before

    asyncio.run(main())


def test_all_interfaces_need_an_address_to_advertise() -> None:
    async def main() -> None:
        with pytest.raises(MediaError, match=r"media\.advertise_host: must be set"):
            await ProcessPlane.start(MediaSettings(bind_host="0.0.0.0"))
        plane = await ProcessPlane.start(MediaSettings(bind_host="0.0.0.0", advertise_host="192.0.2.5"))
        assert plane.address[0] == "192.0.2.5"
        await plane.close()

    asyncio.run(main())


PARENT = """
import asyncio, sys
from ari_bridge.media.port import ProcessPlane
from ari_bridge.settings import MediaSettings

async def main():
    plane = await ProcessPlane.start(MediaSettings())
    await plane.open("ulaw", ("127.0.0.1", int(sys.argv[1])), "x")
    print(plane.media_pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_the_media_process_ends_with_its_parent() -> None:
    async def main() -> None:
        with bind("127.0.0.1", 0) as leg:
            parent = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PARENT, str(leg.getsockname()[1]), stdout=asyncio.subprocess.PIPE
            )
            assert parent.stdout is not None
            pid = int(await parent.stdout.readline())
            for harmless in (signal.SIGINT, signal.SIGTERM):
                os.kill(pid, harmless)
            leg.settimeout(5)
            for _ in range(5):
                leg.recv(2048)
            assert not gone(pid), "it outlives a Ctrl-C or a SIGTERM to the whole group"
            parent.kill()
            await parent.wait()
            await until_gone(pid)

    asyncio.run(main())


def test_audio_leaves_on_time_while_the_bridge_is_blocked() -> None:
    async def main() -> None:
        async with plane_and_leg() as (_, leg, port):
            await port.play(np.full(8000, 3000, np.int16))
            leg.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            await leg.heard(3)
            before = port.stats().sent
            time.sleep(0.3)  # the event loop stands still: that is the point
            assert port.stats().sent - before >= 14
            assert len(await leg.heard(15)) == 15 * 160

    asyncio.run(main())
