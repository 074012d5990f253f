"""What was said in a call, as it was on the wire at the caller: both sides on one time axis."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ari_bridge.core.audio import Pcm16

_SAME_STREAM_S = 0.2


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet's audio. `at_s` is when it was sent, or when the kernel received it (monotonic)."""

    at_s: float
    ssrc: int
    timestamp: int
    """RTP timestamp, in samples."""
    pcm: Pcm16


@dataclass(frozen=True, slots=True)
class Recording:
    """Equal lengths; sample k of each sounded at start_monotonic_s + k / rate_hz."""

    rate_hz: int
    start_monotonic_s: float
    caller: Pcm16
    agent: Pcm16

    def write_wav(self, path: Path) -> None:
        """Stereo, caller left, agent right; whole or not at all. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        try:
            with wave.open(os.fspath(part), "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(self.rate_hz)
                file.writeframes(np.column_stack((self.caller, self.agent)).astype("<i2").tobytes())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def laid_out(packets: Iterable[Packet], rate_hz: int, start_s: float, end_s: float) -> Pcm16:
    """One side's packets on the time axis from `start_s` to `end_s`; where there are none, silence."""
    side = np.zeros(max(0, round((end_s - start_s) * rate_hz)), np.int16)
    for at_s, pcm in placed(packets, rate_hz):
        _lay(side, round((at_s - start_s) * rate_hz), pcm)
    return side


def placed(packets: Iterable[Packet], rate_hz: int) -> list[tuple[float, Pcm16]]:
    """When each packet's audio stands on the time axis.

    Within a stream the timestamps give the distances and the fastest packet the origin: a packet cannot
    come before it was sent, so the least of (arrival - timestamp) is the one least delayed. A new SSRC, or
    timestamps that leave the arrivals by more than 200 ms, begin a new stream.
    """
    streams: list[list[Packet]] = []
    for packet in packets:
        if not streams or not _continues(streams[-1][-1], packet, rate_hz):
            streams.append([])
        streams[-1].append(packet)
    result = []
    for stream in streams:
        first = stream[0].timestamp
        offsets_s = [_steps(first, packet.timestamp) / rate_hz for packet in stream]
        origin_s = min(packet.at_s - offset for packet, offset in zip(stream, offsets_s, strict=True))
        result += [(origin_s + offset, packet.pcm) for packet, offset in zip(stream, offsets_s, strict=True)]
    return result


def _continues(before: Packet, packet: Packet, rate_hz: int) -> bool:
    media_s = _steps(before.timestamp, packet.timestamp) / rate_hz
    return before.ssrc == packet.ssrc and abs(packet.at_s - before.at_s - media_s) < _SAME_STREAM_S


def _steps(before: int, after: int) -> int:
    """From one 32-bit timestamp to another, across the wrap."""
    return (after - before + 2**31) % 2**32 - 2**31


def _lay(side: Pcm16, at: int, pcm: Pcm16) -> None:
    first, last = max(0, at), min(len(side), at + len(pcm))
    if first < last:
        side[first:last] = pcm[first - at : last - at]
