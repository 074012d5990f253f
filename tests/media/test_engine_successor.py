"""An engine that goes on with the rows of one that died: what leaves and what is heard, by turned clock."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.codecs.registry import find_codec, known_codecs
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.engine import MAX_CATCH_UP_S, Engine
from ari_bridge.media.pacing import HELD_BACK
from ari_bridge.media.rows import TICK_S
from tests.media.test_engine import Bench, Sent, datagram, peer

CODECS = pytest.mark.parametrize("codec", sorted(known_codecs()))


def die_for(bench: Bench, seconds: float, *slots: int) -> None:
    """The engine is gone; after `seconds` another one goes on with the rows `slots`."""
    bench.now += seconds
    bench.engine = Engine(
        bench.shared,
        list(known_codecs().values()),
        delay=DelayRange.fixed(0.04),
        now=bench.now,
        rng=np.random.default_rng(77),
        go_on_with=slots,
    )
    bench.tick()


def clocks(sent: list[Sent]) -> list[int]:
    """Of each packet, since the first."""
    return [(each.packet.timestamp - sent[0].packet.timestamp) % 2**32 for each in sent]


@CODECS
def test_a_short_gap_is_made_up_for(codec: str) -> None:
    bench, known = Bench(), find_codec(codec)
    row = bench.open(peer(1), codec)
    row.write(np.full(50 * known.frame_samples, 5000, np.int16))
    bench.run(0.2)
    die_for(bench, MAX_CATCH_UP_S - 0.05, 0)
    bench.run(1.0 - 0.2 - (MAX_CATCH_UP_S - 0.05))
    assert len(bench.sent) == 50
    first = bench.sent[0].packet
    assert {each.packet.ssrc for each in bench.sent} == {first.ssrc}
    assert [(each.packet.sequence - first.sequence) % 2**16 for each in bench.sent] == list(range(50))
    assert len(set(np.diff(clocks(bench.sent)))) == 1
    assert not any(each.packet.marker for each in bench.sent)
    assert row.heard == row.queued
    assert row.stats().sent == 50


@CODECS
def test_a_long_gap_is_left_out_and_marked(codec: str) -> None:
    bench, known = Bench(), find_codec(codec)
    row = bench.open(peer(1), codec)
    row.write(np.full(25 * known.frame_samples, 5000, np.int16))
    bench.run(0.2)
    before, heard = len(bench.sent), row.heard
    die_for(bench, 0.5, 0)
    bench.run(0.1)
    after = bench.sent[before].packet
    assert after.marker
    assert after.sequence == (bench.sent[before - 1].packet.sequence + 1) % 2**16
    frame = clocks(bench.sent)[1]
    assert clocks(bench.sent)[before] - clocks(bench.sent)[before - 1] == pytest.approx(26 * frame, abs=frame)
    assert heard < row.heard < row.queued, "audio is late, none of it is skipped"
    times = [each.at_s for each in bench.sent[before:]]
    assert np.allclose(np.diff(times[2:]), 0.02, atol=TICK_S)


@pytest.mark.parametrize("gap_s", [0.03, 0.15, 0.5])
def test_the_caller_is_heard_without_delay_that_stays(gap_s: float) -> None:
    """What came in meanwhile waits in the socket, and is handed over at once."""
    bench, ulaw = Bench(), find_codec("ulaw")
    row = bench.open(peer(1))
    bench.run(0.001)
    for number in range(10):
        bench.receive((peer(1), datagram(ulaw, number)))
        bench.run(0.02)
    row.read()
    died_s = bench.now
    bench.now += gap_s
    waiting = int(gap_s / 0.02)
    bench.engine = Engine(
        bench.shared,
        list(known_codecs().values()),
        delay=DelayRange.fixed(0.04),
        now=bench.now,
        rng=np.random.default_rng(77),
        go_on_with=[0],
    )
    for number in range(10, 10 + waiting):
        bench.receive((peer(1), datagram(ulaw, number)), arrival_s=died_s + (number - 10) * 0.02)
    bench.tick()
    bench.now = died_s + waiting * 0.02
    for number in range(10 + waiting, 60):
        bench.receive((peer(1), datagram(ulaw, number)))
        bench.run(0.02)
    row.read()
    # A frame of its own level, and when it comes out.
    for number in range(60, 80):
        level = np.full(160, 12000 if number == 65 else 100, np.int16)
        bench.receive((peer(1), datagram(ulaw, number, level)))
        sent_s = bench.now
        bench.run(0.02)
        if number == 65:
            loud_s = sent_s
    chunk = row.read()
    frames = chunk.pcm.reshape(-1, 160)
    loud = int(np.flatnonzero(np.abs(frames).max(axis=1) > 8000)[0])
    came_s = chunk.captured_s - (len(frames) - 1 - loud) * 0.02
    assert came_s - loud_s <= 0.08
    stats = row.stats()
    assert stats.received == 80
    assert stats.strangers == 0
    assert (stats.late > 0) == (gap_s > MAX_CATCH_UP_S)


def test_what_was_asked_for_meanwhile_is_done() -> None:
    bench = Bench()
    flushed, paused = bench.open(peer(1)), bench.open(peer(2))
    for row in (flushed, paused):
        row.write(np.full(8000, 5000, np.int16))
    bench.run(0.1)
    heard = [flushed.heard, paused.heard]
    number = flushed.want_flush()
    paused.set_paused(True)
    die_for(bench, 0.05, 0, 1)
    bench.run(0.1)
    assert flushed.flushed(number)
    assert heard[0] <= flushed.flush_heard < 8000
    assert flushed.heard == 8000
    assert paused.heard == heard[1]
    paused.set_paused(False)
    bench.run(0.1)
    assert paused.heard > heard[1]


def test_only_the_rows_that_are_named_go_on() -> None:
    bench = Bench()
    for number in range(3):
        bench.open(peer(number))
    bench.run(0.1)
    die_for(bench, 0.02, 1)
    bench.sent.clear()
    bench.run(0.1)
    assert {each.to for each in bench.sent} == {peer(1)}
    bench.engine.open(2, "alaw", peer(2), bench.now)
    bench.run(0.1)
    assert {each.to for each in bench.sent} == {peer(1), peer(2)}


def test_lateness_is_counted_for_those_that_left() -> None:
    bench = Bench()
    first, second = bench.open(peer(1)), bench.open(peer(2))
    for _ in range(HELD_BACK):
        bench.now += TICK_S * 8
        for _ in bench.engine.send(bench.now):
            bench.engine.left(bench.now + 0.004)
    assert first.stats().pacing_p99_ms == pytest.approx(second.stats().pacing_p99_ms, abs=25)
    assert 4 <= first.stats().pacing_p99_ms < 30
