"""The layout of the shared memory."""

from __future__ import annotations

from ari_bridge.media.shared import LINE_OCTETS, MEDIA

EVERY_TICK = ("frames", "heard", "flush_done", "received", "sent", "sent_silence", "underruns", "concealed")


def test_what_moves_at_every_tick_shares_a_cache_line() -> None:
    assert MEDIA.itemsize % LINE_OCTETS == 0
    assert MEDIA.fields is not None
    assert all(MEDIA.fields[name][1] < LINE_OCTETS for name in EVERY_TICK)
