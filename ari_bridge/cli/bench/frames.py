"""The audio of a measured frame: a µ-law payload that says whose it is and which one.

Each octet holds its own place in a group of six (1 to 6) and one hexadecimal digit:

    16 2a 30 4f 51 67   16 2a 30 …      digits 6 a 0 f: the frame; 1 7: the call's low bits

so a frame is known by any whole group of it, wherever a jitter buffer may have cut. No octet is 0x7f, the
one code that does not survive µ-law decoding and encoding (both zeros are the same sample).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_OCTETS = 160
FRAME_S = 0.02
_GROUP = 6
_FRAME_DIGITS = 4
MAX_FRAMES = 16**_FRAME_DIGITS
"""Frames of a call that can be told from each other: 21 minutes."""
UNKNOWN = -1

_PLACE = np.arange(_GROUP)
_SHIFTS = np.array([4 * (_FRAME_DIGITS - 1 - i) for i in range(_FRAME_DIGITS)] + [4, 0])
_TILE = np.arange(FRAME_OCTETS) % _GROUP


def write(calls: NDArray[np.int64], frames: NDArray[np.int64], payload: NDArray[np.uint8]) -> None:
    """Fill payload, shape (n, FRAME_OCTETS), with the audio of those frames of those calls."""
    number = np.where(_PLACE < _FRAME_DIGITS, frames[:, None], calls[:, None])
    group = (_PLACE + 1) << 4 | (number >> _SHIFTS) & 0x0F
    payload[:] = group.astype(np.uint8)[:, _TILE]


def read(payload: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The frame number and the call's low 8 bits of each payload, shape (n, octets); UNKNOWN where it is
    not one of ours."""
    frame, call = _group(payload[:, -_GROUP:])
    if np.any(frame == UNKNOWN):  # a cut may lie in its end
        other_frame, other_call = _group(payload[:, :_GROUP])
        call = np.where(frame == UNKNOWN, other_call, call)
        frame = np.where(frame == UNKNOWN, other_frame, frame)
    return frame, call


def _group(octets: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What six octets say that begin anywhere in a group."""
    place = (octets >> 4).astype(np.int64) - 1
    whole = (place[:, 0] >= 0) & (place[:, 0] < _GROUP)
    whole &= (place == (place[:, :1] + _PLACE) % _GROUP).all(axis=1)
    digits = np.take_along_axis(octets & 0x0F, np.argsort(place, axis=1), axis=1).astype(np.int64)
    frame = (digits[:, :_FRAME_DIGITS] << _SHIFTS[:_FRAME_DIGITS]).sum(axis=1)
    call = digits[:, _FRAME_DIGITS] << 4 | digits[:, _FRAME_DIGITS + 1]
    return np.where(whole, frame, UNKNOWN), np.where(whole, call, UNKNOWN)
