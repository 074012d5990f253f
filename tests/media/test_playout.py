"""What leaves for the caller, sample by sample: both sides of a row together."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.playout import Playout
from ari_bridge.media.shared import SharedRows, size

ULAW = find_codec("ulaw")
FRAME = 160


class Row:
    """A row between the two: `put` plays, `tick` sends."""

    def __init__(self) -> None:
        self.shared = SharedRows(bytearray(size(2)), 2)
        self.row = BridgeRow(self.shared, 1, ULAW)
        self.playout = Playout(self.shared, ULAW.rate_hz, FRAME)
        self.playout.open(1)

    def put(self, count: int) -> int:
        """Play `count` samples that are numbered from 1 in the order played, as far as there is room."""
        pcm = (np.arange(self.row.queued, self.row.queued + count) % 30000 + 1).astype(np.int16)
        return self.row.write(pcm)

    def tick(self) -> Pcm16:
        pcm, speaking = self.playout.take(np.array([1]))
        return pcm[0] if len(speaking) else np.zeros(FRAME, dtype=np.int16)


def test_a_partly_filled_frame_ends_in_silence_and_counts_only_what_was_there() -> None:
    row = Row()
    row.put(250)
    assert row.tick().tolist() == list(range(1, 161))
    assert row.tick().tolist() == [*range(161, 251), *[0] * 70]
    assert row.row.heard == 250
    assert not row.tick().any()
    assert row.row.heard == 250


def test_pause_keeps_the_place() -> None:
    row = Row()
    row.put(480)
    row.tick()
    row.row.set_paused(True)
    assert not row.tick().any()
    assert row.row.heard == 160
    row.row.set_paused(False)
    assert row.tick()[0] == 161


def test_flush_answers_with_the_exact_position_and_ends_the_pause() -> None:
    row = Row()
    row.put(1000)
    row.tick()
    row.row.set_paused(True)
    number = row.row.want_flush()
    assert not row.row.flushed(number)
    row.put(160)  # the next turn, already
    assert row.tick()[0] == 1001
    assert row.row.flushed(number)
    assert row.row.flush_heard == 160
    assert row.row.heard == 1160


def test_a_full_ring_takes_no_more_until_something_has_left() -> None:
    row = Row()
    capacity = row.row.room
    assert capacity == 32768  # 4.096 s
    assert row.put(40000) == capacity
    assert row.put(10) == 0
    row.tick()
    assert row.put(1000) == FRAME


def test_only_a_gap_inside_speech_is_an_underrun() -> None:
    row = Row()

    def underruns() -> int:
        return row.row.stats().underruns

    row.put(320)
    for _ in range(5):  # 2 of audio, 3 dry
        row.tick()
    assert underruns() == 0
    row.put(320)
    row.tick()
    assert underruns() == 1
    for _ in range(60):  # a second later: another turn
        row.tick()
    row.put(160)
    row.tick()
    assert underruns() == 1
    row.put(160)
    row.row.set_paused(True)
    for _ in range(5):
        row.tick()
    row.row.set_paused(False)
    row.tick()
    assert underruns() == 1, "a pause is no underrun"
    row.row.want_flush()
    row.tick()
    row.put(160)
    row.tick()
    assert underruns() == 1, "a flush ends the speech"


class PlayoutMachine(RuleBasedStateMachine):
    """Against a plain list of the samples that may still leave."""

    def __init__(self) -> None:
        super().__init__()
        self.row = Row()
        self.waiting: list[int] = []
        self.sent = 0
        self.flushed = 0
        self.paused = False

    @rule(count=st.integers(0, 5000))
    def put(self, count: int) -> None:
        start = self.row.row.queued
        done = self.row.put(count)
        assert done == min(count, 32768 - len(self.waiting))
        self.waiting += [n % 30000 + 1 for n in range(start, start + done)]

    @rule()
    def tick(self) -> None:
        now, later = self.waiting[:FRAME], self.waiting[FRAME:]
        if self.paused:
            now, later = [], self.waiting
        assert self.row.tick().tolist() == [*now, *[0] * (FRAME - len(now))]
        self.waiting, self.sent = later, self.sent + len(now)
        assert self.row.row.heard == self.sent + self.flushed

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.row.row.set_paused(paused)
        self.paused = paused

    @rule()
    def flush(self) -> None:
        before = self.sent + self.flushed
        number = self.row.row.want_flush()
        self.flushed += len(self.waiting)
        self.waiting, self.paused = [], False
        self.tick()
        assert self.row.row.flushed(number)
        assert self.row.row.flush_heard == before


PlayoutMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestPlayout = PlayoutMachine.TestCase
