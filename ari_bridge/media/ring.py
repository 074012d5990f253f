"""Rings of encoded audio, one a row, in blocks of 2.5 ms.

    row 3:   ...│played│ head ▶ │ full │ full │empty│ pause │ ...   eight blocks leave every 20 ms

Where a packet's samples go is told as an offset in RTP clocks from the play head. The head goes from frame to
frame as they are taken, so a frame that leaves is one row of a table. To play something earlier or later, the
contents of a row are moved instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_bridge.media.codecs.base import Codec, Octets
from ari_bridge.media.items import as_items, sliding_items

BLOCKS_A_SECOND = 400
BLOCK_S = 1 / BLOCKS_A_SECOND
BLOCKS_A_FRAME = 8
BLOCKS = 512
"""In a ring: 1.28 s, for 0.8 s of offset, the longest packet, and as much again for what is made to wait."""
_FRAMES = BLOCKS // BLOCKS_A_FRAME

_PAUSE = np.uint8(0xFF)


class BlockRing:
    """Rings of up to `rows` calls. Slots are row numbers, arrays of shape (n,), each slot at most once."""

    def __init__(self, codec: Codec, rows: int) -> None:
        self._unit = codec.octets_per_clock
        self.block_clocks = codec.clock_hz // BLOCKS_A_SECOND
        self._block_octets = self.block_clocks * self._unit
        self._nowhere = rows * BLOCKS
        """A ring after all others, which nobody reads."""
        self._octets = np.zeros((rows + 1, BLOCKS * self._block_octets), dtype=np.uint8)
        self._filled = np.zeros((rows + 1, BLOCKS), dtype=np.uint8)  # clocks in each block, or _PAUSE
        self._frames = self._octets.reshape((rows + 1) * _FRAMES, -1)
        self._frames_filled = self._filled.view(np.uint64).reshape(-1)  # the blocks of a frame as one number
        self._full = np.full(BLOCKS_A_FRAME, self.block_clocks, dtype=np.uint8).view(np.uint64)[0]
        self._all = np.ones((rows, BLOCKS_A_FRAME), dtype=np.bool_)
        self._none = np.zeros((rows, BLOCKS_A_FRAME), dtype=np.bool_)
        self._windows: dict[int, tuple[NDArray[np.void], NDArray[np.void], np.void]] = {}
        self._head = np.zeros(rows, dtype=np.int64)  # in blocks; always a frame's first

    def clear(self, slots: NDArray[np.int64]) -> None:
        self._filled[slots] = 0

    def mark_pause(self, slot: int, first: int, last: int) -> None:
        """The empty blocks from `first` to before `last`, counted from the head, were never sent."""
        index = (self._head[slot] + np.arange(max(0, first), min(BLOCKS, last))) % BLOCKS
        filled = self._filled[slot]
        filled[index[filled[index] < self.block_clocks]] = _PAUSE

    def write(self, slots: NDArray[np.int64], offset: NDArray[np.int64], payload: Octets) -> None:
        """Put payloads of one length, shape (n, octets), at offsets in clocks: whole blocks of all rows at
        once, and packets that do not fit the grid, or reach back behind the head, one by one."""
        clocks = payload.shape[1] // self._unit
        fits = clocks % self.block_clocks == 0
        if not fits or np.count_nonzero(offset % self.block_clocks) or offset.min(initial=0) < 0:
            odd = (offset % self.block_clocks != 0) | (offset < 0) | (not fits)
            for i in np.flatnonzero(odd).tolist():
                self._write_odd(int(slots[i]), int(offset[i]), payload[i])
            slots, offset, payload = slots[~odd], offset[~odd], payload[~odd]
        if len(slots):
            self._write_blocks(slots, self._head[slots] + offset // self.block_clocks, payload)

    def _write_blocks(self, rows: NDArray[np.int64], first: NDArray[np.int64], octets: Octets) -> None:
        """Whole blocks, from `first` of each row on."""
        count = octets.shape[1] // self._block_octets
        first = first % BLOCKS
        index = rows * BLOCKS + first
        around = first > BLOCKS - count
        if np.count_nonzero(around):  # of many rows, a few are always at their ring's end
            self._write_around(rows[around], first[around], octets[around])
            index[around] = self._nowhere
        of_octets, of_filled, full = self._windows_of(count)
        of_octets[index] = as_items(octets)
        of_filled[index] = full

    def _write_around(self, rows: NDArray[np.int64], first: NDArray[np.int64], octets: Octets) -> None:
        """The same where it goes on at the ring's beginning."""
        count = octets.shape[1] // self._block_octets
        index = rows[:, None] * BLOCKS + (first[:, None] + np.arange(count)) % BLOCKS
        self._octets.reshape(-1, self._block_octets)[index] = octets.reshape(*index.shape, -1)
        self._filled.reshape(-1)[index] = self.block_clocks

    def _windows_of(self, count: int) -> tuple[NDArray[np.void], NDArray[np.void], np.void]:
        """Views of `count` blocks that begin at each block, and what tells that they are full. Packets are
        nearly all of one length."""
        if count not in self._windows:
            self._windows[count] = (
                sliding_items(self._octets.reshape(-1), count * self._block_octets, self._block_octets),
                sliding_items(self._filled.reshape(-1), count),
                as_items(np.full((1, count), self.block_clocks, dtype=np.uint8))[0],
            )
        return self._windows[count]

    def _write_odd(self, slot: int, offset: int, payload: Octets) -> None:
        """One packet of any length, to any clock; its part before the head is cut off. A block counts as
        there once packets have filled all of it."""
        if offset < 0:
            payload = payload[-offset * self._unit :]
            offset = 0
        start = int(self._head[slot]) * self._block_octets + offset * self._unit
        self._octets[slot, (start + np.arange(len(payload))) % self._octets.shape[1]] = payload
        end = offset + len(payload) // self._unit
        for block in range(offset // self.block_clocks, -(-end // self.block_clocks)):
            low, high = block * self.block_clocks, (block + 1) * self.block_clocks
            index = slot, (int(self._head[slot]) + block) % BLOCKS
            there = 0 if self._filled[index] == _PAUSE else int(self._filled[index])
            self._filled[index] = min(self.block_clocks, there + min(high, end) - max(low, offset))

    def take(self, slots: NDArray[np.int64]) -> tuple[Octets, NDArray[np.bool_], NDArray[np.bool_]]:
        """The next frame of each row, and move on. Returns payload of shape (n, frame octets), and for its
        blocks, shape (n, BLOCKS_A_FRAME), whether each is there and, if not, whether the sender paused; these
        are only to be read."""
        head = self._head[slots]
        index = slots * _FRAMES + head // BLOCKS_A_FRAME % _FRAMES
        payload = self._frames.take(index, axis=0)
        words = self._frames_filled.take(index)
        self._frames_filled[index] = 0
        self._head[slots] = head + BLOCKS_A_FRAME
        if not np.count_nonzero(words != self._full):  # nearly always
            return payload, self._all[: len(slots)], self._none[: len(slots)]
        filled = words.view(np.uint8).reshape(-1, BLOCKS_A_FRAME)
        return payload, filled == self.block_clocks, filled == _PAUSE

    def skip(self, slots: NDArray[np.int64], frames: int) -> None:
        """Move on without looking."""
        blocks = frames * BLOCKS_A_FRAME
        passed = self._head[slots, None] + np.arange(min(blocks, BLOCKS))
        self._filled[slots[:, None], passed % BLOCKS] = 0
        self._head[slots] += blocks

    def drop(self, slot: int, blocks: int) -> tuple[Octets, NDArray[np.bool_]]:
        """Cut out the next blocks of a row: all that follows is played earlier. Returns payload of shape
        (octets,), and whether each block is there."""
        index = (self._head[slot] + np.arange(blocks)) % BLOCKS
        payload = self._octets[slot].reshape(BLOCKS, -1)[index].reshape(-1)
        there = self._filled[slot, index] == self.block_clocks
        self._filled[slot, index] = 0
        self._roll(slot, -blocks)
        return payload, there

    def insert(self, slot: int, blocks: int, *, pause: bool) -> None:
        """Put empty blocks before all that is to come; with `pause`, as if the sender had paused."""
        self._roll(slot, blocks)
        index = (self._head[slot] + np.arange(blocks)) % BLOCKS
        self._filled[slot, index] = _PAUSE if pause else 0

    def _roll(self, slot: int, blocks: int) -> None:
        self._octets[slot] = np.roll(self._octets[slot], blocks * self._block_octets)
        self._filled[slot] = np.roll(self._filled[slot], blocks)
