"""Audio between a call's rate and what a vendor takes and gives, as Base64 (RFC 4648) in JSON."""

from __future__ import annotations

import base64
import binascii

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.media.codecs import ulaw
from ari_bridge.media.resample import Resampler


class Mouth:
    """The caller's audio on its way to the engine."""

    def __init__(self, rate_hz: int, vendor_hz: int, *, as_ulaw: bool = False) -> None:
        """`as_ulaw`: G.711, else PCM16, little-endian."""
        self._resampler = Resampler(rate_hz, vendor_hz)
        self._as_ulaw = as_ulaw

    def encode(self, pcm: Pcm16) -> str:
        pcm = np.ascontiguousarray(self._resampler.process(pcm))
        octets = ulaw.CODEC.encode(pcm).tobytes() if self._as_ulaw else pcm.astype("<i2").tobytes()
        return base64.b64encode(octets).decode("ascii")


class Ear:
    """The agent's audio as it comes; items one after the other."""

    def __init__(self, name: str, vendor_hz: int, rate_hz: int, *, as_ulaw: bool = False) -> None:
        """`name`: what messages call the vendor."""
        self._name, self._vendor_hz, self._rate_hz, self._as_ulaw = name, vendor_hz, rate_hz, as_ulaw
        self._resampler = Resampler(vendor_hz, rate_hz)
        self._odd = b""
        """Half a sample."""
        self._samples = 0

    def begin(self) -> None:
        """Another item."""
        self._resampler.reset()
        self._odd, self._samples = b"", 0

    @property
    def made_ms(self) -> int:
        """Of the item so far, whole milliseconds."""
        return self._samples * 1000 // self._vendor_hz

    def decode(self, data: str) -> Pcm16:
        """Raises ProviderError."""
        try:
            octets = self._odd + base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise ProviderError(f"{self._name}: sent audio that is no Base64", retryable=True) from None
        if self._as_ulaw:
            pcm = ulaw.CODEC.decode(np.frombuffer(octets, np.uint8))
        else:
            whole = len(octets) // 2 * 2
            self._odd = octets[whole:]
            pcm = np.frombuffer(octets[:whole], "<i2").astype(np.int16)
        self._samples += len(pcm)
        return self._resampler.process(pcm)
