"""The jitter buffer of all calls of one codec: rings of 2.5 ms blocks, filled by RTP timestamp.

    RTP timestamp ──▶ offset from the play head ──▶ ring position
                                                      │
    row 3:   ...│played│ head ▶ │ full │ full │empty│ full │ ...   eight blocks leave every 20 ms

*Where* a packet's samples go is told by its timestamp alone; packets may hold any number of samples.
The sequence number tells only *why* a block is empty: a gap in both is loss, a gap in the timestamps
alone is silence that the sender chose not to send (DTX; RFC 3550 section 5.1, RFC 3551 section 4.1).

The first packet of a stream sets the play head so that it plays `delay` after it arrived, as the kernel
saw it, rounded up to the ring's 2.5 ms: frames that leave need not begin where packets do, so rows need not
tick when their packets come. A stream is new when its SSRC is, when its timestamp lies more than
1 s off the head, and when LATE_RUN packets in a row came too late (the path has become slower for good).

Payloads stay encoded here; all rows are worked on at once, and the methods take each row at most once a call.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ari_bridge.media.codecs.base import Codec, Octets
from ari_bridge.media.sequence import SequenceWindow

BLOCKS_A_SECOND = 400
"""2.5 ms each."""
BLOCKS = 512
"""In a ring: 1.28 s, for 1 s of offset and the longest packet."""
BLOCKS_A_FRAME = 8
FRAMES = BLOCKS // BLOCKS_A_FRAME
LATE_RUN = 5

_DTX = np.uint16(0xFFFF)


class Arrival(IntEnum):
    """What became of a packet."""

    PLACED = 0
    REORDERED = 1
    """Placed, though a later one came before it."""
    DUPLICATE = 2
    LATE = 3


class JitterBuffer:
    """State of up to `rows` calls. Slots are row numbers, arrays of shape (n,), each slot at most once."""

    def __init__(self, codec: Codec, rows: int, delay_s: float) -> None:
        self._codec = codec
        self._delay_s = delay_s
        self._block_clocks = codec.clock_hz // BLOCKS_A_SECOND
        self._block_octets = self._block_clocks * codec.octets_per_clock
        self._octets = np.zeros((rows, BLOCKS * self._block_octets), dtype=np.uint8)
        self._filled = np.zeros(rows * BLOCKS, dtype=np.uint16)  # clocks in each block, or _DTX
        # What leaves lies on the frames of the ring: one row of these.
        self._frames = self._octets.reshape(rows * FRAMES, -1)
        self._frames_filled = self._filled.reshape(rows * FRAMES, BLOCKS_A_FRAME)
        self._head_block = np.zeros(rows, dtype=np.int64)
        self._head_clock = np.zeros(rows, dtype=np.uint32)
        self._next_clock = np.zeros(rows, dtype=np.uint32)  # after the newest packet
        self._ssrc = np.zeros(rows, dtype=np.uint32)
        self._started = np.zeros(rows, dtype=np.bool_)
        self._quiet = np.zeros(rows, dtype=np.bool_)  # the sender said so, or has not begun
        self._late_run = np.zeros(rows, dtype=np.uint8)
        self._sequence = SequenceWindow(rows)

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._started[slot] = False
        self._quiet[slot] = True
        self._late_run[slot] = 0
        self._filled[slot * BLOCKS : (slot + 1) * BLOCKS] = 0

    # ---------------------------------------------------------------- in

    def place(
        self,
        slots: NDArray[np.int64],
        *,
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        ssrc: NDArray[np.uint32],
        payload: Octets,
        arrivals_s: NDArray[np.float64],
        next_play_s: NDArray[np.float64],
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Take in packets of one length, payload of shape (n, octets).

        `next_play_s` is when each row's next frame is due. Returns an Arrival for each packet, and by how
        much the number of packets missing from the row's stream has changed.
        """
        clocks = payload.shape[1] // self._codec.octets_per_clock
        offset = self._offset(slots, timestamp)
        restart = (
            ~self._started[slots] | (ssrc != self._ssrc[slots]) | (np.abs(offset) > self._codec.clock_hz)
        )
        if restart.any():
            self._start(slots, restart, timestamp, ssrc, sequence, arrivals_s, next_play_s)
            offset = self._offset(slots, timestamp)
        lateness_s = arrivals_s - next_play_s - offset / self._codec.clock_hz
        slower = self._run_of_late_ones(slots, (offset + clocks <= 0) & (lateness_s > 0))
        if slower.any():
            self._start(slots, slower, timestamp, ssrc, sequence, arrivals_s, next_play_s)
            offset = self._offset(slots, timestamp)

        step, repeated, missing = self._sequence.advance(slots, sequence)
        late = ~repeated & (offset + clocks <= 0)
        newest = step > 0
        paused = np.flatnonzero((step == 1) & (timestamp != self._next_clock[slots]) & ~late)
        for i in paused.tolist():
            self._mark_pause(int(slots[i]), int(offset[i]), int(timestamp[i]))
        self._next_clock[slots[newest]] = timestamp[newest] + np.uint32(clocks)
        self._quiet[slots[newest]] = False

        self._write(slots, offset, payload, clocks, ~repeated & ~late)
        outcome = np.where(newest, Arrival.PLACED, Arrival.REORDERED).astype(np.uint8)
        outcome[late] = Arrival.LATE
        outcome[repeated] = Arrival.DUPLICATE
        return outcome, missing

    def quieten(self, slots: NDArray[np.int64]) -> None:
        """The senders announced silence (comfort noise, RFC 3389): what is missing now is not lost."""
        self._quiet[slots] = True

    def _offset(self, slots: NDArray[np.int64], timestamp: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Clocks from the play head to the packet; negative is past. Wraps with the 32-bit timestamp."""
        return (timestamp - self._head_clock[slots]).view(np.int32).astype(np.int64)

    def _run_of_late_ones(
        self, slots: NDArray[np.int64], late_on_arrival: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        run = np.where(late_on_arrival, self._late_run[slots] + 1, 0).astype(np.uint8)
        slower = run >= LATE_RUN
        self._late_run[slots] = np.where(slower, 0, run)
        return slower

    def _start(
        self,
        slots: NDArray[np.int64],
        which: NDArray[np.bool_],
        timestamp: NDArray[np.uint32],
        ssrc: NDArray[np.uint32],
        sequence: NDArray[np.uint16],
        arrivals_s: NDArray[np.float64],
        next_play_s: NDArray[np.float64],
    ) -> None:
        """Begin a stream: empty the ring and set the play head before the packet."""
        rows = slots[which]
        lead_s = arrivals_s[which] + self._delay_s - next_play_s[which]
        ahead = np.clip(np.ceil(lead_s * BLOCKS_A_SECOND - 1e-6), 0, BLOCKS // 2).astype(np.int64)
        self._head_clock[rows] = timestamp[which] - (ahead * self._block_clocks).astype(np.uint32)
        self._next_clock[rows] = timestamp[which]
        self._ssrc[rows] = ssrc[which]
        self._started[rows] = True
        self._sequence.start(rows, sequence[which])
        blocks = np.arange(BLOCKS)
        self._filled.reshape(-1, BLOCKS)[rows[:, None], (self._head_block[rows, None] + blocks) % BLOCKS] = (
            np.where(blocks < ahead[:, None], _DTX, 0)
        )

    def _mark_pause(self, slot: int, offset: int, timestamp: int) -> None:
        """Nothing was lost before this packet, yet it does not join the one before: what is empty between
        them was never sent."""
        pause = (timestamp - int(self._next_clock[slot]) + 2**31) % 2**32 - 2**31
        first = max(0, (offset - pause) // self._block_clocks)
        last = min(BLOCKS, offset // self._block_clocks)
        index = slot * BLOCKS + (int(self._head_block[slot]) + np.arange(first, last)) % BLOCKS
        self._filled[index[self._filled[index] < self._block_clocks]] = _DTX

    def _write(
        self,
        slots: NDArray[np.int64],
        offset: NDArray[np.int64],
        payload: Octets,
        clocks: int,
        wanted: NDArray[np.bool_],
    ) -> None:
        """Whole blocks of all rows at once; packets that do not fit the grid one by one."""
        if clocks % self._block_clocks:
            whole = np.zeros_like(wanted)
        else:
            whole = wanted & (offset >= 0) & (offset % self._block_clocks == 0)
        every = bool(whole.all())
        rows, ahead, octets = (
            (slots, offset, payload) if every else (slots[whole], offset[whole], payload[whole])
        )
        if len(rows):
            self._write_blocks(rows, self._head_block[rows] + ahead // self._block_clocks, octets)
        if not every:
            for i in np.flatnonzero(wanted & ~whole).tolist():
                self._write_odd(int(slots[i]), int(offset[i]), payload[i])

    def _write_blocks(self, rows: NDArray[np.int64], first: NDArray[np.int64], octets: Octets) -> None:
        """Whole blocks, from `first` of each row on."""
        count = octets.shape[1] // self._block_octets
        first = first % BLOCKS
        if (first <= BLOCKS - count).all():
            index = rows * BLOCKS + first
            _windows(self._octets.reshape(-1), octets.shape[1], self._block_octets)[index] = octets
            _windows(self._filled, count, 1)[index] = self._block_clocks
            return
        around = rows[:, None] * BLOCKS + (first[:, None] + np.arange(count)) % BLOCKS  # a ring's end
        self._octets.reshape(-1, self._block_octets)[around] = octets.reshape(*around.shape, -1)
        self._filled[around] = self._block_clocks

    def _write_odd(self, slot: int, offset: int, payload: Octets) -> None:
        """One packet of any length, to any clock; its part before the head is cut off. A block counts as
        there once packets have filled all of it."""
        unit = self._codec.octets_per_clock
        if offset < 0:
            payload = payload[-offset * unit :]
            offset = 0
        start = int(self._head_block[slot]) * self._block_octets + offset * unit
        self._octets[slot, (start + np.arange(len(payload))) % self._octets.shape[1]] = payload
        end = offset + len(payload) // unit
        for block in range(offset // self._block_clocks, -(-end // self._block_clocks)):
            low, high = block * self._block_clocks, (block + 1) * self._block_clocks
            index = slot * BLOCKS + (int(self._head_block[slot]) + block) % BLOCKS
            there = 0 if self._filled[index] == _DTX else int(self._filled[index])
            self._filled[index] = min(self._block_clocks, there + min(high, end) - max(low, offset))

    # ---------------------------------------------------------------- out

    def take(self, slots: NDArray[np.int64]) -> tuple[Octets, NDArray[np.bool_], NDArray[np.bool_]]:
        """The next 20 ms of each row, and move on.

        Returns payload of shape (n, frame octets), and for its blocks, shape (n, 8), whether they are
        there and, if not, whether the sender is silent on purpose.
        """
        head = self._head_block[slots]
        index = slots * FRAMES + head // BLOCKS_A_FRAME % FRAMES
        payload = self._frames[index]
        filled = self._frames_filled[index]
        self._frames_filled[index] = 0
        self._head_block[slots] = head + BLOCKS_A_FRAME
        self._head_clock[slots] += np.uint32(BLOCKS_A_FRAME * self._block_clocks)
        there = filled == self._block_clocks
        silent = (filled == _DTX) | (~there & self._quiet[slots, None])
        return payload, there, silent

    def skip(self, slots: NDArray[np.int64], frames: int) -> None:
        """Move on by `frames` of 20 ms without playing them: we ourselves were held up."""
        blocks = frames * BLOCKS_A_FRAME
        passed = (self._head_block[slots, None] + np.arange(min(blocks, BLOCKS))) % BLOCKS
        self._filled[slots[:, None] * BLOCKS + passed] = 0
        self._head_block[slots] += blocks
        self._head_clock[slots] += np.uint32(blocks * self._block_clocks % 2**32)


def _windows(array: NDArray[np.generic], size: int, step: int) -> NDArray[np.generic]:
    """Writeable views of `size` items of a flat array that begin at each `step`-th."""
    stride = array.itemsize
    return as_strided(array, ((len(array) - size) // step + 1, size), (step * stride, stride))
