from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.speech.cushion import CUSHION_S, Cushion

RATE_HZ = 8000
PIECE_S = 0.02


def piece(number: int = 0) -> Pcm16:
    return np.full(round(PIECE_S * RATE_HZ), number, np.int16)


@given(st.lists(st.floats(0, CUSHION_S - PIECE_S - 0.001), min_size=10, max_size=100))
def test_pieces_that_are_late_by_less_than_the_cushion_leave_no_gap(lateness_s: list[float]) -> None:
    cushion, queued_until_s, passed = Cushion(RATE_HZ), math.inf, 0
    at_s = 0.0
    for number, late_s in enumerate(lateness_s):
        at_s = max(at_s, number * PIECE_S + late_s)  # pieces do not overtake each other
        if cushion.due_s < at_s:
            due_s = cushion.due_s
            released = cushion.release(due_s)
            assert released is not None
            queued_until_s, passed = due_s + len(released) / RATE_HZ, passed + len(released)
        came = cushion.add(piece(number), at_s)
        if came is not None:
            passed += len(came)
            if math.isinf(queued_until_s):
                queued_until_s = at_s
            assert at_s <= queued_until_s + 1e-9, "a gap"
            queued_until_s += len(came) / RATE_HZ
    assert passed + sum(map(len, cushion._held)) == len(lateness_s) * len(piece())


def test_audio_that_comes_fast_is_passed_on_at_once() -> None:
    cushion = Cushion(RATE_HZ)
    assert [cushion.add(piece(), 1.0) is None for _ in range(4)] == [True, True, True, False]
    assert cushion.add(piece(), 1.0) is not None


def test_after_a_silence_the_cushion_is_laid_anew() -> None:
    cushion = Cushion(RATE_HZ)
    cushion.add(np.zeros(RATE_HZ, np.int16), 0.0)
    assert cushion.add(piece(), 0.9) is not None
    assert cushion.add(piece(), 2.0) is None
    assert cushion.due_s == 2.0 + CUSHION_S


def test_what_is_cleared_does_not_come_later() -> None:
    cushion = Cushion(RATE_HZ)
    assert cushion.add(piece(1), 0.0) is None
    cushion.clear(0.01)
    assert cushion.release(0.02) is None
    assert math.isinf(cushion.due_s)
    assert cushion.add(piece(2), 0.03) is None
