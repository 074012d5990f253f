"""Signed linear, 16 bits, 16 kHz; the high byte travels first, as in L16 (RFC 3551, section 4.5.11)."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Codec, Octets


def _decode(octets: Octets) -> Pcm16:
    return np.ascontiguousarray(octets).view(">i2").astype(np.int16)


def _encode(pcm: Pcm16) -> Octets:
    return pcm.astype(">i2").view(np.uint8)


CODEC = Codec(
    name="slin16",
    rate_hz=16000,
    clock_hz=16000,
    payload_type=118,
    octets_per_clock=2,
    decode=_decode,
    encode=_encode,
)
