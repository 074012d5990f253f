"""Signed linear, 16 bits; the high byte travels first (RFC 3551, section 4.5.11)."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Octets


def decode(octets: Octets) -> Pcm16:
    return np.ascontiguousarray(octets).view(">i2").astype(np.int16)


def encode(pcm: Pcm16) -> Octets:
    return pcm.astype(">i2").view(np.uint8)
