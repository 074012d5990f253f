"""A trace played into the product's own receiving side, a frame at a time, by a clock turned by hand.

The trace tells when packets come; what is in them is made up: spells of a voice, and pauses over soft noise,
since the delay is changed where that is heard least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench.traces.trace import Trace
from ari_bridge.core.audio import FRAME_MS, Pcm16
from ari_bridge.media import rtp
from ari_bridge.media.codecs.base import Codec, Octets
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.mos import mos
from ari_bridge.media.packets import PACKET_ROOM, Received
from ari_bridge.media.receiver import Receiver
from ari_bridge.media.shared import SharedRows, size

CODEC = "ulaw"
_FRAME_S = FRAME_MS / 1000
_ROW = np.zeros(1, dtype=np.int64)
_START_S = 1000.0
"""Of the turned clock: the trace's first arrival."""
_PHASE_S = 0.0075
"""From an arrival to our next tick, were there no jitter."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a trace. Times are sampled once a frame."""

    packets: int
    lost: float
    """Share of the packets that the path lost."""
    late: float
    """Share of those that came, but after their time: given up, or waited for in the middle of the audio."""
    at_s: NDArray[np.float64]
    delay_s: NDArray[np.float64]
    """Of the buffer: how long the fastest packet of the last two seconds waited. NaN when none came."""
    concealed_s: float
    seconds: float

    @property
    def mean_delay_ms(self) -> float:
        return float(np.nanmean(self.delay_s) * 1000)

    @property
    def p95_delay_ms(self) -> float:
        return float(np.nanpercentile(self.delay_s, 95) * 1000)

    @property
    def mos(self) -> float:
        """E-model, of what was concealed and of our own delay (media/mos.py)."""
        loss = min(1.0, self.concealed_s / self.seconds)
        return mos(CODEC, wideband=False, loss=loss, delay_ms=self.mean_delay_ms + FRAME_MS)


def replay(one: Trace, allowed: DelayRange) -> Heard:
    """From the first arrival to the last."""
    codec = find_codec(CODEC)
    shared = SharedRows(bytearray(size(1)), 1)
    coders = codec.coders(1)
    receiver = Receiver(codec, shared, coders, allowed, np.random.default_rng(1))
    receiver.open(0)
    coders.open(0)
    packets = _Packets(one, codec)
    media = shared.media[0]
    frames = int((packets.last_s + _PHASE_S) / _FRAME_S) + 1
    delay_s = np.full(frames, np.nan)
    for turn in range(frames):
        due_s = np.array([_START_S + _PHASE_S + turn * _FRAME_S])
        batch = packets.until(float(due_s[0]))
        if len(batch):
            count = len(batch)
            receiver.receive(
                batch,
                rtp.parse_batch(batch.octets, batch.lengths),
                np.zeros(count, dtype=np.int64),
                np.ones(count, dtype=np.bool_),
                due_s,
            )
        receiver.play(_ROW, due_s, turn)
        if media["received"]:
            delay_s[turn] = media["delay_s"]
    late = int(media["late"]) + int(media["waited_for"])
    return Heard(
        packets=len(one),
        lost=one.lost,
        late=late / max(1, int(media["received"])),
        at_s=np.arange(frames, dtype=np.float64) * _FRAME_S + _PHASE_S,
        delay_s=delay_s,
        concealed_s=int(media["concealed"]) * _FRAME_S,
        seconds=frames * _FRAME_S,
    )


class _Packets:
    """Those of a trace that arrive, in that order."""

    def __init__(self, one: Trace, codec: Codec) -> None:
        arrives = np.flatnonzero(np.isfinite(one.arrived_s))
        order = arrives[np.argsort(one.arrived_s[arrives], kind="stable")]
        self._arrived_s = one.arrived_s[order]
        self.last_s = float(self._arrived_s[-1])
        self._taken = 0
        clock = np.rint(one.sent_s[order] * codec.clock_hz).astype(np.int64)
        payload = _payloads(one, codec)[order]
        count = len(order)
        self._octets = np.zeros((count, min(PACKET_ROOM, rtp.HEADER_OCTETS + payload.shape[1])), np.uint8)
        rtp.write_headers(
            self._octets,
            payload_type=codec.payload_type,
            marker=np.zeros(count, dtype=np.bool_),
            sequence=one.sequence[order].astype(np.uint16),
            timestamp=clock.astype(np.uint32),
            ssrc=np.ones(count, dtype=np.uint32),
        )
        self._octets[:, rtp.HEADER_OCTETS :] = payload

    def until(self, due_s: float) -> Received:
        """What has come since the last time."""
        end = int(np.searchsorted(self._arrived_s, due_s - _START_S, side="right"))
        which = slice(self._taken, end)
        self._taken = end
        octets = self._octets[which]
        lengths = np.full(len(octets), octets.shape[1])
        return Received(octets, lengths, np.zeros(len(octets), np.int64), self._arrived_s[which] + _START_S)


def _payloads(one: Trace, codec: Codec) -> Octets:
    """(n, octets): what a voice says at the time each packet is of, over and over for 20 s."""
    clocks = codec.clock_hz * one.packet_ms // 1000
    voice = codec.encode(talk(20.0, codec.rate_hz, np.random.default_rng(2)))
    first = np.rint(one.sent_s * codec.clock_hz).astype(np.int64)
    payloads: Octets = voice[(first[:, None] + np.arange(clocks)) % len(voice)]
    return payloads


def talk(seconds: float, rate_hz: int, rng: np.random.Generator) -> Pcm16:
    """Something like talk: voiced spells of 0.6 to 1.6 s, pauses of 0.3 to 1 s, over soft noise."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    envelope = np.zeros(len(t))
    at_s = 0.0
    while at_s < seconds:
        on_s, off_s = rng.uniform(0.6, 1.6), rng.uniform(0.3, 1.0)
        envelope[(t >= at_s) & (t < at_s + on_s)] = 1.0
        at_s += on_s + off_s
    pitch_hz = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    pcm: Pcm16 = np.rint(3000 * envelope * voice + rng.normal(0, 15, len(t))).astype(np.int16)
    return pcm
