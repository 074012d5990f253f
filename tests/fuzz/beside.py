"""A good call beside hostile packets; the same call alone, in another engine, tells how it must sound."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media import rtp
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.engine import Engine
from ari_bridge.media.packets import PACKET_ROOM, Endpoint, Received, endpoint
from ari_bridge.media.shared import SharedRows, size

FRAME_S = 0.02
GOOD, OTHER = endpoint("127.0.0.1", 10000), endpoint("127.0.0.1", 10002)
ULAW = find_codec("ulaw")
_LOST_EVERY = 29


class _Call:
    """The good call in an engine of its own."""

    def __init__(self, codecs: list[str]) -> None:
        self.shared = SharedRows(bytearray(size(3)), 3)
        self.now = 1000.001  # between two ticks
        self.engine = Engine(
            self.shared,
            [find_codec(name) for name in codecs],
            delay=DelayRange(0.04, 0.02, 0.2),
            now=1000.0,
            rng=np.random.default_rng(5),
        )
        self.engine.open(0, "ulaw", GOOD, self.now)
        self.row = BridgeRow(self.shared, 0, ULAW)

    def frame(self, packets: list[tuple[Endpoint, bytes]]) -> Pcm16:
        octets = np.full((len(packets), PACKET_ROOM), 0x55, dtype=np.uint8)
        for row, (_, raw) in zip(octets, packets, strict=True):
            row[: len(raw)] = np.frombuffer(raw[:PACKET_ROOM], np.uint8)
        lengths = np.array([min(len(raw), PACKET_ROOM) for _, raw in packets], dtype=np.int64)
        sources = np.array([source for source, _ in packets], dtype=np.int64)
        if packets:
            batch = Received(octets, lengths, sources, np.full(len(packets), self.now))
            self.engine.receive(batch, self.now)
        self.now += FRAME_S
        for _ in self.engine.tick(self.now):
            pass
        return self.row.read().pcm


class Beside:
    def __init__(self, other_codec: str = "ulaw") -> None:
        self._hostile = _Call(sorted({"ulaw", other_codec}))
        self._hostile.engine.open(1, other_codec, OTHER, self._hostile.now)
        self.other = BridgeRow(self._hostile.shared, 1, find_codec(other_codec))
        self._alone = _Call(["ulaw"])
        self._number = 0
        self._loudest = 0
        self._rng = np.random.default_rng(9)

    def plausible(self, rng: np.random.Generator) -> bytes:
        """A packet that could be the other call's."""
        kind = int(rng.choice([0, 0, 0, 13, 101, int(rng.integers(128))]))
        number = self._number + int(rng.integers(-3, 4))
        clock = (number * 160 + int(rng.integers(-40, 41))) % 2**32
        packet = rtp.Packet(False, kind, number % 2**16, clock, 7, rng.bytes(int(rng.integers(1, 200))))
        return rtp.build(packet)

    def frame(self, hostile: list[tuple[bool, bytes]]) -> None:
        """20 ms: packets, each from the other call's peer or from a stranger, around the good call's own.

        Raises AssertionError when the good call does not sound as it does alone.
        """
        good: list[tuple[Endpoint, bytes]] = []
        if self._number % _LOST_EVERY:
            pcm = self._rng.normal(0, 2000, 160).astype(np.int16)
            payload = ULAW.encode(pcm).tobytes()
            packet = rtp.Packet(False, 0, self._number % 2**16, self._number * 160 % 2**32, 1, payload)
            good.append((GOOD, rtp.build(packet)))
        others = [
            (OTHER if own else endpoint("127.0.0.9", 1 + n), raw) for n, (own, raw) in enumerate(hostile)
        ]
        middle = len(others) // 2
        heard = self._hostile.frame(others[:middle] + good + others[middle:])
        assert np.array_equal(heard, self._alone.frame(good)), "another call's packets are heard"
        self._loudest = max(self._loudest, int(np.abs(self.other.read().pcm.astype(int)).max(initial=0)))
        self._number += 1

    def check(self) -> None:
        """The counters agree too."""
        mine, alone = self._hostile.row.stats().to_dict(), self._alone.row.stats().to_dict()
        assert {**mine, "strangers": 0} == {**alone, "strangers": 0}

    @property
    def loudest_of_other(self) -> int:
        """The largest sample that the other call has heard."""
        return self._loudest
