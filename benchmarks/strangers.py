"""A call while strangers flood the port: what of its audio still comes through?

    python benchmarks/strangers.py [--rate 50000] [--seconds 10]

A media process with one call, over real UDP on loopback. A second process sends packets from ports that no
leg has, every other one of them good RTP. Each frame of the call tells its number; what is read is compared.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from ari_bridge.core.audio import FRAME_MS
from ari_bridge.media import rtp
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.mmsg import MmsgTransport
from ari_bridge.media.packets import Outgoing, endpoint
from ari_bridge.media.plane import MediaStats
from ari_bridge.media.port import ProcessPlane
from ari_bridge.settings import MediaSettings

ULAW = find_codec("ulaw")
FRAME_S = FRAME_MS / 1000
_SOURCES = 16
_BURST_S = 0.001


def flood(port: int, rate: int, seconds: float) -> None:
    """Bursts of a millisecond, from _SOURCES ports in turn."""
    with ExitStack() as sockets:
        transports = []
        for _ in range(_SOURCES):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sockets.callback(sock.close)
            sock.bind(("127.0.0.1", 0))
            transports.append(MmsgTransport(sock))
        count = round(rate * _BURST_S)
        octets = np.random.default_rng(1).integers(0, 256, (count, 172), dtype=np.uint8)
        octets[::2, 0] = 0x80
        octets[::2, 1] = 0
        burst = Outgoing(octets, np.full(count, endpoint("127.0.0.1", port)))
        began = time.monotonic()
        sent = 0
        while (now := time.monotonic() - began) < seconds:
            if sent * count < now * rate:
                transports[sent % _SOURCES].send(burst)
                sent += 1
            else:
                time.sleep(_BURST_S / 4)
        print(f"sent {sent * count / seconds:.0f} packets/s of strangers", flush=True)


async def call(seconds: float, flooding: Callable[[int], None]) -> tuple[MediaStats, int, int]:
    """The leg's figures, and how many frames it sent and how many were heard whole, in order."""
    leg = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    leg.bind(("127.0.0.1", 0))
    plane = await ProcessPlane.start(MediaSettings(max_calls=4))
    try:
        port = await plane.open("ulaw", leg.getsockname(), "flooded")
        flooding(plane.address[1])
        rng = np.random.default_rng(2)
        said = ULAW.decode(ULAW.encode(rng.normal(0, 3000, (round(seconds / FRAME_S), 160)).astype(np.int16)))
        heard: list[np.ndarray] = []

        async def listen() -> None:
            while True:
                heard.append((await port.read()).pcm.copy())

        listening = asyncio.create_task(listen())
        began = time.monotonic()
        for number, pcm in enumerate(said):
            await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))
            packet = rtp.Packet(False, 0, number, number * 160, 5, ULAW.encode(pcm).tobytes())
            leg.sendto(rtp.build(packet), plane.address)
        await asyncio.sleep(0.3)
        listening.cancel()
        stats = port.stats()
        await port.close()
    finally:
        await plane.close()
        leg.close()
    line = np.concatenate(heard).tobytes()
    return stats, len(said), sum(pcm.tobytes() in line for pcm in said)


def main() -> None:
    parser = argparse.ArgumentParser(description="Flood the media port with strangers' packets.")
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    order = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    flooders = []

    def start(port: int) -> None:
        flooder = context.Process(target=flood, args=(port, order.rate, order.seconds + 0.5))
        flooder.start()
        flooders.append(flooder)

    stats, said, heard = asyncio.run(call(order.seconds, start))
    for flooder in flooders:
        flooder.join()
    print(f"strangers counted {stats.strangers}, of the call: {stats.summary()}")
    print(f"frames sent {said}, heard whole {heard}")


if __name__ == "__main__":
    main()
