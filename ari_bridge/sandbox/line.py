"""The synthetic caller's telephone line: RTP on a socket of its own, in a thread with its own clock.

It shares no code with `ari_bridge.media`, so that it can judge it. One packet leaves every 20 ms from
start to stop, silence when there is nothing to say; arrival times are the kernel's where it tells them
(Linux, SO_TIMESTAMPNS), so that a busy process does not blur them.
"""

from __future__ import annotations

import audioop
import heapq
import random
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.sandbox.ear import Ear, Noticed
from ari_bridge.sandbox.recording import Packet, Recording, laid_out
from ari_bridge.sandbox.scenario import LineQuality
from ari_bridge.sandbox.sounds import CallerVoice, Network
from ari_bridge.sandbox.voices import resampled

PTIME_S = 0.02
_HEADER = struct.Struct("!BBHII")  # RFC 3550 section 5.1
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_TIMESPEC = struct.Struct("@qq")
_GOOD = LineQuality()


@dataclass(frozen=True, slots=True)
class Coding:
    """How audio is written in packets, one way."""

    payload_type: int
    rate_hz: int
    encode: Callable[[bytes], bytes]
    """From PCM16 in the machine's byte order."""
    decode: Callable[[bytes], bytes]

    @property
    def frame(self) -> int:
        """Samples in a packet."""
        return round(self.rate_hz * PTIME_S)


@dataclass(frozen=True, slots=True)
class Wire:
    """What the line carries, each way."""

    format: str
    """Asterisk's name of the leg's format."""
    spoken: Coding
    heard: Coding


def _swapped(data: bytes) -> bytes:
    return audioop.byteswap(data, 2) if sys.byteorder == "little" else data


_ULAW = Coding(0, 8000, lambda pcm: audioop.lin2ulaw(pcm, 2), lambda data: audioop.ulaw2lin(data, 2))
_ALAW = Coding(8, 8000, lambda pcm: audioop.lin2alaw(pcm, 2), lambda data: audioop.alaw2lin(data, 2))
_SLIN = Coding(11, 8000, _swapped, _swapped)
_SLIN16 = Coding(118, 16000, _swapped, _swapped)


def wire_for(trunk_codec: str) -> Wire:
    """What the line carries for a codec on the trunk.

    For G.711 the same, so that the carrier changes nothing. For wideband codecs the caller hears PCM at
    16 kHz but speaks at 8 kHz: Asterisk sends L16/16000 as payload type 118 and yet drops 118 when it comes
    in (ExternalMedia knows no dynamic types: asterisk/documentation issue 142; seen on 22.10).
    """
    if trunk_codec == "ulaw":
        return Wire("ulaw", _ULAW, _ULAW)
    if trunk_codec == "alaw":
        return Wire("alaw", _ALAW, _ALAW)
    return Wire("slin16", _SLIN, _SLIN16)


class Line:
    """A telephone line. `notice` is called in its thread with what the caller hears."""

    def __init__(self, wire: Wire, notice: Callable[[Noticed], None], quality: LineQuality = _GOOD) -> None:
        """`quality`: of it loss, jitter and noise; what is heard comes back from no line of ours."""
        self.wire = wire
        self._voice = CallerVoice(wire.spoken.rate_hz, quality.noise_dbfs, quality.seed)
        self._network = Network(quality)
        self._leaving: list[tuple[float, bytes]] = []
        """Packets that the network delays, by when they leave it."""
        self.ear = Ear(wire.heard.rate_hz)
        self._notice = notice
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        if sys.platform == "linux":
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._thread = threading.Thread(target=self._run, name="caller line", daemon=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._sent: list[Packet] = []
        self._received: list[Packet] = []
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(31)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return host, port

    def start(self, peer: tuple[str, int]) -> None:
        """Begin to send to `peer` and to listen."""
        self._socket.connect(peer)  # nobody else is heard
        self._thread.start()

    @property
    def spoken_rate_hz(self) -> int:
        return self.wire.spoken.rate_hz

    def say(self, pcm: Pcm16) -> None:
        """From the next packet on, after what is being said."""
        with self._lock:
            self._voice.say(pcm)

    def add_noise(self, pcm: Pcm16) -> None:
        with self._lock:
            self._voice.add_noise(pcm)

    @property
    def speaking(self) -> bool:
        with self._lock:
            return self._voice.speaking

    def caller_acted(self) -> None:
        """Tell the ear; see Ear.caller_spoke."""
        with self._lock:
            noticed = self.ear.caller_spoke(time.monotonic())
        self._pass_on(noticed)

    def stop(self) -> None:
        """Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def recording(self, start_s: float, end_s: float) -> Recording:
        """What was on the line, at the rate at which the caller hears."""
        spoken_hz, heard_hz = self.wire.spoken.rate_hz, self.wire.heard.rate_hz
        caller = resampled(laid_out(self._sent, spoken_hz, start_s, end_s), spoken_hz, heard_hz)
        agent = laid_out(self._received, heard_hz, start_s, end_s)
        length = min(len(caller), len(agent))
        return Recording(heard_hz, start_s, caller[:length], agent[:length])

    def arrivals_s(self, start_s: float, end_s: float) -> list[float]:
        """When packets came in, in the order in which they did."""
        return [packet.at_s for packet in self._received if start_s <= packet.at_s <= end_s]

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stopping.is_set():
            self._let_leave()
            wait_s = due_s - time.monotonic()
            if wait_s <= 0:
                self._send()
                self._let_leave()
                with self._lock:
                    noticed = self.ear.tick(time.monotonic())
                self._pass_on(noticed)
                due_s += PTIME_S
                continue
            if self._leaving:
                wait_s = min(wait_s, max(0.0, self._leaving[0][0] - time.monotonic()))
            if select.select([self._socket], [], [], wait_s)[0]:
                self._receive()

    def _pass_on(self, noticed: list[Noticed]) -> None:
        for item in noticed:
            self._notice(item)

    def _send(self) -> None:
        coding = self.wire.spoken
        size = coding.frame
        with self._lock:
            pcm = self._voice.next_frame()
        marker = 0x80 if not self._sent else 0
        header = _HEADER.pack(0x80, coding.payload_type | marker, self._sequence, self._timestamp, self._ssrc)
        self._sent.append(Packet(time.monotonic(), self._ssrc, self._timestamp, pcm))
        self._sequence = (self._sequence + 1) % 2**16
        self._timestamp = (self._timestamp + size) % 2**32
        delay_s = self._network.delay_s()
        if delay_s is not None:
            heapq.heappush(self._leaving, (time.monotonic() + delay_s, header + coding.encode(pcm.tobytes())))

    def _let_leave(self) -> None:
        while self._leaving and self._leaving[0][0] <= time.monotonic():
            try:
                self._socket.send(heapq.heappop(self._leaving)[1])
            except OSError:  # the carrier's end has closed: the call is over, and its event says so
                return

    def _receive(self) -> None:
        try:
            data, ancillary, _flags, _address = self._socket.recvmsg(2048, 64)
        except OSError:  # as above: the refusal of a packet we sent
            return
        if len(data) <= _HEADER.size or data[0] >> 6 != 2:
            return
        _, kind, _, timestamp, ssrc = _HEADER.unpack_from(data)
        if kind & 0x7F != self.wire.heard.payload_type:
            return
        payload = data[_HEADER.size + 4 * (data[0] & 0x0F) :]
        pcm = np.frombuffer(self.wire.heard.decode(payload), np.int16)
        at_s = _arrival_s(ancillary)
        self._received.append(Packet(at_s, ssrc, timestamp, pcm))
        with self._lock:
            noticed = self.ear.hear(pcm, at_s)
        self._pass_on(noticed)


def _arrival_s(ancillary: list[tuple[int, int, bytes]]) -> float:
    """The kernel's time of arrival, on the monotonic clock."""
    now_s = time.monotonic()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            waited_s: float = time.time() - (seconds + nanoseconds * 1e-9)
            return now_s - max(0.0, waited_s)
    return now_s
