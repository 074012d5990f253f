"""The audio of all calls, without I/O: packets and the time go in, packets come out.

    receive(batch, now)   packet ─▶ row by source ─▶ RTP header ─▶ jitter buffer by timestamp
    send(now)             tx ring ─▶ encode ─▶ packet
    play()                jitter buffer ─▶ decode, conceal ─▶ rx ring

Every row sends a packet each 20 ms from the moment it is opened: silence when there is nothing to say. That
is also what keeps Asterisk's strict-RTP lock on us. Times are monotonic seconds; ticks lie on a grid of
2.5 ms, and a row plays at every eighth. Ticks that are late are made up for, so that no audio is lost, until
MAX_CATCH_UP_S; of a longer standstill whole frames are skipped on both sides.

The grid, and what each row sends, are kept in the shared memory: to an engine that goes on with the rows of
one that died, the time between them is a standstill like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ari_bridge.core.audio import FRAME_MS
from ari_bridge.media import rtp
from ari_bridge.media.codecs.base import Codec, Coders
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.pacing import PacingHistogram
from ari_bridge.media.packets import Endpoint, Lot, Outgoing, Received
from ari_bridge.media.payloads import Payloads
from ari_bridge.media.playout import Playout
from ari_bridge.media.receiver import Receiver
from ari_bridge.media.rows import PHASES, TICK_S, Rows, Slots
from ari_bridge.media.shared import SharedRows

_STAGGERED = 3
"""Frames by which a phase's reviews come before those of the phase before it: they are work, and not all of
them are to fall into the same 20 ms."""
_PHASE = np.arange(PHASES)
_FRAME_S = FRAME_MS / 1000
MAX_CATCH_UP_S = 0.2
"""Of late ticks that are still run. More would burst seconds of audio at the caller's own jitter buffer."""


@dataclass(frozen=True, slots=True)
class _Group:
    """What the rows of one codec have in common."""

    index: int
    codec: Codec
    receiver: Receiver
    playout: Playout
    coders: Coders
    payloads: Payloads
    sheets: dict[int, Outgoing]
    """Where a tick's packets are built, by phase: as long as its rows are the same."""


class Engine:
    def __init__(
        self,
        shared: SharedRows,
        codecs: list[Codec],
        *,
        delay: DelayRange,
        now: float,
        rng: np.random.Generator,
        go_on_with: Sequence[int] = (),
    ) -> None:
        """`delay` is what the jitter buffers may add; `rng` gives SSRCs and first numbers (RFC 3550, section
        5.1); `go_on_with` are rows of the shared memory that an engine before this one had open."""
        self._shared = shared
        self._rng = rng
        self._rows = Rows(shared.rows, codecs)
        self._groups = [self._group(index, codec, delay) for index, codec in enumerate(codecs)]
        self._open_groups: list[_Group] = []
        """Those with rows: nobody pays for codecs that nobody speaks."""
        self._by_name = {group.codec.name: group for group in self._groups}
        if not go_on_with:
            shared.plane["start_s"] = now
            shared.plane["tick"] = 0
        self._shared_tick = shared.plane["tick"]
        self._start_s = float(shared.plane["start_s"][0])
        self._tick = int(shared.plane["tick"][0])
        """The next one to send at."""
        self._played = self._tick
        """The next one to play at. What has come is taken in between the two: packets leave on time however
        many have come."""
        self._sequence = shared.stream["sequence"]
        self._timestamp = shared.stream["timestamp"]
        self._ssrc = shared.stream["ssrc"]
        self._marker = np.zeros(shared.rows, dtype=np.bool_)
        self._pacing = PacingHistogram(shared.pacing)
        self._leaving: tuple[Slots, float] = np.zeros(0, dtype=np.int64), now
        """Whose packets were yielded last, and when they were due."""
        self._playing: Playout | None = None
        """What they were taken from."""
        self._next_play_s = np.zeros(shared.rows)
        """When each row's next frame is due."""
        self._deaf_until_s: float | None = None
        """What arrived before it fell into a standstill that is not made up for, and belongs to no stream."""
        if go_on_with and now - self._start_s - self._tick * TICK_S > MAX_CATCH_UP_S:
            self._deaf_until_s = now - delay.start_s
        for slot in go_on_with:
            stream = shared.stream[slot]
            group = self._groups[stream["codec"]]
            self._rows.open(slot, group.codec, int(stream["peer"]), int(stream["phase"]))
            self._renew(slot, group)
        self._regroup()

    def _group(self, index: int, codec: Codec, delay: DelayRange) -> _Group:
        rows = self._shared.rows
        coders = codec.coders(rows)
        payloads = Payloads(codec, coders, rows)
        return _Group(
            index=index,
            codec=codec,
            receiver=Receiver(codec, self._shared, coders, delay, self._rng),
            playout=Playout(self._shared, codec.rate_hz, codec.frame_samples),
            coders=coders,
            payloads=payloads,
            sheets={},
        )

    # ---------------------------------------------------------------- rows

    def open(self, slot: int, codec_name: str, peer: Endpoint, now: float) -> None:
        """Use the free row `slot` for one leg; its first packet leaves within 20 ms.

        Raises MediaError when the peer has a row already.
        """
        group = self._by_name[codec_name]
        self._pacing.flush()
        self._rows.open(slot, group.codec, peer)
        self._regroup()
        if len(self._rows) == 1:
            # Nothing ran while none was open.
            self._tick = max(self._tick, int((now - self._start_s) / TICK_S) + 1)
            self._played = self._tick
        self._foresee()
        self._shared.open(slot)
        self._shared.populate(slot, group.codec.rate_hz)
        self._renew(slot, group)
        stream = self._shared.stream[slot]
        stream["codec"], stream["phase"], stream["peer"] = group.index, self._rows.phase[slot], peer
        self._sequence[slot] = self._rng.integers(1 << 16)
        self._timestamp[slot] = self._rng.integers(1 << 32)
        self._ssrc[slot] = self._rng.integers(1 << 32)

    def _renew(self, slot: int, group: _Group) -> None:
        """Forget what this engine alone remembers of the slot's last leg."""
        group.receiver.open(slot)
        group.playout.open(slot)
        group.coders.open(slot)
        group.payloads.open(slot)
        self._marker[slot] = False

    def close(self, slot: int) -> None:
        """The row is free at once; nothing more leaves for its peer."""
        self._pacing.flush()
        self._rows.close(slot)
        self._regroup()

    def _regroup(self) -> None:
        in_use = self._rows.codec
        self._open_groups = [group for group in self._groups if np.any(in_use == group.index)]
        for group in self._groups:
            group.sheets.clear()
        self._foresee()

    def _foresee(self) -> None:
        """When every row's next frame is due."""
        ticks = self._played + (_PHASE - self._played) % PHASES
        due_s = self._start_s + ticks * TICK_S
        self._next_play_s[:] = due_s[self._rows.phase] + self._rows.leaves_s

    def next_due_s(self) -> float | None:
        """When send() has something to do; None when no row is open."""
        if not len(self._rows):
            return None
        return self._start_s + self._rows.next_tick(self._tick) * TICK_S

    # ---------------------------------------------------------------- in

    def receive(self, batch: Received, now: float) -> None:
        """Take in packets. `now` is when they are handed over; what counts is when they arrived."""
        self._skip_standstill(now)
        slots = self._rows.find(batch.sources)
        if self._deaf_until_s is not None:
            batch, slots = self._without_stale(batch, slots, self._deaf_until_s)
        known = slots >= 0
        count = np.count_nonzero(known)
        if count < len(slots):
            self._shared.plane["strangers"] += len(slots) - count
            if not count:
                return
        headers = rtp.parse_batch(batch.octets, batch.lengths)
        understood = ~known
        for group in self._open_groups:
            ours = known
            if len(self._open_groups) > 1:
                ours = known & (self._rows.codec[slots] == group.index)
            if np.count_nonzero(ours):
                understood |= group.receiver.receive(batch, headers, slots, ours, self._next_play_s)
        if np.count_nonzero(understood) < len(slots):
            np.add.at(self._shared.media["malformed"], slots[~understood], 1)

    def _without_stale(self, batch: Received, slots: Slots, until_s: float) -> tuple[Received, Slots]:
        """Leave out, as late, what legs sent before `until_s`. Began a stream with it, all that follows would
        be played that much later."""
        stale = batch.arrivals_s < until_s
        if not stale.any():
            self._deaf_until_s = None
            return batch, slots
        drop = stale & (slots >= 0)
        for count in ("received", "late"):
            np.add.at(self._shared.media[count], slots[drop], 1)
        keep = ~drop
        rest = Received(batch.octets[keep], batch.lengths[keep], batch.sources[keep], batch.arrivals_s[keep])
        return rest, slots[keep]

    # ---------------------------------------------------------------- out

    def send(self, now: float) -> Iterator[Lot]:
        """The packets of the next tick, if it is due, lot by lot: each to be sent when it is due, and before
        the next is asked for."""
        if not len(self._rows):
            return
        self._skip_standstill(now)
        tick = self._rows.next_tick(self._tick)
        due_s = self._start_s + tick * TICK_S
        if due_s > now:
            return
        phase = tick % PHASES
        # Counted before it is run: should we die in it, it is not run again, and no packet leaves twice.
        self._tick = tick + 1
        self._shared_tick[0] = self._tick
        for group in self._open_groups:
            slots = self._rows.playing(group.index, phase)
            if not len(slots):
                continue
            built = self._build(group, phase, slots)
            for lot in self._rows.lots(group.index, phase):
                self._leaving = lot.slots, due_s + lot.leaves_s
                yield Lot(built, lot.which, due_s + lot.leaves_s)

    def left(self, now: float) -> None:
        """The packets last yielded have left, at that time."""
        slots, due_s = self._leaving
        self._pacing.add(slots, now - due_s)
        if self._playing is not None:
            self._playing.left(now)

    def play(self) -> None:
        """The callers' audio of every tick whose packets were sent, into the rx rings."""
        while len(self._rows) and (tick := self._rows.next_tick(self._played)) < self._tick:
            turn, phase = divmod(tick, PHASES)
            turn += _STAGGERED * phase
            for group in self._open_groups:
                slots = self._rows.playing(group.index, phase)
                if len(slots):
                    due_s = self._next_play_s[slots]
                    group.receiver.play(slots, due_s, turn)
                    self._next_play_s[slots] = due_s + _FRAME_S
            self._played = tick + 1
        self._played = self._tick

    def _build(self, group: _Group, phase: int, slots: Slots) -> Outgoing:
        """One packet a row."""
        sheet = group.sheets.get(phase) or self._sheet(group, phase, slots)
        sequence, timestamp = self._sequence[slots], self._timestamp[slots]
        sent_as = group.payloads.sent_as
        rtp.write_next(
            sheet.octets,
            payload_type=sent_as.payload_type,
            marker=self._marker[slots],
            sequence=sequence,
            timestamp=timestamp,
        )
        self._marker[slots] = False
        self._sequence[slots] = sequence + np.uint16(1)
        self._timestamp[slots] = timestamp + np.uint32(sent_as.frame_clocks)
        pcm, speaking = group.playout.take(slots)
        self._playing = group.playout
        group.payloads.write(sheet.octets[:, rtp.HEADER_OCTETS :], slots, pcm, speaking)
        return sheet

    def _sheet(self, group: _Group, phase: int, slots: Slots) -> Outgoing:
        """Room for the packets of these rows, with what stays the same in them."""
        octets = np.zeros((len(slots), rtp.HEADER_OCTETS + group.payloads.sent_as.frame_octets), np.uint8)
        rtp.write_ssrc(octets, self._ssrc[slots])
        sheet = group.sheets[phase] = Outgoing(octets, self._rows.peer[slots])
        return sheet

    def _skip_standstill(self, now: float) -> None:
        """After more than MAX_CATCH_UP_S without a tick, leave out whole frames, so that rows keep their
        phase. The gap shows in our timestamps, and the marker bit says so (RFC 3551, section 4.1)."""
        behind_s = now - (self._start_s + self._tick * TICK_S)
        if behind_s <= MAX_CATCH_UP_S or not len(self._rows):
            return
        frames = int(behind_s * 1000 / FRAME_MS)
        self._tick += frames * PHASES
        self._played += frames * PHASES
        self._foresee()
        for group in self._groups:
            slots = np.flatnonzero(self._rows.codec == group.index)
            group.receiver.skip(slots, frames)
            self._timestamp[slots] += np.uint32(frames * group.payloads.sent_as.frame_clocks % 2**32)
            self._marker[slots] = True
