"""The layout of the shared memory."""

from __future__ import annotations

import mmap
import resource
import sys

import pytest

from ari_bridge.media.shared import LINE_OCTETS, MEDIA, SharedRows, size

EVERY_TICK = ("frames", "heard", "flush_done", "received", "sent", "sent_silence", "underruns", "concealed")


def test_what_moves_at_every_tick_shares_a_cache_line() -> None:
    assert MEDIA.itemsize % LINE_OCTETS == 0
    assert MEDIA.fields is not None
    assert all(MEDIA.fields[name][1] < LINE_OCTETS for name in EVERY_TICK)


@pytest.mark.skipif(sys.platform != "linux", reason="madvise(MADV_POPULATE_WRITE) is Linux's")
def test_a_row_that_was_populated_needs_no_page_when_it_is_used() -> None:
    rows = SharedRows(mmap.mmap(-1, size(3)), 3)
    rows.populate(1, 8000)

    def pages_needed(slot: int) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        rows.rx(8000)[slot] = 1
        rows.tx[slot, :32768] = 1
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert pages_needed(1) <= 2, "but for something of Python's own"
    assert pages_needed(2) >= 20
