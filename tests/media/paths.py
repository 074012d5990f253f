"""Many calls over a simulated path into a Receiver, a frame at a time, with a clock turned by hand.

Row r is sent `speech[r]`, a packet of 20 ms every 20 ms of its own clock; delay_s[r, n] is what the path adds
to packet n, infinite where it is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ari_bridge.media import rtp
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.packets import PACKET_ROOM, Received
from ari_bridge.media.receiver import Receiver
from ari_bridge.media.shared import RX_FRAMES, SharedRows, size

FRAME_S = 0.02
START_S = 1000.0
ADAPTIVE = DelayRange(0.04, 0.02, 0.2)


@dataclass
class Paths:
    speech: NDArray[np.int16]
    """(rows, frames, samples of a frame)."""
    delay_s: NDArray[np.float64]
    """(rows, frames)."""
    allowed: DelayRange = ADAPTIVE
    drift: NDArray[np.float64] | float = 0.0
    """Of each sender's clock: 1e-4 is 100 ppm fast."""
    codec: Codec = field(default_factory=lambda: find_codec("ulaw"))
    phase_s: NDArray[np.float64] | float = 0.007
    """When each sender's packets leave, after our frames."""

    def __post_init__(self) -> None:
        rows, self.frames = self.delay_s.shape
        self.shared = SharedRows(bytearray(size(rows)), rows)
        coders = self.codec.coders(rows)
        self.receiver = Receiver(self.codec, self.shared, coders, self.allowed, np.random.default_rng(3))
        self.media = self.shared.media
        for slot in range(rows):
            self.receiver.open(slot)
            coders.open(slot)
        self.slots = np.arange(rows)
        self.turn = 0
        sent_s = np.arange(self.frames) * FRAME_S / (1 + np.broadcast_to(self.drift, (rows,))[:, None])
        arrival_s = START_S + np.broadcast_to(self.phase_s, (rows,))[:, None] + sent_s + self.delay_s
        row, number = np.nonzero(np.isfinite(arrival_s))
        order = np.argsort(arrival_s[row, number], kind="stable")
        self._arrival_s, self._row, self._number = arrival_s[row, number][order], row[order], number[order]
        self._payload = self.codec.encode(self.speech)
        self._taken = 0

    def run(self, seconds: float) -> NDArray[np.int16]:
        """What the rows hear meanwhile, (rows, samples)."""
        heard = []
        for _ in range(round(seconds / FRAME_S)):
            due_s = START_S + self.turn * FRAME_S
            until = int(np.searchsorted(self._arrival_s, due_s, side="right"))
            if until > self._taken:
                self._receive(slice(self._taken, until), due_s)
            self._taken = until
            self.receiver.play(self.slots, np.full(len(self.slots), due_s), self.turn)
            heard.append(self.shared.rx(self.codec.rate_hz)[:, self.turn % RX_FRAMES].copy())
            self.turn += 1
        return np.concatenate(heard, axis=1)

    def _receive(self, which: slice, due_s: float) -> None:
        rows, numbers = self._row[which], self._number[which]
        octets = np.zeros((len(rows), PACKET_ROOM), dtype=np.uint8)
        rtp.write_headers(
            octets,
            payload_type=self.codec.payload_type,
            marker=np.zeros(len(rows), dtype=np.bool_),
            sequence=numbers.astype(np.uint16),
            timestamp=(numbers * self.codec.frame_clocks).astype(np.uint32),
            ssrc=rows.astype(np.uint32),
        )
        payload = self._payload[rows, numbers % self.speech.shape[1]]
        octets[:, rtp.HEADER_OCTETS : rtp.HEADER_OCTETS + payload.shape[1]] = payload
        lengths = np.full(len(rows), rtp.HEADER_OCTETS + payload.shape[1])
        batch = Received(octets, lengths, rows, self._arrival_s[which])
        ours = np.ones(len(rows), dtype=np.bool_)
        next_play_s = np.full(self.shared.rows, due_s)
        self.receiver.receive(batch, rtp.parse_batch(octets, lengths), rows, ours, next_play_s)


def talk(rows: int, frames: int, codec: Codec, seed: int = 1) -> NDArray[np.int16]:
    """Something like talk: voiced spells of 0.6 to 1.6 s, pauses of 0.3 to 1 s, over soft noise. (rows,
    frames, samples)."""
    rng = np.random.default_rng(seed)
    count = frames * codec.frame_samples
    t = np.arange(count) / codec.rate_hz
    out = np.empty((rows, count), dtype=np.int16)
    for row in range(rows):
        envelope = np.zeros(count)
        at = 0.0
        while at < t[-1]:
            on, off = rng.uniform(0.6, 1.6), rng.uniform(0.3, 1.0)
            envelope[(t >= at) & (t < at + on)] = 1.0
            at += on + off
        pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))
        phase = 2 * np.pi * np.cumsum(pitch) / codec.rate_hz
        voice = sum(np.sin(k * phase) / k for k in range(1, 12))
        out[row] = np.rint(3000 * envelope * voice + rng.normal(0, 15, count)).astype(np.int16)
    return out.reshape(rows, frames, codec.frame_samples)
