"""Runs of a table's elements as single items, which numpy moves in one go: a frame of audio is then one copy,
not one for each of its elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_items(table: NDArray[Any]) -> NDArray[np.void]:
    """The last axis of a table as one item: from shape (..., n) to (...). Its elements must lie side by
    side."""
    item = np.dtype((np.void, table.shape[-1] * table.itemsize))
    return table.view(item)[..., 0]


def sliding_items(line: NDArray[Any], size: int, step: int = 1) -> NDArray[np.void]:
    """The items of `size` elements that begin at each `step`-th of a contiguous line, writeable; they
    overlap."""
    item = np.dtype((np.void, size * line.itemsize))
    return np.ndarray(((len(line) - size) // step + 1,), item, line.data, strides=(step * line.itemsize,))
