"""Runs of elements as single items."""

from __future__ import annotations

import numpy as np

from ari_bridge.media.items import as_items, sliding_items


def test_a_row_is_one_item() -> None:
    table = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    items = as_items(table)
    assert items.shape == (2, 3)
    items[0, 0] = items[1, 2]
    assert table[0, 0].tolist() == [20, 21, 22, 23]


def test_items_that_overlap_are_read_and_written() -> None:
    line = np.arange(10, dtype=np.int16)
    items = sliding_items(line, 4, 2)
    assert [items[i].tobytes() for i in range(len(items))] == [
        line[i : i + 4].tobytes() for i in (0, 2, 4, 6)
    ]
    items[np.array([3])] = as_items(np.full((1, 4), 7, dtype=np.int16))
    assert line.tolist() == [0, 1, 2, 3, 4, 5, 7, 7, 7, 7]
