"""The audio of all calls, without I/O: packets and the time go in, packets come out.

    receive(batch, now)   packet ─▶ row by source ─▶ RTP header ─▶ jitter buffer by timestamp
    tick(now)             tx ring ─▶ encode ─▶ packet;   jitter buffer ─▶ decode, conceal ─▶ rx ring

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
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, FrameFlags
from ari_bridge.media import rtp
from ari_bridge.media.codecs.base import Codec, Coders, Octets
from ari_bridge.media.concealment import Concealer
from ari_bridge.media.jitter import Arrival, JitterBuffer
from ari_bridge.media.pacing import PacingHistogram
from ari_bridge.media.packets import Endpoint, Outgoing, Received
from ari_bridge.media.payloads import Payloads
from ari_bridge.media.playout import Playout
from ari_bridge.media.rows import PHASES, TICK_S, Rows, Slots
from ari_bridge.media.shared import RX_FRAMES, SharedRows

MAX_CATCH_UP_S = 0.2
"""Of late ticks that are still run. More would burst seconds of audio at the caller's own jitter buffer."""


@dataclass(frozen=True, slots=True)
class _Group:
    """What the rows of one codec have in common."""

    index: int
    codec: Codec
    jitter: JitterBuffer
    concealer: Concealer
    playout: Playout
    coders: Coders
    payloads: Payloads
    packets: NDArray[np.uint8]
    """(rows, header and payload): where a tick's packets are built."""
    rx: NDArray[np.int16]


class Engine:
    def __init__(
        self,
        shared: SharedRows,
        codecs: list[Codec],
        *,
        delay_s: float,
        now: float,
        rng: np.random.Generator,
        go_on_with: Sequence[int] = (),
    ) -> None:
        """`delay_s` is the jitter buffer's; `rng` gives SSRCs and first numbers (RFC 3550, section 5.1);
        `go_on_with` are rows of the shared memory that an engine before this one had open."""
        self._shared = shared
        self._rows = Rows(shared.rows, codecs)
        self._groups = [self._group(index, codec, delay_s) for index, codec in enumerate(codecs)]
        self._open_groups: list[_Group] = []
        """Those with rows: nobody pays for codecs that nobody speaks."""
        self._by_name = {group.codec.name: group for group in self._groups}
        self._rng = rng
        self._delay_s = delay_s
        if not go_on_with:
            shared.plane["start_s"] = now
            shared.plane["tick"] = 0
        self._start_s = float(shared.plane["start_s"][0])
        self._tick = int(shared.plane["tick"][0])
        """The next one to run."""
        self._sequence = shared.stream["sequence"]
        self._timestamp = shared.stream["timestamp"]
        self._ssrc = shared.stream["ssrc"]
        self._marker = np.zeros(shared.rows, dtype=np.bool_)
        self._transit_s = np.zeros(shared.rows, dtype=np.float64)
        self._place_of = np.zeros(shared.rows, dtype=np.int64)
        self._pacing = PacingHistogram(shared.pacing)
        self._leaving: tuple[Slots, float] = np.zeros(0, dtype=np.int64), now
        """Whose packets were yielded last, and when they were due."""
        self._deaf_until_s: float | None = None
        """What arrived before it fell into a standstill that is not made up for, and belongs to no stream."""
        if go_on_with and now - self._start_s - self._tick * TICK_S > MAX_CATCH_UP_S:
            self._deaf_until_s = now - delay_s
        for slot in go_on_with:
            stream = shared.stream[slot]
            group = self._groups[stream["codec"]]
            self._rows.open(slot, group.codec, int(stream["peer"]), int(stream["phase"]))
            self._renew(slot, group)
        self._regroup()

    def _group(self, index: int, codec: Codec, delay_s: float) -> _Group:
        rows = self._shared.rows
        coders = codec.coders(rows)
        payloads = Payloads(codec, coders, rows)
        return _Group(
            index=index,
            codec=codec,
            jitter=JitterBuffer(codec, rows, delay_s),
            concealer=Concealer(rows, codec.frame_samples),
            playout=Playout(self._shared, codec.rate_hz, codec.frame_samples),
            coders=coders,
            payloads=payloads,
            packets=np.zeros((rows, rtp.HEADER_OCTETS + payloads.sent_as.frame_octets), dtype=np.uint8),
            rx=self._shared.rx(codec.rate_hz),
        )

    # ---------------------------------------------------------------- rows

    def open(self, slot: int, codec_name: str, peer: Endpoint, now: float) -> None:
        """Use the free row `slot` for one leg; its first packet leaves within 20 ms.

        Raises MediaError when the peer has a row already.
        """
        group = self._by_name[codec_name]
        self._rows.open(slot, group.codec, peer)
        self._regroup()
        if len(self._rows) == 1:
            # Nothing ran while none was open.
            self._tick = max(self._tick, int((now - self._start_s) / TICK_S) + 1)
        self._shared.open(slot)
        self._renew(slot, group)
        self._shared.media["delay_s"][slot] = self._delay_s
        stream = self._shared.stream[slot]
        stream["codec"], stream["phase"], stream["peer"] = group.index, self._rows.phase[slot], peer
        self._sequence[slot] = self._rng.integers(1 << 16)
        self._timestamp[slot] = self._rng.integers(1 << 32)
        self._ssrc[slot] = self._rng.integers(1 << 32)

    def _renew(self, slot: int, group: _Group) -> None:
        """Forget what this engine alone remembers of the slot's last leg."""
        group.jitter.open(slot)
        group.concealer.open(slot)
        group.playout.open(slot)
        group.coders.open(slot)
        group.payloads.open(slot)
        self._marker[slot] = False
        self._transit_s[slot] = np.nan

    def close(self, slot: int) -> None:
        """The row is free at once; nothing more leaves for its peer."""
        self._rows.close(slot)
        self._regroup()

    def _regroup(self) -> None:
        in_use = self._rows.codec
        self._open_groups = [group for group in self._groups if np.any(in_use == group.index)]

    def next_due_s(self) -> float | None:
        """When tick() has something to do; None when no row is open."""
        if not len(self._rows):
            return None
        for tick in range(self._tick, self._tick + PHASES):
            if any(len(self._rows.playing(group.index, tick % PHASES)) for group in self._open_groups):
                return self._start_s + tick * TICK_S
        raise AssertionError("an open row plays in no phase")

    # ---------------------------------------------------------------- in

    def receive(self, batch: Received, now: float) -> None:
        """Take in packets. `now` is when they are handed over; what counts is when they arrived."""
        self._skip_standstill(now)
        slots = self._rows.find(batch.sources)
        if self._deaf_until_s is not None:
            batch, slots = self._without_stale(batch, slots, self._deaf_until_s)
        known = slots >= 0
        if not len(slots):
            return
        if not known.all():
            self._shared.plane["strangers"] += np.count_nonzero(~known)
            if not known.any():
                return
        headers = rtp.parse_batch(batch.octets, batch.lengths)
        codec_of = np.where(known, self._rows.codec[slots], -1)
        understood = ~known
        for group in self._open_groups:
            ours = codec_of == group.index
            if not ours.any():
                continue
            audio = ours & self._is_audio(group.codec, headers)
            if audio.all():  # nearly always, where calls speak alike
                self._take_audio(group, batch, headers, slots, np.arange(len(slots)))
                return
            self._take_audio(group, batch, headers, slots, np.flatnonzero(audio))
            understood |= audio
            if not understood.all():
                noise = ours & headers.valid & (headers.payload_type == rtp.COMFORT_NOISE)
                event = ours & headers.valid & (headers.payload_type == rtp.TELEPHONE_EVENT)
                group.jitter.quieten(np.unique(slots[noise]))
                understood |= noise | event
        if not understood.all():
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

    @staticmethod
    def _is_audio(codec: Codec, headers: rtp.Headers) -> NDArray[np.bool_]:
        """Packets of the codec's own payload type with at most 60 ms of whole samples."""
        octets = headers.payload_octets
        of_our_type: NDArray[np.bool_] = headers.valid & (headers.payload_type == codec.payload_type)
        if codec.stow is not None:  # which judges each packet itself
            return of_our_type & (octets > 0)
        whole = (octets > 0) & (octets <= 3 * codec.frame_octets) & (octets % codec.octets_per_clock == 0)
        audio: NDArray[np.bool_] = of_our_type & whole
        return audio

    def _take_audio(
        self, group: _Group, batch: Received, headers: rtp.Headers, slots: Slots, audio: NDArray[np.intp]
    ) -> None:
        """Place the packets `audio` of the batch: each row's in order, equal lengths together."""
        if not len(audio):
            return
        media = self._shared.media
        turns = (audio,) if self._each_once(slots[audio]) else _one_a_row(slots, audio)
        for turn in turns:
            for chosen, payload in self._payloads(group.codec, batch, headers, slots, turn):
                rows = slots[chosen]
                media["received"][rows] += 1
                outcome, missing = group.jitter.place(
                    rows,
                    sequence=headers.sequence[chosen],
                    timestamp=headers.timestamp[chosen],
                    ssrc=headers.ssrc[chosen],
                    payload=payload,
                    arrivals_s=batch.arrivals_s[chosen],
                    next_play_s=self._next_play_s(rows),
                )
                self._measure_jitter(
                    rows, batch.arrivals_s[chosen], headers.timestamp[chosen], group.codec.clock_hz
                )
                if missing.any():
                    media["lost"][rows] = np.maximum(media["lost"][rows] + missing, 0)
                if outcome.any():
                    media["late"][rows] += outcome == Arrival.LATE
                    media["duplicate"][rows] += outcome == Arrival.DUPLICATE
                    media["reordered"][rows] += outcome == Arrival.REORDERED

    def _payloads(
        self,
        codec: Codec,
        batch: Received,
        headers: rtp.Headers,
        slots: Slots,
        chosen: NDArray[np.intp],
    ) -> Iterator[tuple[NDArray[np.intp], Octets]]:
        """The payloads of these packets, those of one size together, shape (n, octets)."""
        if codec.stow is None:
            for alike in _alike(headers, chosen):
                start = int(headers.payload_start[alike[0]])
                yield alike, batch.octets[alike, start : start + int(headers.payload_octets[alike[0]])]
            return
        by_size: dict[int, list[tuple[int, Octets]]] = {}
        for i in chosen.tolist():
            start = int(headers.payload_start[i])
            stowed = codec.stow(batch.octets[i, start : start + int(headers.payload_octets[i])])
            if stowed is None:
                self._shared.media["malformed"][slots[i]] += 1
            else:
                by_size.setdefault(len(stowed), []).append((i, stowed))
        for found in by_size.values():
            yield np.array([i for i, _ in found]), np.stack([stowed for _, stowed in found])

    def _each_once(self, slots: Slots) -> bool:
        """Whether no row occurs twice: nearly always, between two ticks."""
        places = np.arange(len(slots))
        self._place_of[slots] = places
        return bool((self._place_of[slots] == places).all())

    def _next_play_s(self, slots: Slots) -> NDArray[np.float64]:
        """When each row's next frame is due."""
        ticks = self._tick + (self._rows.phase[slots] - self._tick) % PHASES
        return self._start_s + ticks.astype(np.float64) * TICK_S

    def _measure_jitter(
        self, slots: Slots, arrivals_s: NDArray[np.float64], timestamp: NDArray[np.uint32], clock_hz: int
    ) -> None:
        """J += (|D| - J) / 16, RFC 3550 section 6.4.1. A jump of the timestamps counts as no jitter."""
        transit = arrivals_s - timestamp.astype(np.float64) / clock_hz
        change: NDArray[np.float64] = np.abs(transit - self._transit_s[slots])
        self._transit_s[slots] = transit
        jitter = self._shared.media["jitter_s"]
        before = jitter[slots]
        jitter[slots] = np.where(change < 1.0, before + (change - before) / 16, before)

    # ---------------------------------------------------------------- out

    def tick(self, now: float) -> Iterator[Outgoing]:
        """Run every tick that is due. Each yield must be sent before the next is asked for."""
        if not len(self._rows):
            return
        self._skip_standstill(now)
        while self._start_s + self._tick * TICK_S <= now:
            phase = self._tick % PHASES
            due_s = self._start_s + self._tick * TICK_S
            playing = [(group, self._rows.playing(group.index, phase)) for group in self._open_groups]
            # Counted before it is run: should we die in it, it is not run again, and no packet leaves twice.
            self._tick += 1
            self._shared.plane["tick"] = self._tick
            for group, slots in playing:
                if len(slots):
                    self._leaving = slots, due_s
                    yield self._send(group, slots)
            for group, slots in playing:
                if len(slots):
                    self._play_in(group, slots, due_s)

    def left(self, now: float) -> None:
        """The packets last yielded have left, at that time."""
        slots, due_s = self._leaving
        self._pacing.add(slots, now - due_s)

    def _send(self, group: _Group, slots: Slots) -> Outgoing:
        """One packet a row."""
        packets = group.packets[: len(slots)]
        rtp.write_headers(
            packets,
            payload_type=group.payloads.sent_as.payload_type,
            marker=self._marker[slots],
            sequence=self._sequence[slots],
            timestamp=self._timestamp[slots],
            ssrc=self._ssrc[slots],
        )
        self._sequence[slots] += np.uint16(1)
        self._timestamp[slots] += np.uint32(group.payloads.sent_as.frame_clocks)
        self._marker[slots] = False
        pcm, speaking = group.playout.take(slots)
        group.payloads.write(packets[:, rtp.HEADER_OCTETS :], slots, pcm, speaking)
        return Outgoing(packets, self._rows.peer[slots])

    def _play_in(self, group: _Group, slots: Slots, due_s: float) -> None:
        """One frame a row into the rx rings; `frames` is written last."""
        payload, there, silent = group.jitter.take(slots)
        pcm = group.coders.decode(slots, payload, there)
        flags = group.concealer.fill(slots, pcm, there, silent)
        media = self._shared.media
        frames = media["frames"][slots]
        place = frames % RX_FRAMES
        group.rx[slots, place] = pcm
        self._shared.rx_flags[slots, place] = flags
        self._shared.rx_captured_s[slots, place] = due_s
        media["concealed"][slots] += flags & FrameFlags.CONCEALED != 0
        media["frames"][slots] = frames + 1

    def _skip_standstill(self, now: float) -> None:
        """After more than MAX_CATCH_UP_S without a tick, leave out whole frames, so that rows keep their
        phase. The gap shows in our timestamps, and the marker bit says so (RFC 3551, section 4.1)."""
        behind_s = now - (self._start_s + self._tick * TICK_S)
        if behind_s <= MAX_CATCH_UP_S or not len(self._rows):
            return
        frames = int(behind_s * 1000 / FRAME_MS)
        self._tick += frames * PHASES
        for group in self._groups:
            slots = np.flatnonzero(self._rows.codec == group.index)
            group.jitter.skip(slots, frames)
            self._timestamp[slots] += np.uint32(frames * group.payloads.sent_as.frame_clocks % 2**32)
            self._marker[slots] = True


def _one_a_row(slots: Slots, chosen: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Split packets into turns in which no row occurs twice; within a row the order is kept."""
    order = chosen[np.argsort(slots[chosen], kind="stable")]
    rows = slots[order]
    new_row = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    counts = np.diff(np.append(new_row, len(rows)))
    turn = np.arange(len(rows)) - np.repeat(new_row, counts)
    for number in range(int(counts.max())):
        yield order[turn == number]


def _alike(headers: rtp.Headers, chosen: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Split packets into those whose payloads lie alike in the packet; nearly always they all do."""
    shape = headers.payload_start[chosen] << 32 | headers.payload_octets[chosen]
    if (shape == shape[0]).all():
        yield chosen
        return
    for same in np.unique(shape):
        yield chosen[shape == same]
