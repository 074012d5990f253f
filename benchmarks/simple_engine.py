"""The baseline: a media engine as it is usually written with asyncio, a UDP socket and a task's worth of
state for each call.

    python simple_engine.py CALLS DELAY_MS      says its ports; runs until its input ends

It does the same work a call as the product's engine with µ-law: RTP header, jitter buffer by sequence number
with a fixed delay, decode, fill what is missing with the last frame, fading, encode, and a packet each
20 ms. What it heard it sends back at once. It is honest work, not a straw man: protocol objects with slots,
no logging, no queue, one timer a call, audioop for the codec. It has less to do: no adaptive delay, no
hand-over to another process.
"""

from __future__ import annotations

import asyncio
import audioop
import contextlib
import json
import os
import struct
import sys

FRAME_S = 0.02
OCTETS = 160
HEADER = struct.Struct("!BBHII")
SILENCE = bytes(2 * OCTETS)
GAINS = (1.0, 0.8, 0.3, 0.0)


class Call(asyncio.DatagramProtocol):
    __slots__ = (
        "buffer",
        "delay_s",
        "due_s",
        "highest",
        "last",
        "late",
        "loop",
        "lost",
        "missing",
        "peer",
        "play",
        "sequence",
        "ssrc",
        "timestamp",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_s: float, ssrc: int) -> None:
        self.loop, self.delay_s, self.ssrc = loop, delay_s, ssrc
        self.buffer: dict[int, bytes] = {}
        self.peer: tuple[str, int] | None = None
        self.play = -1
        """Sequence number of the next frame to play."""
        self.highest = 0
        self.last = SILENCE
        self.missing = self.late = self.lost = 0
        self.sequence = self.timestamp = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        if len(data) != HEADER.size + OCTETS:
            return
        first, kind, sequence, _, _ = HEADER.unpack_from(data)
        if first != 0x80 or kind & 0x7F:
            return
        if self.peer is None:
            self.peer, self.play = peer, sequence
            self.due_s = self.loop.time() + self.delay_s
            self.loop.call_at(self.due_s, self.tick)
        elif peer != self.peer:
            return
        ahead = (sequence - self.play + 0x8000 & 0xFFFF) - 0x8000
        if ahead < 0:
            self.late += 1
        elif ahead < 64:
            self.buffer[sequence] = data[HEADER.size :]

    def tick(self) -> None:
        payload = self.buffer.pop(self.play, None)
        if payload is not None:
            pcm = self.last = audioop.ulaw2lin(payload, 2)
            self.missing = 0
        else:
            self.lost += 1
            gain = GAINS[min(self.missing, 3)]
            self.missing += 1
            pcm = audioop.mul(self.last, 2, gain) if gain else SILENCE
        self.play = self.play + 1 & 0xFFFF
        header = HEADER.pack(0x80, 0, self.sequence, self.timestamp, self.ssrc)
        self.transport.sendto(header + audioop.lin2ulaw(pcm, 2), self.peer)
        self.sequence = self.sequence + 1 & 0xFFFF
        self.timestamp = self.timestamp + OCTETS & 0xFFFFFFFF
        self.due_s += FRAME_S
        self.loop.call_at(self.due_s, self.tick)


def private_kb() -> int:
    """Of this process (proc(5))."""
    with open("/proc/self/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssFile"))


async def main(calls: int, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    ports, empty_kb = [], private_kb()
    for number in range(calls):
        transport, _ = await loop.create_datagram_endpoint(
            lambda number=number: Call(loop, delay_s, number),  # type: ignore[misc]
            local_addr=("127.0.0.1", 0),
        )
        ports.append(transport.get_extra_info("sockname")[1])
    print(json.dumps({"ports": ports, "empty_kb": empty_kb}), flush=True)
    ended = asyncio.Event()
    loop.add_reader(0, ended.set)
    await ended.wait()


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)  # as the product's media process asks for
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) / 1000))
