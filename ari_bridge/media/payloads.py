"""From what a row says to the payloads that leave: resampled to the codec it is sent in, and encoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.base import Codec, Coders, Octets
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.resample import RowsResampler


class Payloads:
    """The encoding side of the rows of one codec.

    Where frames are coded each by itself, silence is one constant payload. A resampler and a codec with
    memory go on through silence: the end of a word is still in them, and the far end's decoder follows every
    octet.
    """

    def __init__(self, codec: Codec, coders: Coders, rows: int) -> None:
        """`coders` are the rows' own, used where the codec is sent as itself."""
        self.sent_as = find_codec(codec.send_as or codec.name)
        own = self.sent_as.name == codec.name
        self._coders = coders if own else self.sent_as.coders(rows)
        self._shares_coders = own
        self._frame_samples = codec.frame_samples
        self._resampler = (
            None
            if codec.rate_hz == self.sent_as.rate_hz
            else RowsResampler(rows, codec.rate_hz, self.sent_as.rate_hz)
        )
        self._continuous = self._resampler is not None or self.sent_as.memory is not None
        self._silence = self.sent_as.encode(np.zeros(self.sent_as.frame_samples, dtype=np.int16))

    def open(self, slot: int) -> None:
        """Make the row new."""
        if not self._shares_coders:
            self._coders.open(slot)
        if self._resampler is not None:
            self._resampler.open(slot)

    def write(
        self, payload: Octets, slots: NDArray[np.int64], pcm: Pcm16, speaking: NDArray[np.intp]
    ) -> None:
        """Fill `payload`, shape (n, frame octets). `pcm` holds frames of those of the n rows that `speaking`
        names; the others are silent."""
        if not self._continuous:
            if len(speaking) == len(slots):
                payload[:] = self._coders.encode(slots, pcm)
                return
            payload[:] = self._silence
            if len(speaking):
                payload[speaking] = self._coders.encode(slots[speaking], pcm)
            return
        if len(speaking) < len(slots):
            frames = np.zeros((len(slots), self._frame_samples), dtype=np.int16)
            frames[speaking] = pcm
            pcm = frames
        if self._resampler is not None:
            pcm = self._resampler.process(slots, pcm)
        payload[:] = self._coders.encode(slots, pcm)
