"""G.711 µ-law: 14-bit samples in 8 segments of 16 steps; the octet leaves inverted (ITU-T G.711, table 2)."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Codec, Octets
from ari_bridge.media.codecs.g711 import all_samples, decoder, encoder

_BIAS = 33
_CLIP = 8191


def _decode_table() -> Pcm16:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 1) + _BIAS << (code >> 4 & 7)) - _BIAS
    table: Pcm16 = (np.where(code & 0x80, -magnitude, magnitude) << 2).astype(np.int16)
    return table


def _encode_table() -> Octets:
    sample = all_samples() >> 2
    biased = np.minimum(np.abs(sample) + _BIAS, _CLIP)
    segment = np.frexp(biased)[1] - 6  # floor(log2) - 5
    code = np.where(sample < 0, 0x80, 0) | segment << 4 | biased >> (segment + 1) & 0x0F
    table: Octets = (~code & 0xFF).astype(np.uint8)
    return table


CODEC = Codec(
    name="ulaw",
    rate_hz=8000,
    clock_hz=8000,
    payload_type=0,
    octets_per_clock=1,
    decode=decoder(_decode_table()),
    encode=encoder(_encode_table()),
)
