"""The receiving side of the rows of one codec: from packets to frames in the rx rings.

packet ──▶ audio:            jitter buffer ──▶ stretch ──▶ decode ──▶ conceal ──▶ rx ring
       ├─▶ comfort noise:    its level
       └─▶ telephone-event:  the digit, once
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, FrameFlags
from ari_bridge.media import rtp
from ari_bridge.media.codecs.base import Codec, Coders, Octets
from ari_bridge.media.comfort import LISTEN_EVERY, ComfortNoise
from ari_bridge.media.concealment import Concealer
from ari_bridge.media.delay import REVIEW_S, DelayRange
from ari_bridge.media.items import as_items
from ari_bridge.media.jitter import Arrival, JitterBuffer
from ari_bridge.media.packets import Received
from ari_bridge.media.rows import Slots
from ari_bridge.media.shared import DIGITS_KEPT, RX_FRAMES, SharedRows
from ari_bridge.media.stretch import Stretch
from ari_bridge.media.telephone_event import PAYLOAD_OCTETS, TelephoneEvents

REVIEW_FRAMES = int(REVIEW_S * 1000) // FRAME_MS

_KIND = np.uint32(0xFF7F0000)
"""All of a header's first word but the marker and the sequence number."""
_NEVER = -1

Which: TypeAlias = slice | NDArray[np.intp]
"""Packets of a batch. Nearly always they are all of it, and a slice spares copies."""


class Receiver:
    def __init__(
        self,
        codec: Codec,
        shared: SharedRows,
        coders: Coders,
        allowed: DelayRange,
        rng: np.random.Generator,
    ) -> None:
        rows = shared.rows
        self._codec = codec
        self._shared = shared
        self._coders = coders
        self._rx = shared.rx(codec.rate_hz)
        self._rx_frames = as_items(self._rx)
        self._noise = ComfortNoise(rows, rng)
        self._events = TelephoneEvents(rows)
        self._jitter = JitterBuffer(codec, rows, allowed, shared.media["moved_blocks"])
        self._concealer = Concealer(self._rx.reshape(rows, -1), codec.rate_hz, self._noise)
        self._stretch = Stretch(codec, self._rx, self._jitter, self._concealer, self._noise, coders)
        self._start_s = allowed.start_s
        self._place_of = np.zeros(rows, dtype=np.int64)
        self._plain_kind = rtp.first_word(codec.payload_type)
        self._plain_octets = rtp.HEADER_OCTETS + codec.frame_octets if codec.stow is None else _NEVER
        """What nearly all packets are: a plain header, and a frame."""

    def open(self, slot: int) -> None:
        """Make the row new."""
        self._jitter.open(slot)
        self._concealer.open(slot)
        self._noise.open(slot)
        self._events.open(slot)
        self._stretch.open(slot)
        self._shared.media["delay_s"][slot] = self._start_s

    # ---------------------------------------------------------------- in

    def receive(
        self,
        batch: Received,
        headers: rtp.Headers,
        slots: Slots,
        ours: NDArray[np.bool_],
        next_play_s: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Take in the packets `ours` of a batch, from rows `slots`. `next_play_s`, shape (rows,), is when the
        next frame of every row is due. Returns which were understood."""
        plain: NDArray[np.bool_] = headers.first_word & _KIND == self._plain_kind
        plain &= batch.lengths == self._plain_octets
        plain &= ours
        if np.count_nonzero(plain) == len(slots):  # nearly always
            octets = batch.octets[:, rtp.HEADER_OCTETS : self._plain_octets]
            for turn in self._turns(slots, slice(0, len(slots))):
                self._place(batch, headers, slots, turn, octets[turn], next_play_s)
            return plain
        audio = ours & self._is_audio(headers)
        for turn in self._turns(slots, np.flatnonzero(audio)):
            for chosen, payload in self._payloads(batch, headers, slots, turn):
                self._place(batch, headers, slots, chosen, payload, next_play_s)
        others = ours & ~audio
        if np.count_nonzero(others):
            audio |= self._take_others(batch, headers, slots, others & headers.valid)
        return audio

    def _is_audio(self, headers: rtp.Headers) -> NDArray[np.bool_]:
        """Packets of the codec's own payload type with at most 60 ms of whole samples."""
        codec, octets = self._codec, headers.payload_octets
        audio: NDArray[np.bool_] = headers.payload_type == codec.payload_type
        audio &= headers.valid
        audio &= octets > 0
        if codec.stow is None:  # which judges each packet itself
            audio &= octets <= 3 * codec.frame_octets
            if codec.octets_per_clock > 1:
                audio &= octets % codec.octets_per_clock == 0
        return audio

    def _turns(self, slots: Slots, chosen: Which) -> Iterator[Which]:
        """Split packets into turns in which no row occurs twice; within a row the order is kept."""
        rows = slots[chosen]
        places = np.arange(len(rows))
        self._place_of[rows[::-1]] = places[::-1]  # so that a row's first packet stays
        again = self._place_of[rows] != places
        if not np.count_nonzero(again):  # nearly always, between two ticks
            yield chosen
            return
        chosen = _indices(chosen)
        yield chosen[~again]
        yield from self._turns(slots, chosen[again])

    def _place(
        self,
        batch: Received,
        headers: rtp.Headers,
        slots: Slots,
        chosen: Which,
        payload: Octets,
        next_play_s: NDArray[np.float64],
    ) -> None:
        """Put packets of one length, each of another row, into the jitter buffer, and count them."""
        media, rows = self._shared.media, slots[chosen]
        media["received"][rows] += 1
        placed = self._jitter.place(
            rows,
            sequence=headers.sequence[chosen],
            timestamp=headers.timestamp[chosen],
            ssrc=headers.ssrc[chosen],
            payload=payload,
            arrivals_s=batch.arrivals_s[chosen],
            next_play_s=next_play_s,
        )
        if placed is not None:
            media["lost"][rows] = np.maximum(media["lost"][rows] + placed.lost, 0)
            media["skipped"][rows] += placed.skipped
            for arrival, field in _COUNTED.items():
                media[field][rows] += placed.outcome == arrival

    def _payloads(
        self, batch: Received, headers: rtp.Headers, slots: Slots, chosen: Which
    ) -> Iterator[tuple[Which, Octets]]:
        """The payloads of these packets, those of one size together, shape (n, octets)."""
        stow = self._codec.stow
        if stow is None:
            for alike, start, octets in _alike(headers, chosen):
                yield alike, batch.octets[alike, start : start + octets]
            return
        by_size: dict[int, list[tuple[int, Octets]]] = {}
        for i in _indices(chosen).tolist():
            start = int(headers.payload_start[i])
            stowed = stow(batch.octets[i, start : start + int(headers.payload_octets[i])])
            if stowed is None:
                self._shared.media["malformed"][slots[i]] += 1
            else:
                by_size.setdefault(len(stowed), []).append((i, stowed))
        for found in by_size.values():
            yield np.array([i for i, _ in found]), np.stack([stowed for _, stowed in found])

    def _take_others(
        self, batch: Received, headers: rtp.Headers, slots: Slots, others: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Packets that hold no audio. They are few, and taken one by one."""
        understood = np.zeros(len(slots), dtype=np.bool_)
        media, payload_type = self._shared.media, headers.payload_type
        for i in np.flatnonzero(others).tolist():
            slot, start = int(slots[i]), int(headers.payload_start[i])
            payload = batch.octets[i, start : start + int(headers.payload_octets[i])]
            if payload_type[i] == rtp.COMFORT_NOISE:
                self._noise.announce(slot, payload)
                self._jitter.quieten(slot)
            elif payload_type[i] == rtp.TELEPHONE_EVENT and len(payload) >= PAYLOAD_OCTETS:
                digit = self._events.receive(slot, int(headers.ssrc[i]), int(headers.timestamp[i]), payload)
                if digit:
                    count = int(media["digit_count"][slot])
                    media["digits"][slot, count % DIGITS_KEPT] = ord(digit)
                    media["digit_count"][slot] = count + 1
            else:
                continue
            understood[i] = True
            missing = self._jitter.pass_over(slot, int(headers.sequence[i]), int(headers.ssrc[i]))
            media["lost"][slot] = max(0, int(media["lost"][slot]) + missing)
        return understood

    # ---------------------------------------------------------------- out

    def play(self, slots: Slots, due_s: NDArray[np.float64], turn: int) -> None:
        """One frame a row, due then, into the rx rings; `frames` is written last. `turn` is one more at each
        frame of theirs."""
        media = self._shared.media
        if turn % REVIEW_FRAMES == 0:
            self._review(slots)
        frames = media["frames"][slots]
        self._stretch.steer(slots, frames)
        payload, there, silent = self._jitter.take(slots)
        place = frames % RX_FRAMES
        pcm = self._coders.decode(slots, payload, there)
        self._rx_frames[slots, place] = as_items(pcm)
        flags = self._concealer.fill(slots, frames, there, silent)
        if turn % LISTEN_EVERY == 0:
            good = there.all(axis=1)
            self._noise.listen(slots[good], pcm[good])
        self._shared.rx_flags[slots, place] = flags
        self._shared.rx_captured_s[slots, place] = due_s
        if np.count_nonzero(flags):
            media["concealed"][slots] += flags & FrameFlags.CONCEALED != 0
        media["frames"][slots] = frames + 1

    def _review(self, slots: Slots) -> None:
        """Find the targets anew, and publish the figures."""
        delay, media = self._jitter.delay, self._shared.media
        delay.review(slots)
        delay.fit_to_frames(slots, self._jitter.beside_s(slots))
        self._stretch.review(slots)
        known = slots[np.isfinite(delay.delay_s(slots))]
        media["delay_s"][known] = delay.delay_s(known)
        media["target_s"][slots] = delay.target_s[slots]
        media["jitter_s"][slots] = delay.jitter_s[slots]
        media["drift_ppm"][slots] = delay.drift[slots] * 1e6

    def skip(self, slots: Slots, frames: int) -> None:
        """We were held up: leave out so many frames."""
        self._jitter.skip(slots, frames)


_COUNTED = {
    Arrival.REORDERED: "reordered",
    Arrival.DUPLICATE: "duplicate",
    Arrival.LATE: "late",
    Arrival.WAITED_FOR: "waited_for",
    Arrival.RESTARTED: "restarts",
}
"""Fields of MEDIA."""


def _alike(headers: rtp.Headers, chosen: Which) -> Iterator[tuple[Which, int, int]]:
    """Split packets into those whose payloads lie alike in the packet, with its start and length."""
    start, octets = headers.payload_start[chosen], headers.payload_octets[chosen]
    indices = _indices(chosen)
    for first, size in np.unique(np.stack((start, octets), axis=1), axis=0).tolist():
        yield indices[(start == first) & (octets == size)], first, size


def _indices(which: Which) -> NDArray[np.intp]:
    return np.arange(which.start, which.stop) if isinstance(which, slice) else which
