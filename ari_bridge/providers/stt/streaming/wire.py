"""Audio as vendors take it on the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs import ulaw
from ari_bridge.media.resample import Resampler

TELEPHONE_HZ = 8000
_PCM_TAG, _ULAW_TAG = 1, 7
_ENDLESS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class WireFormat:
    rate_hz: int
    is_ulaw: bool = False


def telephone_format(rate_hz: int, wide_hz: int | None = None) -> WireFormat:
    """8 kHz µ-law for a call of 8 kHz, as it came: half the bytes, and nothing is made up. Else PCM16, at
    `wide_hz` where the vendor takes no other rate."""
    if rate_hz == TELEPHONE_HZ:
        return WireFormat(rate_hz, is_ulaw=True)
    return WireFormat(wide_hz or rate_hz)


class Encoder:
    """One stream of PCM16 at `rate_hz`, to the wire."""

    def __init__(self, rate_hz: int, wire: WireFormat) -> None:
        self.wire = wire
        self._resampler = Resampler(rate_hz, wire.rate_hz) if rate_hz != wire.rate_hz else None

    def encode(self, pcm: Pcm16) -> bytes:
        if self._resampler is not None:
            pcm = self._resampler.process(pcm)
        return ulaw.CODEC.encode(pcm).tobytes() if self.wire.is_ulaw else pcm.astype("<i2").tobytes()


def wav_header(wire: WireFormat, data_bytes: int | None = None) -> bytes:
    """RIFF, WAVE, mono. `data_bytes` None: a stream, whose length nobody knows yet."""
    width = 1 if wire.is_ulaw else 2
    size = _ENDLESS if data_bytes is None else data_bytes
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        min(_ENDLESS, size + 36),
        b"WAVE",
        b"fmt ",
        16,
        _ULAW_TAG if wire.is_ulaw else _PCM_TAG,
        1,
        wire.rate_hz,
        wire.rate_hz * width,
        width,
        8 * width,
        b"data",
        size,
    )
