"""A vendor's bytes to the call's PCM16. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs import ulaw
from ari_bridge.media.resample import Resampler


class Encoding(Enum):
    """The value is the octets of a sample."""

    MULAW = 1
    PCM16 = 2
    """Little-endian."""


@dataclass(frozen=True, slots=True)
class SoundFormat:
    encoding: Encoding
    rate_hz: int

    def seconds(self, octets: int) -> float:
        return octets / self.encoding.value / self.rate_hz


def telephone_format(call_hz: int) -> SoundFormat:
    """What to ask of a vendor that makes telephone formats: µ-law for a narrowband call, half the bytes of
    PCM for what the line would do to it anyway; PCM16 at 16 kHz for wideband."""
    return SoundFormat(Encoding.MULAW, 8000) if call_hz <= 8000 else SoundFormat(Encoding.PCM16, 16000)


class SoundDecoder:
    """One stream of bytes, cut anywhere, to PCM16 at `rate_hz`. Call `finish` once, after the last byte."""

    def __init__(self, source: SoundFormat, rate_hz: int) -> None:
        self._encoding = source.encoding
        self._resampler = Resampler(source.rate_hz, rate_hz)
        self._rest = b""
        """Half a sample."""

    def feed(self, octets: bytes) -> Pcm16:
        octets = self._rest + octets
        whole = len(octets) - len(octets) % self._encoding.value
        octets, self._rest = octets[:whole], octets[whole:]
        if not octets:
            return np.zeros(0, dtype=np.int16)
        if self._encoding is Encoding.MULAW:
            return self._resampler.process(ulaw.CODEC.decode(np.frombuffer(octets, np.uint8)))
        return self._resampler.process(np.frombuffer(octets, "<i2").astype(np.int16))

    def finish(self) -> Pcm16:
        """What the resampler still holds; half a sample at the end is dropped."""
        self._rest = b""
        rest = self._resampler.flush()
        return rest if self._resampler.delay_s else rest[:0]
