"""Signed linear at 24 kHz. We hear the caller in it; what we say goes as G.722."""

from __future__ import annotations

from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.l16 import decode, encode

CODEC = Codec(
    name="slin24",
    rate_hz=24000,
    clock_hz=24000,
    payload_type=123,
    octets_per_clock=2,
    decode=decode,
    encode=encode,
    send_as="g722",
)
