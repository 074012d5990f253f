"""G.711 by tables over whole blocks: what its two laws share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Octets


def all_samples() -> NDArray[np.int32]:
    """Every 16-bit sample, in the order of its bit pattern: an encoder's table has one entry for each."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def decoder(table: Pcm16) -> Callable[[Octets], Pcm16]:
    """A block decoder from the 256 sample values of a law. It looks up two octets at a time."""
    pair = np.arange(65536, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    pairs = np.ascontiguousarray(table[pair]).view(np.uint32)[:, 0]

    def decode(octets: Octets) -> Pcm16:
        if octets.shape[-1] % 2 == 0 and octets.flags.c_contiguous:
            return pairs.take(octets.view(np.uint16), mode="wrap").view(np.int16)  # no index is beyond it
        return table.take(octets)

    return decode


def encoder(table: Octets) -> Callable[[Pcm16], Octets]:
    """A block encoder from the octets of all 65536 samples."""

    def encode(pcm: Pcm16) -> Octets:
        return table.take(pcm.view(np.uint16))

    return encode
