"""Sequence numbers: loss, repeats and wraps, against a plain model of a set."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.sequence import SequenceWindow


def one(window: SequenceWindow, number: int) -> tuple[int, bool, int]:
    step, repeated, missing = window.advance(np.array([0]), np.array([number & 0xFFFF], dtype=np.uint16))
    return int(step[0]), bool(repeated[0]), int(missing[0])


def started(first: int) -> SequenceWindow:
    window = SequenceWindow(1)
    window.start(np.array([0]), np.array([first & 0xFFFF], dtype=np.uint16))
    return window


@given(first=st.integers(0, 0xFFFF), moves=st.lists(st.integers(-20, 30), max_size=60))
def test_missing_and_repeats_are_those_of_a_set(first: int, moves: list[int]) -> None:
    window = started(first)
    seen, highest, missing = {first}, first, 0
    assert one(window, first) == (1, False, 0)
    for move in moves:
        number = max(first, highest + move)
        step, repeated, change = one(window, number)
        assert step == number - highest
        assert repeated == (number in seen)
        seen.add(number)
        highest = max(highest, number)
        missing += change
        assert missing == highest - first + 1 - len(seen)


def test_a_sender_that_counts_anew_has_lost_nothing() -> None:
    window = started(100)
    one(window, 100)
    assert one(window, 40000) == (1, False, 0)
    assert one(window, 40002) == (2, False, 1)
    assert one(window, 40001) == (-1, False, -1)


def test_rows_do_not_touch_each_other() -> None:
    window = SequenceWindow(3)
    both = np.array([2, 0])
    window.start(both, np.array([5, 65535], dtype=np.uint16))
    window.advance(both, np.array([5, 65535], dtype=np.uint16))
    step, repeated, missing = window.advance(both, np.array([5, 1], dtype=np.uint16))
    assert step.tolist() == [0, 2]
    assert repeated.tolist() == [True, False]
    assert missing.tolist() == [0, 1]
