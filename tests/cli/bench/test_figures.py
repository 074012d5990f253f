"""From the ledger to the figures: each fault shows in its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from ari_bridge.cli.bench.figures import Figures, Window, figures
from ari_bridge.cli.bench.ledger import READ_TOO_LATE, Ledger, size
from ari_bridge.media.shared import create_memory

CALLS, FRAMES = 4, 200
DELAY_S = 0.04
WINDOW = Window(101.0, 103.9)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A flawless run: sent on time, read after 2 ms beyond the delay, back after 3 ms and a frame."""
    fd = create_memory(size(CALLS, FRAMES))
    made = Ledger(fd, CALLS, FRAMES)
    made.clear()
    made.sent_s[:] = due()
    made.read_s[:] = made.sent_s + DELAY_S + 0.002
    made.back_s[:] = made.sent_s + DELAY_S + 0.003 + 0.02
    made.heard_s[:, :FRAMES] = made.back_s
    yield made
    os.close(fd)


def due() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return 100 + np.arange(CALLS)[:, None] * 0.005 + np.arange(FRAMES) * 0.02


def of(ledger: Ledger) -> Figures:
    return figures(ledger, due(), WINDOW, delay_s=DELAY_S, echo_s=0.02)


def test_a_flawless_run(ledger: Ledger) -> None:
    found = of(ledger)
    assert (found.lost, found.reader_late, found.damaged, found.foreign) == (0, 0, 0, 0)
    assert found.sent == pytest.approx(CALLS * 120, abs=CALLS)
    assert (found.added.p50, found.inbound.p50) == (pytest.approx(3.0), pytest.approx(2.0))
    assert found.pacing.max == pytest.approx(0.0, abs=1e-6)


def test_a_lost_frame_and_one_the_reader_missed(ledger: Ledger) -> None:
    ledger.back_s[1, 80] = ledger.read_s[1, 80] = np.nan
    ledger.back_s[2, 90], ledger.read_s[2, 90] = np.nan, READ_TOO_LATE
    found = of(ledger)
    assert (found.lost, found.reader_late) == (1, 1)
    assert found.damaged == 2, "something left in their place"


def test_a_late_packet_shows_in_pacing_and_in_what_is_added(ledger: Ledger) -> None:
    ledger.heard_s[3, 100] += 0.007
    ledger.back_s[3, 100] += 0.007
    found = of(ledger)
    assert found.pacing.max == pytest.approx(7.0)
    assert found.added.max == pytest.approx(10.0)


def test_frames_before_the_window_do_not_count(ledger: Ledger) -> None:
    ledger.back_s[:, :49] = np.nan
    ledger.heard_s[0, 10] += 5.0
    assert of(ledger).lost == 0


def test_an_engine_that_never_answers(ledger: Ledger) -> None:
    for times in (ledger.back_s, ledger.read_s, ledger.heard_s):
        times.fill(np.nan)
    found = of(ledger)
    assert found.lost == found.sent > 0
    assert found.to_dict()["added_ms"] == {"p50": None, "p99": None, "max": None}
