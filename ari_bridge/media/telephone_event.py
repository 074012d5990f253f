"""Digits in the media stream (RFC 4733): each event once, however often it is sent.

An event is a run of packets with one timestamp, its start, and a growing duration; the last is sent three
times. So a new timestamp is a new event, and all else of the run is repetition. Asterisk keeps a caller's
digits out of our leg and tells them by ARI: these are for a leg on which they come all the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PAYLOAD_OCTETS = 4
DIGITS = "0123456789*#ABCD"
"""Events 0 to 15 (section 3.2); the others are tones and line states."""

_NONE = -1


class TelephoneEvents:
    """State of up to `rows` streams."""

    def __init__(self, rows: int) -> None:
        self._start = np.full(rows, _NONE, dtype=np.int64)  # timestamp of the newest event
        self._ssrc = np.full(rows, _NONE, dtype=np.int64)

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._start[slot] = self._ssrc[slot] = _NONE

    def receive(self, slot: int, ssrc: int, timestamp: int, payload: NDArray[np.uint8]) -> str:
        """One packet, `payload` of at least PAYLOAD_OCTETS. Returns the digit that begins with it, or ""."""
        if ssrc == self._ssrc[slot] and (timestamp - int(self._start[slot]) - 1) % 2**32 >= 2**31:
            return ""  # this event again, or one before it, overtaken
        self._ssrc[slot], self._start[slot] = ssrc, timestamp
        event = int(payload[0])
        return DIGITS[event] if event < len(DIGITS) else ""
