"""Signed linear at 8 kHz, under a static payload type."""

from __future__ import annotations

from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.l16 import decode, encode

CODEC = Codec(
    name="slin",
    rate_hz=8000,
    clock_hz=8000,
    payload_type=10,
    octets_per_clock=2,
    decode=decode,
    encode=encode,
)
