"""Signed linear at 16 kHz. We hear the caller in it; what we say goes as G.722."""

from __future__ import annotations

from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.l16 import decode, encode

CODEC = Codec(
    name="slin16",
    rate_hz=16000,
    clock_hz=16000,
    payload_type=118,
    octets_per_clock=2,
    decode=decode,
    encode=encode,
    send_as="g722",
)
