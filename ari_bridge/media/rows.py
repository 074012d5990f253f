"""Which row belongs to which leg: its slot, its peer, its codec and the phase in which it plays.

The 20 ms of a frame are split into PHASES of 2.5 ms; each row plays in one of them. A tick finds the
processor's caches cold, and half of what it costs does not depend on how many rows it has: so a phase is
filled before the next is opened; beyond that all fill alike. Its packets leave in lots, one after the other,
over 5 ms. Audio waits for neither phase nor lot: the jitter buffer's delay is counted from a
packet's arrival, and what leaves is cut there (jitter.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS
from ari_bridge.core.errors import InternalError, MediaError
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.packets import Endpoint, host_and_port

PHASES = 8
TICK_S = FRAME_MS / 1000 / PHASES
FULL_PHASE = 1024
SHARED_PHASE = 768
"""Rows of a full phase, and of one where there may be more rows than one phase takes: what is to be done for
a phase, here and in the bridge process, must be done before the next comes."""
_OPENING_ORDER = np.array([0, 4, 2, 6, 1, 5, 3, 7])
"""Of the phases: those in use lie as far apart as they can."""

LOT_ROWS = 128
"""Whose packets leave together. The kernel takes some half a millisecond for so many, more or less; for a
full phase four, which is to be heard in the last ones."""
SENDING_S = 2 * TICK_S / FULL_PHASE
"""For each packet, until the next lot leaves: a full phase's are spread evenly over two ticks."""

Slots = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RowLot:
    """Rows of one codec and phase whose packets leave together."""

    slots: Slots
    which: slice
    """Of the rows of that codec and phase."""
    leaves_s: float
    """After the tick."""


class Rows:
    """The table of rows. Slots never move; what changes at each open and close are the lists of them."""

    def __init__(self, capacity: int, codecs: list[Codec]) -> None:
        self._codecs = codecs
        self._full_phase = FULL_PHASE if capacity <= FULL_PHASE else SHARED_PHASE
        self.codec = np.full(capacity, -1, dtype=np.int64)
        """Index of each row's codec in the list given; -1 where no row is."""
        self.phase = np.zeros(capacity, dtype=np.int64)
        self.peer = np.zeros(capacity, dtype=np.int64)
        """Endpoint of each row."""
        self.leaves_s = np.zeros(capacity)
        """How long after its tick each row's packet leaves: so much later is what it plays cut off."""
        nobody: Slots = np.zeros(0, dtype=np.int64)
        self._lists = [[nobody] * PHASES for _ in codecs]
        self._lots: list[list[list[RowLot]]] = [[[] for _ in range(PHASES)] for _ in codecs]
        self._wait: list[int | None] = [None] * PHASES
        """Ticks from each phase to the next in which rows play."""
        self._sorted_peers = nobody
        self._sorted_slots = nobody
        self._slot_at_port = np.full(1 << 16, -1, dtype=np.int64)
        self._ports_differ = True
        """No two hosts use the same port: then a look at the port will do."""

    def __len__(self) -> int:
        return len(self._sorted_slots)

    def open(self, slot: int, codec: Codec, peer: Endpoint, phase: int | None = None) -> None:
        """Use a free slot, in the best phase when None. Raises MediaError when the peer has a row already."""
        if self.codec[slot] >= 0:
            raise InternalError(f"row {slot} is in use")
        if peer in self._sorted_peers:
            host, port = host_and_port(peer)
            raise MediaError(f"the leg at {host}:{port} has a row already")
        self.phase[slot] = self._best_phase() if phase is None else phase
        self.codec[slot] = self._codecs.index(codec)
        self.peer[slot] = peer
        self._relist(int(self.codec[slot]), int(self.phase[slot]))

    def close(self, slot: int) -> None:
        """Free the slot, if it is in use."""
        codec = int(self.codec[slot])
        if codec >= 0:
            self.codec[slot] = -1
            self._relist(codec, int(self.phase[slot]))

    def playing(self, codec: int, phase: int) -> Slots:
        """The rows of one codec that play in that phase, in ascending order."""
        return self._lists[codec][phase]

    def lots(self, codec: int, phase: int) -> list[RowLot]:
        """The same rows, LOT_ROWS at a time; the same objects until a row comes or goes."""
        return self._lots[codec][phase]

    def next_tick(self, tick: int) -> int:
        """The first from `tick` on at which rows play. Raises InternalError when there are none."""
        wait = self._wait[tick % PHASES]
        if wait is None:
            raise InternalError("no row is open")
        return tick + wait

    def find(self, peers: NDArray[np.int64]) -> Slots:
        """The slot of each peer, -1 for strangers."""
        if self._ports_differ:
            slots = self._slot_at_port.take(peers & 0xFFFF)
            return np.where(self.peer.take(slots) == peers, slots, -1)
        index = np.minimum(np.searchsorted(self._sorted_peers, peers), len(self) - 1)
        return np.where(self._sorted_peers[index] == peers, self._sorted_slots[index], -1)

    def _best_phase(self) -> int:
        in_use = np.bincount(self.phase[self.codec >= 0], minlength=PHASES)[_OPENING_ORDER]
        return int(
            _OPENING_ORDER[np.argmin(np.maximum(in_use, self._full_phase - (in_use < self._full_phase)))]
        )

    def _relist(self, codec: int, phase: int) -> None:
        """A row of that codec and phase has come or gone."""
        rows = np.flatnonzero((self.codec == codec) & (self.phase == phase))
        self._lists[codec][phase] = rows
        self._allot(phase)
        in_use = [any(len(lists[at]) for lists in self._lists) for at in range(PHASES)]
        self._wait = [
            next((ahead for ahead in range(PHASES) if in_use[(at + ahead) % PHASES]), None)
            for at in range(PHASES)
        ]
        slots = np.flatnonzero(self.codec >= 0)
        self._slot_at_port[self._sorted_peers & 0xFFFF] = -1
        self._sorted_slots = slots[np.argsort(self.peer[slots])]
        self._sorted_peers = self.peer[self._sorted_slots]
        ports = self._sorted_peers & 0xFFFF
        self._slot_at_port[ports] = self._sorted_slots
        self._ports_differ = len(np.unique(ports)) == len(ports)

    def _allot(self, phase: int) -> None:
        """Share out the phase's rows among lots, and tell when each leaves."""
        leaves_s = 0.0
        for lists, lots in zip(self._lists, self._lots, strict=True):
            rows, lots[phase] = lists[phase], []
            for first in range(0, len(rows), LOT_ROWS):
                which = slice(first, min(first + LOT_ROWS, len(rows)))
                lots[phase].append(RowLot(rows[which], which, leaves_s))
                self.leaves_s[rows[which]] = leaves_s
                leaves_s += SENDING_S * (which.stop - first)
