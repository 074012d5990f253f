"""What the canceller has left: how much of it is the caller, and how much may still be echo?

Echo is still expected in it as loud as the loudest of three say, band by band:

- the canceller itself, which knows how unsure it is of the path: most in the first seconds, and wherever it
  has not heard much yet;
- experience: how far the canceller has brought the echo down, a low quantile as the reference's gains are, so
  that the caller does not disturb it. It knows what no linear filter takes off, a rattling loudspeaker's say;
- the codecs, whose noise goes with the whole echo and not with its band.

A canceller that has lost the path, where the far end's buffer jumps for example, is not believed, and has to
learn anew: of the echo that it takes off then nothing is found in what was received, which their correlation
shows. The caller's voice hardly changes that correlation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.media.analysis.bands import BANDS, Levels, power_of
from ari_bridge.media.rows import Slots

TRUSTED_SHARE = 0.4
"""With a smaller share of its power a frame is our echo: predicted too low, it leaves some of itself."""
OVERESTIMATE_DB = np.float32(11.0)
"""Echo is taken for so much louder than expected: what is left of it varies from frame to frame."""
FOUND_SHARE = 0.5
"""A canceller of whose echo less than this is found in what was received is not believed."""
LOST_SHARE = 0.3
"""And with less than this it has lost the path."""
_FOUND_KEEPS = np.float32(0.5)
"""Of the correlation until now, a frame."""
_TINY = np.float32(1e5)
"""Energy of a frame that is nothing."""
_UP_DB, _DOWN_DB = 0.6, 1.0
"""Their ratio makes it the 3/8 quantile."""
_FAR_DB, _FAR_DOWN_DB = 6.0, 3.0
_LEAST_DB = -40.0
_STRONG_DB = 30.0
"""Below it (-60 dBFS) the echo of a band is too weak to learn from."""
_CODED_DB = np.float32(-30.0)
"""So far below the whole echo lies what codecs add to it (µ-law: some 35 dB)."""


class Residual:
    """Of up to `rows` calls. Slots are row numbers, shape (n,), each at most once."""

    def __init__(self, rows: int) -> None:
        self._suppressed_db = np.zeros((rows, BANDS), dtype=np.float32)
        """What is left of the echo's level, by experience."""
        self._found = np.zeros((rows, 2), dtype=np.float32)
        """The echo's energy, as it was found in what was received and as it was expected."""

    def reset(self, slots: Slots) -> None:
        """Another call, or another delay."""
        self._suppressed_db[slots] = 0
        self._found[slots] = 0

    def look_for(self, slots: Slots, echo: NDArray[np.float32], received: NDArray[np.int16]) -> None:
        """Take in what the canceller takes for the echo in a frame received, both of shape (n, samples)."""
        found = np.stack([(echo * received).sum(axis=1), (echo * echo).sum(axis=1)], axis=1)
        self._found[slots] = _FOUND_KEEPS * self._found[slots] + found

    def lost(self, slots: Slots) -> NDArray[np.bool_]:
        """Whose canceller has lost the path, shape (n,)."""
        found, wanted = self._found[slots].T + _TINY
        lost: NDArray[np.bool_] = found < LOST_SHARE * wanted
        return lost

    def near_power(self, slots: Slots, left: Levels, missed: Levels, echo: Levels) -> NDArray[np.float32]:
        """The power of what is left that is not our echo, shape (n,); 0 where that is not sure. Levels, of
        shape (n, BANDS), of what is left, of what the canceller may have missed, and of the whole echo."""
        suppressed = self._suppressed_db[slots]
        whole = power_of(echo).sum(axis=1, keepdims=True) / BANDS
        coded = 10 * np.log10(whole) + _CODED_DB
        expected = np.maximum(np.maximum(echo + suppressed, coded), missed)
        self._learn(slots, suppressed, left - echo, echo)
        power = power_of(left)
        beyond = np.maximum(power - power_of(expected + OVERESTIMATE_DB), 0).sum(axis=1)
        found, wanted = self._found[slots].T + _TINY
        believed = (beyond >= TRUSTED_SHARE * power.sum(axis=1)) & (found >= FOUND_SHARE * wanted)
        near: NDArray[np.float32] = np.where(believed, beyond, np.float32(0))
        return near

    def _learn(self, slots: Slots, suppressed: Levels, now: Levels, echo: Levels) -> None:
        above = now - suppressed
        down = np.where(above < -_FAR_DB, np.float32(-_FAR_DOWN_DB), np.float32(-_DOWN_DB))
        step = np.where(above > 0, np.float32(_UP_DB), down) * (echo > _STRONG_DB)
        self._suppressed_db[slots] = np.clip(suppressed + step, _LEAST_DB, 0)
