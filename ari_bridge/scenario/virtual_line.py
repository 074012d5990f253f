"""The caller's line and the agent's media port in virtual time: the real media engine, packets and all, with
a network of ours between the two.

    caller's voice ─▶ codec ─▶ packet ─▶ loss, jitter ─▶ media engine ─▶ MediaPort ─▶ the conversation
    ear, recording ◀─ codec ◀─ packet ◀───────────────── media engine ◀─ MediaPort ◀─
          └── echo: what the caller hears, softer and later, in what the caller sends
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping
from functools import lru_cache
from queue import SimpleQueue

import numpy as np

from ari_bridge.core.audio import FRAME_MS, Pcm16, samples
from ari_bridge.media import rtp
from ari_bridge.media.analysis.analyst import Analyst
from ari_bridge.media.analysis.models import choose_model, load_models
from ari_bridge.media.analysis.silero import Silero
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.engine import Engine
from ari_bridge.media.packets import PACKET_ROOM, Received, endpoint
from ari_bridge.media.plane import MediaPort
from ari_bridge.media.row_port import RowPort
from ari_bridge.media.shared import SharedRows, size
from ari_bridge.sandbox.ear import HUMAN_TONE_HZ, Ear, Noticed
from ari_bridge.sandbox.recording import Packet, Recording, laid_out
from ari_bridge.sandbox.scenario import LineQuality
from ari_bridge.sandbox.sounds import CallerVoice, Network
from ari_bridge.settings import MediaSettings

PTIME_S = FRAME_MS / 1000
WAY_S = 0.005
"""What a packet takes at least."""
_TONE_LEVEL = 8000
_SLOT = np.zeros(1, dtype=np.int64)


class VirtualLine:
    """Both ends of one call's audio. `run` it as a task; made inside the loop whose clock it goes by."""

    def __init__(self, codec_name: str, quality: LineQuality, settings: MediaSettings) -> None:
        self._clock = asyncio.get_running_loop().time
        codec = self._codec = find_codec(codec_name)
        self.ear = Ear(codec.rate_hz)
        self.noticed: SimpleQueue[Noticed] = SimpleQueue()
        self._quality = quality
        self._voice = CallerVoice(codec.rate_hz, quality.noise_dbfs, quality.seed)
        self._network = Network(quality)
        self._flying: list[tuple[float, int, bytes]] = []
        """Packets on their way to the agent: when they arrive, which they are."""
        self._peer = endpoint("127.0.0.1", 40000)
        self._rng = np.random.default_rng(quality.seed)
        shared = SharedRows(bytearray(size(1)), 1)
        delay = DelayRange(
            start_s=settings.jitter_delay_ms / 1000,
            min_s=settings.shortest_delay_ms / 1000,
            max_s=settings.longest_delay_ms / 1000,
        )
        self._engine = Engine(shared, [codec], delay=delay, now=self._clock(), rng=self._rng)
        self._engine.open(0, codec.name, self._peer, self._clock())
        self._analyst = Analyst(shared, [codec], _models(settings))
        self._row = RowPort(BridgeRow(shared, 0, codec), codec, "rehearsed", self._released)
        self._encoding, self._decoding = codec.coders(1), codec.coders(1)
        self._encoding.open(0)
        self._decoding.open(0)
        self._sent: list[Packet] = []
        self._received: list[Packet] = []
        self._timestamp = 0
        self._echo = _Echo(codec.rate_hz, quality)
        self._person_answered = False
        self._person_phase = 0

    @property
    def port(self) -> MediaPort:
        """The agent's end."""
        return self._row

    async def _released(self) -> None:
        self._engine.close(0)

    # -------------------------------------------------------------- the caller's end

    @property
    def spoken_rate_hz(self) -> int:
        return self._codec.rate_hz

    def say(self, pcm: Pcm16) -> None:
        self._voice.say(pcm)

    def add_noise(self, pcm: Pcm16) -> None:
        self._voice.add_noise(pcm)

    @property
    def speaking(self) -> bool:
        return self._voice.speaking

    def caller_acted(self) -> None:
        self._notice(self.ear.caller_spoke(self._clock()))

    def person_answers(self) -> None:
        """The dialplan has the call now, and somebody is on the line."""
        self._person_answered = True

    def recording(self, start_s: float, end_s: float) -> Recording:
        rate_hz = self._codec.rate_hz
        caller = laid_out(self._sent, rate_hz, start_s, end_s)
        agent = laid_out(self._received, rate_hz, start_s, end_s)
        return Recording(rate_hz, start_s, caller, agent)

    # -------------------------------------------------------------- every 20 ms

    async def run(self) -> None:
        due_s = self._engine.next_due_s() or self._clock()
        while True:
            await asyncio.sleep(max(0.0, due_s - self._clock()))
            self._tick(due_s)
            due_s += PTIME_S

    def _tick(self, now: float) -> None:
        self._send(now)
        self._engine.receive(self._arrived(now), now)
        for outgoing in self._engine.send(now):
            self._hear(bytes(outgoing.octets[0]), now)
            self._engine.left(now)
        self._engine.play()
        self._analyst.step()
        if self._person_answered:
            self._hear_pcm(self._tone(), now + WAY_S)
        self._notice(self.ear.tick(now))
        self._row.ticked()

    def _send(self, now: float) -> None:
        """The caller's packet of this frame, on its way."""
        codec = self._codec
        voice = self._voice.next_frame()
        self._sent.append(Packet(now, 1, self._timestamp // codec.frame_clocks * codec.frame_samples, voice))
        pcm = self._echo.mixed_into(voice)
        octets = self._encoding.encode(_SLOT, pcm[None, :])[0].tobytes()
        packet = rtp.build(
            rtp.Packet(
                payload_type=codec.payload_type,
                sequence=len(self._sent) & 0xFFFF,
                timestamp=self._timestamp & 0xFFFFFFFF,
                ssrc=1,
                payload=octets,
                marker=len(self._sent) == 1,
            )
        )
        self._timestamp += codec.frame_clocks
        delay_s = self._network.delay_s()
        if delay_s is not None:
            heapq.heappush(self._flying, (now + WAY_S + delay_s, len(self._sent), packet))

    def _arrived(self, now: float) -> Received:
        arrived = []
        while self._flying and self._flying[0][0] <= now:
            arrived.append(heapq.heappop(self._flying))
        octets = np.zeros((len(arrived), PACKET_ROOM), dtype=np.uint8)
        for place, (_, _, packet) in enumerate(arrived):
            octets[place, : len(packet)] = np.frombuffer(packet, np.uint8)
        return Received(
            octets,
            np.array([len(packet) for _, _, packet in arrived], dtype=np.int64),
            np.full(len(arrived), self._peer, dtype=np.int64),
            np.array([at_s for at_s, _, _ in arrived], dtype=np.float64),
        )

    def _hear(self, octets: bytes, now: float) -> None:
        packet = rtp.parse(octets)
        if packet is None or self._person_answered:
            return
        payload = np.frombuffer(packet.payload, np.uint8)[None, :]
        there = np.ones((1, 1), dtype=np.bool_)
        self._hear_pcm(self._decoding.decode(_SLOT, payload, there)[0], now + WAY_S)

    def _hear_pcm(self, pcm: Pcm16, at_s: float) -> None:
        timestamp = len(self._received) * self._codec.frame_samples
        self._received.append(Packet(at_s, 2, timestamp, pcm))
        self._echo.hear(pcm)
        self._notice(self.ear.hear(pcm, at_s))

    def _tone(self) -> Pcm16:
        count = self._codec.frame_samples
        at = np.arange(self._person_phase, self._person_phase + count)
        self._person_phase += count
        wave = _TONE_LEVEL * np.sin(2 * np.pi * HUMAN_TONE_HZ * at / self._codec.rate_hz)
        tone: Pcm16 = np.rint(wave).astype(np.int16)
        return tone

    def _notice(self, noticed: list[Noticed]) -> None:
        for item in noticed:
            self.noticed.put(item)


def _models(settings: MediaSettings) -> Mapping[int, Silero]:
    file = choose_model(settings)
    return {} if file is None else _loaded(file)


_loaded = lru_cache(maxsize=1)(load_models)


class _Echo:
    """What the caller's end sends back of what it hears."""

    def __init__(self, rate_hz: int, quality: LineQuality) -> None:
        self._gain = 0.0 if quality.echo_db is None else 10 ** (quality.echo_db / 20)
        self._heard = np.zeros(samples(quality.echo_delay_ms, rate_hz), dtype=np.int16)

    def hear(self, pcm: Pcm16) -> None:
        if self._gain:
            self._heard = np.concatenate((self._heard, pcm))

    def mixed_into(self, pcm: Pcm16) -> Pcm16:
        if not self._gain:
            return pcm
        back, self._heard = self._heard[: len(pcm)], self._heard[len(pcm) :]
        mixed = pcm.astype(np.float64)
        mixed[: len(back)] += back * self._gain
        both: Pcm16 = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
        return both
