"""The E-model against published points of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.mos import delay_impairment, loss_impairment, mos, score


@pytest.mark.parametrize(
    ("rating", "expected"),
    # G.107, table B.1: the ratings at the borders of its categories of user satisfaction.
    [
        (90, 4.34),
        (80, 4.03),
        (70, 3.60),
        (60, 3.10),
        (50, 2.58),
        (93.2, 4.41),
        (100, 4.5),
        (0, 1.0),
        (120, 4.5),
    ],
)
def test_ratings_become_opinions_as_in_the_recommendation(rating: float, expected: float) -> None:
    assert score(rating) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("delay_ms", "expected"),
    # From the formula, by hand: x = 0, 1, 2, where the sixth roots are (1 + 1)^(1/6) and (1 + 64)^(1/6).
    [(0, 0), (100, 0), (200, 3.042), (400, 24.12)],
)
def test_delay_is_noticed_from_100_ms_on(delay_ms: float, expected: float) -> None:
    assert delay_impairment(delay_ms) == pytest.approx(expected, abs=0.05)


def test_loss() -> None:
    # Half of what is left is gone when the loss in percent equals the robustness factor.
    assert loss_impairment(0, 0.251) == pytest.approx(47.5)
    assert loss_impairment(13, 0) == 13
    assert mos("ulaw", wideband=False, loss=0.05, delay_ms=60) == pytest.approx(3.92, abs=0.01)
    assert mos("g722", wideband=True, loss=0, delay_ms=60) == pytest.approx(4.34, abs=0.02)
    assert mos("slin16", wideband=True, loss=0, delay_ms=60) == 4.5


@given(st.booleans(), st.floats(0, 0.99), st.floats(0, 2000), st.floats(0, 0.01), st.floats(0, 50))
def test_more_loss_or_delay_is_never_better(
    wideband: bool, loss: float, delay_ms: float, more_loss: float, more_ms: float
) -> None:
    better = mos("ulaw", wideband=wideband, loss=loss, delay_ms=delay_ms)
    worse = mos("ulaw", wideband=wideband, loss=loss + more_loss, delay_ms=delay_ms + more_ms)
    assert 1.0 <= worse <= better <= 4.5
