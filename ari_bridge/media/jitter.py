"""The jitter buffer of all calls of one codec: streams, placed in rings by RTP timestamp.

    packet ──▶ stream new? ──▶ offset from the play head ──▶ ring ──▶ 20 ms at a time
                               lateness ──▶ delay manager ──▶ how far the head ought to be moved

*Where* a packet's samples go is told by its timestamp alone; packets may hold any number of samples.
The sequence number tells only *why* a block is empty (RFC 3550 section 5.1, RFC 3551 section 4.1):

    sequence gap   timestamp gap               what was between
    none           some                        a pause: the sender chose to send nothing (DTX)
    n packets      room for n packets          n packets, lost
    n packets      room for fewer than n       packets that held no audio: a pause. So it looks when Asterisk
                                               takes a caller's telephone-events out of the stream: they used
                                               up sequence numbers, several for one stretch of time

The first packet of a stream sets the play head so that it plays the starting delay after it arrived, as the
kernel saw it: frames that leave need not begin where packets do, so rows need not tick when their packets
come. A stream is new when its SSRC is, when its timestamp lies more than TOO_EARLY_S before or 1 s behind the
head, and when LATE_RUN packets in a row came too late (the path has become slower for good).

A packet that comes after its time is not given up while nothing later has come: the head goes back to it, so
that it is played whole and the delay has grown by just what was missing, as far as the operator allows.

Payloads stay encoded here; all rows are worked on at once, and the methods take each row at most once a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS
from ari_bridge.media.codecs.base import Codec, Octets
from ari_bridge.media.delay import DelayManager, DelayRange
from ari_bridge.media.ring import BLOCK_S, BLOCKS, BLOCKS_A_SECOND, BlockRing
from ari_bridge.media.sequence import SequenceWindow

LATE_RUN = 5
TOO_EARLY_S = 0.8
TOO_LATE_S = 1.0
_NO_STREAM = -1


class Arrival(IntEnum):
    """What became of a packet."""

    PLACED = 0
    REORDERED = 1
    """Placed, though a later one came before it."""
    DUPLICATE = 2
    LATE = 3
    """After its time, and given up."""
    WAITED_FOR = 4
    """After its time, but nothing later had come: the play head went back to it."""
    RESTARTED = 5
    """Placed, as the first of what is now a new stream; not counted for the very first."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of n packets."""

    outcome: NDArray[np.uint8]
    """An Arrival each."""
    lost: NDArray[np.int64]
    """By how much the number of packets missing from the row's stream has changed."""
    skipped: NDArray[np.int64]
    """Sequence numbers that were used for something else than audio."""


class JitterBuffer:
    """State of up to `rows` calls. Slots are row numbers, arrays of shape (n,), each slot at most once."""

    def __init__(
        self, codec: Codec, rows: int, allowed: DelayRange, moved_blocks: NDArray[np.int64] | None = None
    ) -> None:
        """`moved_blocks`, shape (rows,), is told of each row how far its play head was moved forward in all
        to change the delay, in ring blocks: so much earlier the caller's audio, our echo in it, is heard."""
        self._moved_blocks = np.zeros(rows, dtype=np.int64) if moved_blocks is None else moved_blocks
        self._codec = codec
        self._allowed = allowed
        self.delay = DelayManager(rows, allowed)
        self._ring = BlockRing(codec, rows)
        self._sequence = SequenceWindow(rows)
        self._too_early = int(TOO_EARLY_S * codec.clock_hz)
        self._too_late = int(TOO_LATE_S * codec.clock_hz)
        self._head_clock = np.zeros(rows, dtype=np.uint32)
        self._next_clock = np.zeros(rows, dtype=np.uint32)  # after the newest packet
        self._ssrc = np.full(rows, _NO_STREAM, dtype=np.int64)
        self._quiet = np.zeros(rows, dtype=np.bool_)  # the sender said so, or has not begun
        self._late_run = np.zeros(rows, dtype=np.uint8)

    def open(self, slot: int) -> None:
        """Make the row new."""
        row = np.array([slot])
        self._ssrc[slot] = _NO_STREAM
        self._quiet[slot] = True
        self._late_run[slot] = 0
        self._ring.clear(row)
        self.delay.start(row)

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
    ) -> Placed | None:
        """Take in packets of one length, payload of shape (n, octets). `next_play_s`, shape (rows,), is when
        the next frame of every row is due. Returns None when each packet was simply the next, in time."""
        ahead = timestamp - self._head_clock[slots]
        plain = ahead <= self._too_early
        plain &= ssrc == self._ssrc[slots]
        plain &= timestamp == self._next_clock[slots]
        plain &= self._sequence.is_next(slots, sequence)
        count = np.count_nonzero(plain)
        if count == len(slots):
            self._append(slots, sequence, timestamp, ahead, payload, arrivals_s - next_play_s[slots])
            return None
        outcome = np.zeros(len(slots), dtype=np.uint8)
        lost, skipped = np.zeros((2, len(slots)), dtype=np.int64)
        if count:
            some = np.flatnonzero(plain)
            rows = slots[some]
            early_s = arrivals_s[some] - next_play_s[rows]
            self._append(rows, sequence[some], timestamp[some], ahead[some], payload[some], early_s)
        rest = np.flatnonzero(~plain)
        rows = slots[rest]
        outcome[rest], lost[rest], skipped[rest] = self._place(
            rows,
            sequence=sequence[rest],
            timestamp=timestamp[rest],
            ssrc=ssrc[rest],
            payload=payload[rest],
            arrivals_s=arrivals_s[rest],
            next_play_s=next_play_s[rows],
        )
        return Placed(outcome, lost, skipped)

    def _append(
        self,
        slots: NDArray[np.int64],
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        ahead: NDArray[np.uint32],
        payload: Octets,
        after_s: NDArray[np.float64],
    ) -> None:
        """Packets that are simply the next, `ahead` of the play head, that came `after_s` after the time at
        which it moves on. Nearly all are."""
        self.delay.observe(slots, after_s - ahead / self._codec.clock_hz)
        self._sequence.append(slots, sequence)
        self._next_clock[slots] = timestamp + np.uint32(payload.shape[1] // self._codec.octets_per_clock)
        self._quiet[slots] = False
        self._late_run[slots] = 0
        self._ring.write(slots, ahead.astype(np.int64), payload)

    def _place(
        self,
        slots: NDArray[np.int64],
        *,
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        ssrc: NDArray[np.uint32],
        payload: Octets,
        arrivals_s: NDArray[np.float64],
        next_play_s: NDArray[np.float64],
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """Any packets, as in place(). Returns the columns of a Placed."""
        clocks = payload.shape[1] // self._codec.octets_per_clock
        offset = self._offset(slots, timestamp)
        restarted = ssrc != self._ssrc[slots]
        restarted |= (offset > self._too_early) | (offset < -self._too_late)
        first = restarted & (self._ssrc[slots] == _NO_STREAM)
        self._start(slots, restarted, timestamp, ssrc, sequence, arrivals_s, next_play_s)
        restarted &= ~first
        offset = self._offset(slots, timestamp)
        behind = offset < 0
        ended = offset + clocks <= 0
        # Overdue since the frame was taken that its first sample is in.
        due_s = next_play_s + offset // self._codec.frame_clocks * (FRAME_MS / 1000)
        overdue = behind & (arrivals_s > due_s)
        slower = self._run_of_late_ones(slots, ended & overdue)
        if slower.any():
            self._start(slots, slower, timestamp, ssrc, sequence, arrivals_s, next_play_s)
            restarted |= slower
            offset = self._offset(slots, timestamp)
            ended &= ~slower
            overdue &= ~slower

        self.delay.observe(slots, arrivals_s - next_play_s - offset / self._codec.clock_hz)
        step, repeated, missing = self._sequence.advance(slots, sequence)
        placed, offset = self._judge(
            slots, timestamp, clocks, step, repeated, missing, offset, ended, overdue
        )
        placed.outcome[restarted] = Arrival.RESTARTED
        newest = step > 0
        self._next_clock[slots[newest]] = timestamp[newest] + np.uint32(clocks)
        self._quiet[slots[newest]] = False
        wanted = (placed.outcome != Arrival.LATE) & (placed.outcome != Arrival.DUPLICATE)
        self._ring.write(slots[wanted], offset[wanted], payload[wanted])
        return placed.outcome, placed.lost, placed.skipped

    def _judge(
        self,
        slots: NDArray[np.int64],
        timestamp: NDArray[np.uint32],
        clocks: int,
        step: NDArray[np.int64],
        repeated: NDArray[np.bool_],
        missing: NDArray[np.int64],
        offset: NDArray[np.int64],
        ended: NDArray[np.bool_],
        overdue: NDArray[np.bool_],
    ) -> tuple[Placed, NDArray[np.int64]]:
        """What becomes of packets that are not all simply the next, and where they go then."""
        newest = step > 0
        outcome = np.where(newest, Arrival.PLACED, Arrival.REORDERED).astype(np.uint8)
        outcome[ended] = Arrival.LATE
        overdue = overdue & newest
        if overdue.any():
            back = self._go_back(slots, overdue, offset)
            outcome[back] = Arrival.WAITED_FOR
            offset = self._offset(slots, timestamp)
        outcome[repeated] = Arrival.DUPLICATE
        room = (timestamp - self._next_clock[slots]).view(np.int32).astype(np.int64)
        other = newest & (2 * missing * clocks > 2 * room + clocks)
        skipped = np.where(other, missing, 0)
        missing = np.where(other, 0, missing)
        pause = newest & (room != 0) & (missing == 0) & (outcome != Arrival.LATE)
        for i in np.flatnonzero(pause).tolist():
            self._mark_pause(int(slots[i]), int(offset[i]), int(room[i]))
        return Placed(outcome, missing, skipped), offset

    def pass_over(self, slot: int, sequence: int, ssrc: int) -> int:
        """A packet of the row's stream that holds no audio (comfort noise, a telephone-event): its sequence
        number is used up. Returns the change in the number of missing packets."""
        if ssrc != self._ssrc[slot]:
            return 0
        _, _, missing = self._sequence.advance(np.array([slot]), np.array([sequence], dtype=np.uint16))
        return int(missing[0])

    def quieten(self, slot: int) -> None:
        """The sender announced silence (comfort noise, RFC 3389): what is missing now is not lost."""
        self._quiet[slot] = True

    def _offset(self, slots: NDArray[np.int64], timestamp: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Clocks from the play head to the packet; negative is past. Wraps with the 32-bit timestamp."""
        return (timestamp - self._head_clock[slots]).view(np.int32).astype(np.int64)

    def beside_s(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far into a frame that leaves each row's packets begin."""
        beside = self._offset(slots, self._next_clock[slots]) % self._codec.frame_clocks
        return beside / self._codec.clock_hz

    def _run_of_late_ones(
        self, slots: NDArray[np.int64], late_on_arrival: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Whether a packet is the LATE_RUN-th late one in a row."""
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
        lead_s = arrivals_s[which] + self._allowed.start_s - next_play_s[which]
        ahead = np.clip(np.ceil(lead_s * BLOCKS_A_SECOND - 1e-6), 0, BLOCKS // 2).astype(np.int64)
        self._head_clock[rows] = timestamp[which] - (ahead * self._ring.block_clocks).astype(np.uint32)
        self._next_clock[rows] = timestamp[which]
        self._ssrc[rows] = ssrc[which]
        self._sequence.start(rows, sequence[which])
        self.delay.start(rows)
        self._ring.clear(rows)
        for slot, blocks in zip(rows.tolist(), ahead.tolist(), strict=True):
            self._ring.mark_pause(slot, 0, blocks)

    def _go_back(
        self, slots: NDArray[np.int64], which: NDArray[np.bool_], offset: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Move the head back to packets that it has passed, where the delay may grow so much."""
        blocks = np.where(which, -(offset // self._ring.block_clocks), 0)
        back = which & (self.delay.delay_s(slots) + blocks * BLOCK_S <= self._allowed.max_s + 1e-9)
        for i in np.flatnonzero(back).tolist():
            self.wait(int(slots[i]), int(blocks[i]), pause=False)
        return back

    def _mark_pause(self, slot: int, offset: int, room: int) -> None:
        """Nothing was lost in the `room` before this packet: what is empty there was never sent."""
        block_clocks = self._ring.block_clocks
        self._ring.mark_pause(slot, (offset - room) // block_clocks, offset // block_clocks)

    # ---------------------------------------------------------------- out

    def take(self, slots: NDArray[np.int64]) -> tuple[Octets, NDArray[np.bool_], NDArray[np.bool_]]:
        """The next 20 ms of each row, and move on.

        Returns payload of shape (n, frame octets), and for its blocks, shape (n, 8), whether they are
        there and, if not, whether the sender is silent on purpose.
        """
        payload, there, paused = self._ring.take(slots)
        self._head_clock[slots] += np.uint32(self._codec.frame_clocks)
        if not there.all():
            paused = paused | (~there & self._quiet[slots, None])
        return payload, there, paused

    def skip(self, slots: NDArray[np.int64], frames: int) -> None:
        """Move on by `frames` of 20 ms without playing them: we ourselves were held up."""
        self._ring.skip(slots, frames)
        self._head_clock[slots] += np.uint32(frames * self._codec.frame_clocks % 2**32)

    # ---------------------------------------------------------------- the delay

    def drop(self, slot: int, blocks: int) -> tuple[Octets, NDArray[np.bool_]]:
        """Shorten a row's delay by blocks that will not be played. Returns their payload, of shape (octets,),
        and whether each is there."""
        dropped = self._ring.drop(slot, blocks)
        self._moved(slot, blocks)
        return dropped

    def wait(self, slot: int, blocks: int, *, pause: bool) -> None:
        """Lengthen a row's delay: the next blocks will be missing; with `pause`, as in a pause of the
        sender's."""
        self._ring.insert(slot, blocks, pause=pause)
        self._moved(slot, -blocks)

    def _moved(self, slot: int, blocks: int) -> None:
        self._head_clock[slot] = (int(self._head_clock[slot]) + blocks * self._ring.block_clocks) % 2**32
        self.delay.shift(slot, -blocks * BLOCK_S)
        self._moved_blocks[slot] += blocks
