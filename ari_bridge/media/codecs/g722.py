"""G.722 at 64 kbit/s: 50-7000 Hz in the octets of G.711 (ITU-T G.722). Two sub-bands of ADPCM, whose
predictors and step sizes follow the signal from sample to sample, so each row has coders of its own.

Its RTP clock says 8000 Hz beside 16000 samples a second, an old slip that stands (RFC 3551, section 4.5.2).
"""

from __future__ import annotations

import numpy as np
from G722 import G722
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Codec, Octets

_RATE_HZ = 16000
_BITS_PER_S = 64000


class _G722Coders:
    """A coder works on one stream in C, 8 to 10 µs a frame. A numpy version over all rows would take 160
    steps of some hundred operations a frame, which is slower below some thousands of rows."""

    def __init__(self, rows: int) -> None:
        self._decoders: list[G722 | None] = [None] * rows
        self._encoders: list[G722 | None] = [None] * rows

    def open(self, slot: int) -> None:
        self._decoders[slot], self._encoders[slot] = _coder(), _coder()

    def decode(self, slots: NDArray[np.int64], octets: Octets, there: NDArray[np.bool_]) -> Pcm16:
        """A decoder that missed something finds back by itself: its memory fades within some 30 ms."""
        pcm = np.zeros((len(slots), 2 * octets.shape[1]), dtype=np.int16)
        whole = np.logical_and.reduce(there, axis=1)
        for i in np.flatnonzero(whole).tolist():
            pcm[i] = self._decoders[slots[i]].decode(octets[i].tobytes())
        if not whole.all():
            blocks = octets.reshape(*there.shape, -1)
            pieces = pcm.reshape(*there.shape, -1)
            odd = there & ~whole[:, None]
            for i, block in np.argwhere(odd).tolist():
                pieces[i, block] = self._decoders[slots[i]].decode(blocks[i, block].tobytes())
        return pcm

    def encode(self, slots: NDArray[np.int64], pcm: Pcm16) -> Octets:
        octets = np.empty((len(slots), pcm.shape[1] // 2), dtype=np.uint8)
        for i, slot in enumerate(slots.tolist()):
            octets[i] = np.frombuffer(self._encoders[slot].encode(pcm[i]), dtype=np.uint8)
        return octets


def _coder() -> G722:
    return G722(_RATE_HZ, _BITS_PER_S)


def _decode(octets: Octets) -> Pcm16:
    pieces = [
        np.asarray(_coder().decode(piece.tobytes()), dtype=np.int16)
        for piece in octets.reshape(-1, octets.shape[-1])
    ]
    return np.array(pieces, dtype=np.int16).reshape(*octets.shape[:-1], -1)


def _encode(pcm: Pcm16) -> Octets:
    pieces = [
        np.frombuffer(_coder().encode(piece), dtype=np.uint8) for piece in pcm.reshape(-1, pcm.shape[-1])
    ]
    return np.array(pieces, dtype=np.uint8).reshape(*pcm.shape[:-1], -1)


CODEC = Codec(
    name="g722",
    rate_hz=_RATE_HZ,
    clock_hz=8000,
    payload_type=9,
    octets_per_clock=1,
    decode=_decode,
    encode=_encode,
    memory=_G722Coders,
)
