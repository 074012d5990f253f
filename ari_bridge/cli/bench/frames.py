"""The audio of a measured frame: a µ-law payload that says at every place whose it is, which, and where.

Octets go in groups of six; each holds its place in the group (1 to 6) and a hexadecimal digit:

    1f 2f 3e 4d 51 67   1f 2f 3e 4d 51 68   …      24 bits: frame 13, call 6, group of the frame 5

A jitter buffer may cut frames anywhere: any whole group tells what its audio is and how far it has moved.
No octet is 0x7f, the one code that does not survive µ-law (both zeros decode to the same sample).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_OCTETS = 160
FRAME_S = 0.02
SAMPLE_S = FRAME_S / FRAME_OCTETS
_GROUP = 6
_CALL_BITS, _GROUP_BITS = 6, 5
MAX_FRAMES = 1 << 24 - _CALL_BITS - _GROUP_BITS
"""Frames of a call that can be told from each other: 163 s."""
CALL_MASK = (1 << _CALL_BITS) - 1
UNKNOWN = -1
WINDOW_OCTETS = 2 * _GROUP - 1
"""Of which any hold a whole group, but where two frames meet."""

_PLACE = np.arange(_GROUP)
_SHIFTS = 4 * (_GROUP - 1 - _PLACE)
_OCTET = np.arange(FRAME_OCTETS)


@dataclass(frozen=True, slots=True)
class Marks:
    """What n payloads say. UNKNOWN where one holds no audio of ours."""

    frame: NDArray[np.int64]
    call: NDArray[np.int64]
    """Its low bits (CALL_MASK)."""
    shift: NDArray[np.int64]
    """At which octet of the payload the frame begins; below zero when it began in the payload before."""


def write(calls: NDArray[np.int64], frames: NDArray[np.int64], payload: NDArray[np.uint8]) -> None:
    """Fill payload, shape (n, FRAME_OCTETS), with the audio of those frames of those calls."""
    stream = (frames << _CALL_BITS | calls & CALL_MASK) << _GROUP_BITS
    word = stream[:, None] | _OCTET // _GROUP
    payload[:] = (_OCTET % _GROUP + 1) << 4 | word >> _SHIFTS[_OCTET % _GROUP] & 0x0F


def read(payload: NDArray[np.uint8]) -> Marks:
    """Of payloads of shape (n, octets): the last frame that each holds."""
    size = payload.shape[1]
    marks = _window(payload, size - WINDOW_OCTETS)
    for start in (
        size - WINDOW_OCTETS - _GROUP,
        0,
    ):  # where two frames meet in the end; where the end is made up
        if start < 0 or not np.any(marks.frame == UNKNOWN):
            break
        other, had = _window(payload, start), marks.frame != UNKNOWN
        marks = Marks(
            np.where(had, marks.frame, other.frame),
            np.where(had, marks.call, other.call),
            np.where(had, marks.shift, other.shift),
        )
    return marks


def _window(payload: NDArray[np.uint8], start: int) -> Marks:
    """What the first whole group says that begins in the six octets from `start` on."""
    window = payload[:, start : start + WINDOW_OCTETS]
    begin = (1 - (window[:, 0] >> 4).astype(np.int64)) % _GROUP
    group = np.take_along_axis(window, begin[:, None] + _PLACE, axis=1).astype(np.int64)
    whole = (group >> 4 == _PLACE + 1).all(axis=1)
    word = ((group & 0x0F) << _SHIFTS).sum(axis=1)
    stream = word >> _GROUP_BITS
    octet = (word & (1 << _GROUP_BITS) - 1) * _GROUP
    return Marks(
        np.where(whole, stream >> _CALL_BITS, UNKNOWN),
        np.where(whole, stream & CALL_MASK, UNKNOWN),
        np.where(whole, start + begin - octet, 0),
    )
