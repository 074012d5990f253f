"""G.711 A-law: 13-bit samples, two linear segments and six more;
every other bit inverted (ITU-T G.711, table 1)."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Codec, Octets
from ari_bridge.media.codecs.g711 import all_samples, decoder, encoder

_EVEN_BITS = 0x55
_POSITIVE = 0x80


def _decode_table() -> Pcm16:
    code = np.arange(256) ^ _EVEN_BITS
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = np.where(segment == 0, step << 4, (step << 4) + 0x100 << np.maximum(segment - 1, 0)) + (
        8 << np.maximum(segment - 1, 0)
    )
    table: Pcm16 = np.where(code & _POSITIVE, magnitude, -magnitude).astype(np.int16)
    return table


def _encode_table() -> Octets:
    sample = all_samples() >> 3
    magnitude = np.where(sample < 0, ~sample, sample)
    segment = np.maximum(np.frexp(magnitude)[1] - 5, 0)
    code = segment << 4 | magnitude >> np.maximum(segment, 1) & 0x0F
    table: Octets = (np.where(sample < 0, code, code | _POSITIVE) ^ _EVEN_BITS).astype(np.uint8)
    return table


CODEC = Codec(
    name="alaw",
    rate_hz=8000,
    clock_hz=8000,
    payload_type=8,
    octets_per_clock=1,
    decode=decoder(_decode_table()),
    encode=encoder(_encode_table()),
)
