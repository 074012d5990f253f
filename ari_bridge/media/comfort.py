"""Comfort noise: what is heard where there is nothing, so that a line does not go dead.

Its level is what the sender announced (RFC 3389), else the noise floor of the line as heard so far. The
floor falls to a softer frame at once and rises by 2 dB a second, so it rests on the gaps between words. The
noise is white: the spectrum that a comfort noise packet may describe is not followed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, Pcm16
from ari_bridge.media.codecs.base import Octets

LOUDEST_DBOV = -40.0
"""Background noise louder than this is not imitated, whoever says so."""
FIRST_FRAMES_DBOV = -60.0
"""A stream that begins with speech has no known floor yet."""
LISTEN_EVERY = 4
"""Frames: the floor is found well enough from every fourth."""
_RISE_DB_A_S = 2.0
_FULL_SCALE = 32768.0
_NOISE_SAMPLES = 1 << 14
_LONGEST_SAMPLES = 1 << 10


def amplitude(dbov: float) -> float:
    """RMS amplitude of a level relative to a full-scale square wave (RFC 3389, section 3)."""
    return float(_FULL_SCALE * 10 ** (dbov / 20))


_QUIET_RATIO = np.float32(10 ** (6.0 / 20))
_QUIET_AMPLITUDE = amplitude(-66.0)


class ComfortNoise:
    """The noise of up to `rows` calls. Slots are row numbers, arrays of shape (n,)."""

    def __init__(self, rows: int, rng: np.random.Generator) -> None:
        self._floor = np.zeros(rows, dtype=np.float32)  # RMS amplitude
        self._known = np.zeros(rows, dtype=np.bool_)
        self._announced = np.full(rows, np.nan, dtype=np.float32)
        self._noise = rng.standard_normal(_NOISE_SAMPLES + _LONGEST_SAMPLES).astype(np.float32)
        self._at = (
            np.arange(rows) * 997 % _NOISE_SAMPLES
        )  # of each row in it, so that no row hears another's steps
        self._rise = np.float32(10 ** (_RISE_DB_A_S * LISTEN_EVERY * FRAME_MS / 1000 / 20))

    def open(self, slot: int) -> None:
        """Make the row new: nothing is known of its noise."""
        self._floor[slot] = 0.0
        self._known[slot] = False
        self._announced[slot] = np.nan

    def announce(self, slot: int, payload: Octets) -> None:
        """A comfort noise packet: its first octet is the level in -dBov. An empty one tells none."""
        if not len(payload):
            return
        level_dbov = -float(payload[0] & 0x7F)
        self._announced[slot] = amplitude(min(level_dbov, LOUDEST_DBOV))

    def listen(self, slots: NDArray[np.int64], pcm: Pcm16) -> None:
        """Learn the floor from one frame a row, shape (n, samples), as it came."""
        rms = _rms(pcm)
        floor = np.where(self._known[slots], self._floor[slots] * self._rise, amplitude(FIRST_FRAMES_DBOV))
        self._floor[slots] = np.minimum(np.minimum(floor, rms), amplitude(LOUDEST_DBOV))
        self._known[slots] = True
        self._announced[slots] = np.nan

    def quiet(self, slots: NDArray[np.int64], pcm: Pcm16) -> NDArray[np.bool_]:
        """Whether nobody speaks in a frame of each, shape (n, samples): it lies near the floor."""
        limit = np.maximum(self._floor[slots] * _QUIET_RATIO, _QUIET_AMPLITUDE)
        below: NDArray[np.bool_] = _rms(pcm) <= limit
        return below

    def make(self, slots: NDArray[np.int64], samples: int) -> NDArray[np.float32]:
        """Noise for each row, shape (n, samples), at its level; a frame at most."""
        announced = self._announced[slots]
        level = np.where(np.isnan(announced), self._floor[slots], announced)
        start = self._at[slots]
        self._at[slots] = (start + 4099) % _NOISE_SAMPLES
        noise: NDArray[np.float32] = self._noise[start[:, None] + np.arange(samples)] * level[:, None]
        return noise


def _rms(pcm: Pcm16) -> NDArray[np.float32]:
    wave = pcm.astype(np.float32)
    rms: NDArray[np.float32] = np.sqrt(np.einsum("...i,...i->...", wave, wave) / wave.shape[-1])
    return rms
