"""The rings of encoded audio, against a dictionary of clocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.ring import BLOCKS, BlockRing

ULAW = find_codec("ulaw")
ROWS = 3
MOVES = st.one_of(
    st.tuples(st.just("write"), st.integers(-80, 1600), st.sampled_from([80, 160, 240, 480, 37])),
    st.tuples(st.just("take"), st.integers(1, 70), st.just(0)),
)


@given(st.lists(MOVES, max_size=40), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_what_was_written_is_taken_where_it_belongs(moves: list[tuple[str, int, int]], seed: int) -> None:
    """Each row stands a frame further in its ring than the one before it, and all are written at once."""
    ring, rng = BlockRing(ULAW, ROWS), np.random.default_rng(seed)
    slots, heads, clocks = np.arange(ROWS), [0] * ROWS, [dict[int, int]() for _ in range(ROWS)]

    def take(rows: list[int]) -> None:
        payload, there, _ = ring.take(np.array(rows))
        for row, octets, full in zip(rows, payload, there, strict=True):
            for block in range(8):
                first = heads[row] + 20 * block
                said = [clocks[row].get(clock) for clock in range(first, first + 20)]
                assert bool(full[block]) == (None not in said)
                if full[block]:
                    assert octets[20 * block : 20 * block + 20].tolist() == said
            heads[row] += 160

    for row in range(ROWS):
        for _ in range(BLOCKS // 8 - 3 + row):  # soon at the ring's end
            take([row])
    for what, number, count in moves:
        if what == "take":
            for _ in range(number):
                take(list(range(ROWS)))
            continue
        free = all(
            clock not in clocks[row] for row in range(ROWS) for clock in _span(heads[row], number, count)
        )
        if not free:  # no packet is written twice: the sequence numbers see to it
            continue
        payload = rng.integers(0, 256, (ROWS, count)).astype(np.uint8)
        ring.write(slots, np.full(ROWS, number), payload)
        for row in range(ROWS):
            for clock, octet in zip(
                range(heads[row] + number, heads[row] + number + count), payload[row], strict=True
            ):
                if clock >= heads[row]:
                    clocks[row][clock] = int(octet)


def _span(head: int, offset: int, count: int) -> range:
    return range(head + max(0, offset), head + max(0, offset + count))


def test_blocks_are_cut_out_and_put_in() -> None:
    ring = BlockRing(ULAW, 1)
    slots = np.array([0])
    ring.write(slots, np.array([0]), np.arange(1, 161, dtype=np.uint8)[None, :])
    ring.write(slots, np.array([160]), np.arange(1, 161, dtype=np.uint8)[None, :])
    octets, there = ring.drop(0, 2)
    assert octets.tolist() == list(range(1, 41))
    assert there.all()
    ring.insert(0, 1, pause=True)
    payload, there, paused = ring.take(slots)
    assert there[0].tolist() == [False, *[True] * 7]
    assert paused[0].tolist() == [True, *[False] * 7]
    assert payload[0, 20:].tolist() == [*range(41, 161), *range(1, 21)]


def test_a_pause_is_told_from_a_loss() -> None:
    ring = BlockRing(ULAW, 1)
    ring.mark_pause(0, 2, 4)
    _, there, paused = ring.take(np.array([0]))
    assert not there.any()
    assert np.flatnonzero(paused[0]).tolist() == [2, 3]
    ring.skip(np.array([0]), BLOCKS)
    assert not ring.take(np.array([0]))[2].any()
