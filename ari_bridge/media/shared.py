"""The memory that the bridge process and the media process share.

    PLANE     one record for all rows           written by the media process
    MEDIA     a record a row: counters          written by the media process
    STREAM    a record a row: what we send      written by the media process
    BRIDGE    a record a row: requests          written by the bridge process
    ANALYSIS  a record a row: how far it is     written by the analysis process
    pacing    a row: how late packets left      written by the media process
    rx        a row: ring of 128 frames (2.56 s) with flags and times      media ──▶ bridge
    tx        a row: ring of 2.7 to 4.1 s of samples                       bridge ──▶ media
    tx_heard  a row: `heard` at each of the last 128 ticks                 media ──▶ analysis
    voice     a row: of each frame in rx, the probability of voice         analysis ──▶ bridge
    near      a row: of each frame in rx, the share that is no echo        analysis ──▶ bridge

Every field has one writer, every position only grows, and a ring's position is written after what it
covers, so no lock is needed: aligned 8-byte stores appear whole, and in order on x86-64 and, behind the
interpreter's own barriers, elsewhere. A row's `frames` is the last thing its tick writes; seeing it move,
the bridge knows that everything else about the row has.

The memory outlives the media process: PLANE, MEDIA and STREAM hold all that a new one needs to go on with
the rows of one that died. Its memory of the callers' last packets is all that is lost.
"""

from __future__ import annotations

import math
import mmap
import os
import sys
import tempfile
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ari_bridge.core.audio import FRAME_MS, Pcm16, samples
from ari_bridge.media.pacing import PACING_BUCKETS

MAX_RATE_HZ = 48000
RX_FRAMES = 128
DIGITS_KEPT = 16
RX_KEEP = 100
"""Frames that may be read (2 s): the rest are a margin, so that none is overwritten while it is read."""
_TX_S = 2.6
TX_KEPT_MS = 200
"""What was heard last is not overwritten for so long: the analysis looks at it."""
NO_ONSET = -1
_MADV_POPULATE_WRITE = 23  # madvise(2)

PLANE = np.dtype([("strangers", "i8"), ("start_s", "f8"), ("tick", "i8")])
LINE_OCTETS = 64
"""Of the processor's cache."""


def _in_whole_lines(fields: list[tuple[Any, ...]]) -> np.dtype[np.void]:
    """A record that shares no cache line with the next one."""
    packed = np.dtype(fields)
    assert packed.names is not None
    assert packed.fields is not None
    return np.dtype(
        {
            "names": packed.names,
            "formats": [packed.fields[name][0] for name in packed.names],
            "offsets": [packed.fields[name][1] for name in packed.names],
            "itemsize": -(-packed.itemsize // LINE_OCTETS) * LINE_OCTETS,
        }
    )


MEDIA = _in_whole_lines(
    [
        # What moves at every tick, in one line of the processor's cache: these records lie far apart, and
        # the two processes pass each line to and fro.
        ("frames", "i8"),
        ("heard", "i8"),
        ("flush_done", "i8"),
        ("received", "i8"),
        ("sent", "i8"),
        ("sent_silence", "i8"),
        ("underruns", "i8"),
        ("concealed", "i8"),
        # What moves now and then.
        ("flush_heard", "i8"),
        ("onset", "i8"),
        ("onset_s", "f8"),
        ("lost", "i8"),
        ("skipped", "i8"),
        ("late", "i8"),
        ("waited_for", "i8"),
        ("restarts", "i8"),
        ("duplicate", "i8"),
        ("reordered", "i8"),
        ("malformed", "i8"),
        ("jitter_s", "f8"),
        ("delay_s", "f8"),
        ("target_s", "f8"),
        ("drift_ppm", "f8"),
        ("moved_blocks", "i8"),
        ("digit_count", "i8"),
        ("digits", "u1", DIGITS_KEPT),
    ]
)
STREAM = np.dtype(
    [
        ("codec", "i8"),
        ("phase", "i8"),
        ("peer", "i8"),
        ("ssrc", "u4"),
        ("timestamp", "u4"),
        ("sequence", "u2"),
    ],
    align=True,
)
BRIDGE = np.dtype(
    [("queued", "i8"), ("flush_wanted", "i8"), ("flush_to", "i8"), ("paused", "i8"), ("gain_db", "f8")]
)
ANALYSIS = np.dtype([("ssrc", "u4"), ("frames", "i8")], align=True)
"""`ssrc` is that of the row's STREAM: it tells for which of the legs that used the row the rest holds."""


def tx_capacity(rate_hz: int) -> int:
    """Samples in a tx ring at that rate: a power of two, 2.7 to 4.1 s."""
    return 1 << math.ceil(math.log2(_TX_S * rate_hz))


def _parts(rows: int) -> tuple[tuple[tuple[int, ...], DTypeLike], ...]:
    """Shape and type of each part, in the order of the picture above."""
    return (
        ((1,), PLANE),
        ((rows,), MEDIA),
        ((rows,), STREAM),
        ((rows,), BRIDGE),
        ((rows, PACING_BUCKETS), np.uint32),
        ((rows, RX_FRAMES), np.uint8),
        ((rows, RX_FRAMES), np.float64),
        ((rows, RX_FRAMES * samples(FRAME_MS, MAX_RATE_HZ)), np.int16),
        ((rows, tx_capacity(MAX_RATE_HZ)), np.int16),
        ((rows,), ANALYSIS),
        ((rows, RX_FRAMES), np.int64),
        ((rows, RX_FRAMES), np.float32),
        ((rows, RX_FRAMES), np.float32),
    )


def _pages(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Bytes of one part, whole pages."""
    return -(-math.prod(shape) * np.dtype(dtype).itemsize // mmap.PAGESIZE) * mmap.PAGESIZE


def size(rows: int) -> int:
    """Bytes that `rows` rows need. Only pages that calls really use cost memory."""
    return sum(_pages(shape, dtype) for shape, dtype in _parts(rows))


class SharedRows:
    """The arrays, laid over `size(rows)` bytes that are zero when the first process gets them."""

    def __init__(self, buffer: mmap.mmap | bytearray, rows: int) -> None:
        self.rows = rows
        self._buffer = buffer
        arrays: list[NDArray[Any]] = []
        offsets: list[int] = []
        offset = 0
        for shape, dtype in _parts(rows):
            arrays.append(np.ndarray(shape, dtype, buffer, offset))
            offsets.append(offset)
            offset += _pages(shape, dtype)
        self.plane, self.media, self.stream, self.bridge, self.pacing, *rings = arrays
        self.rx_flags, self.rx_captured_s, self._rx, self.tx, *analysis = rings
        self.analysis, self.tx_heard, self.voice, self.near = analysis
        self._rx_offset, self._tx_offset = offsets[-6], offsets[-5]

    def rx(self, rate_hz: int) -> Pcm16:
        """The rx rings of rows at that rate, shape (rows, RX_FRAMES, frame samples)."""
        frame = samples(FRAME_MS, rate_hz)
        return self._rx[:, : RX_FRAMES * frame].reshape(self.rows, RX_FRAMES, frame)

    def populate(self, slot: int, rate_hz: int) -> None:
        """Get the memory of a row's rings from the system now. Else it is got page by page while the rings
        are gone round for the first time, and rows that were opened together all need a page at once."""
        if isinstance(self._buffer, mmap.mmap):
            for ring, offset, used in (
                (self._rx, self._rx_offset, RX_FRAMES * samples(FRAME_MS, rate_hz)),
                (self.tx, self._tx_offset, tx_capacity(rate_hz)),
            ):
                populate(self._buffer, offset + slot * ring.strides[0], used * ring.itemsize)

    def open(self, slot: int) -> None:
        """Make the row new. Only while neither side uses it."""
        self.media[slot] = np.zeros((), MEDIA)
        self.stream[slot] = np.zeros((), STREAM)
        self.bridge[slot] = np.zeros((), BRIDGE)
        self.pacing[slot] = 0


def populate(memory: mmap.mmap, start: int, octets: int) -> None:
    """Have the system give these pages now, where it can (Linux 5.14 and later), and not when they are
    touched."""
    if sys.platform == "linux":
        begin = start - start % mmap.PAGESIZE
        with suppress(OSError):
            memory.madvise(_MADV_POPULATE_WRITE, begin, start + octets - begin)


def create_memory(byte_count: int) -> int:
    """A file descriptor of that much zeroed memory, which has no name and can be handed to a child.

    Raises OSError.
    """
    if hasattr(os, "memfd_create"):  # Linux
        fd = os.memfd_create("ari_bridge_media")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        os.ftruncate(fd, byte_count)
    except OSError:
        os.close(fd)
        raise
    return fd


def map_rows(fd: int, rows: int) -> SharedRows:
    """The rows in the memory behind `fd`. It is unmapped when the last array is gone. Raises OSError."""
    return SharedRows(mmap.mmap(fd, size(rows)), rows)
