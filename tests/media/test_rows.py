"""The table of rows: who is found where, and how rows spread over the phases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import InternalError, MediaError
from ari_bridge.media.codecs.registry import known_codecs
from ari_bridge.media.packets import endpoint
from ari_bridge.media.rows import PHASES, SENDING_S, Rows

CODECS = list(known_codecs().values())


def peer(number: int) -> int:
    return endpoint("10.1.2.3", 5000 + number)


def filled(count: int, capacity: int = 9600) -> Rows:
    rows = Rows(capacity, CODECS)
    for slot in range(count):
        rows.open(slot, CODECS[slot % len(CODECS)], peer(slot))
    return rows


def in_phases(rows: Rows) -> list[int]:
    return [sum(len(rows.playing(codec, phase)) for codec in range(len(CODECS))) for phase in range(PHASES)]


def test_few_rows_share_a_tick_and_many_spread() -> None:
    assert in_phases(filled(1024, capacity=1024)) == [1024, 0, 0, 0, 0, 0, 0, 0]
    assert in_phases(filled(1024)) == [768, 0, 0, 0, 256, 0, 0, 0]
    assert in_phases(filled(3072)) == [768, 0, 768, 0, 768, 0, 768, 0]
    assert in_phases(filled(9600)) == [1200] * 8


def test_lots_leave_one_after_the_other_through_all_codecs() -> None:
    rows = filled(600)
    lots = [lot for codec in range(len(CODECS)) for lot in rows.lots(codec, 0)]
    assert sorted(slot for lot in lots for slot in lot.slots.tolist()) == list(range(600))
    before = 0
    for lot in lots:
        assert lot.leaves_s == pytest.approx(before * SENDING_S)
        assert rows.leaves_s[lot.slots] == pytest.approx(lot.leaves_s)
        before += len(lot.slots)


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=60), st.integers(1, 16))
def test_the_table_is_a_dictionary(moves: list[tuple[int, int]], ports: int) -> None:
    def peer(number: int) -> int:
        return endpoint(f"10.1.2.{1 + number // ports}", 5000 + number % ports)

    rows, model = Rows(16, CODECS), dict[int, int]()
    for slot, number in moves:
        if slot in model:
            rows.close(slot)
            del model[slot]
        elif peer(number) in model.values():
            with pytest.raises(MediaError, match="has a row already"):
                rows.open(slot, CODECS[0], peer(number))
        else:
            rows.open(slot, CODECS[number % len(CODECS)], peer(number))
            model[slot] = peer(number)
        assert len(rows) == len(model)
        where = {address: slot for slot, address in model.items()}
        asked = [peer(n) for n in range(18)]
        assert rows.find(np.array(asked)).tolist() == [where.get(address, -1) for address in asked]
        assert sum(in_phases(rows)) == len(model)


def test_a_slot_in_use_is_not_given_twice() -> None:
    rows = filled(1)
    with pytest.raises(InternalError, match="row 0 is in use"):
        rows.open(0, CODECS[0], peer(7))
    rows.close(0)
    rows.close(0)
    assert len(rows) == 0
