"""What leaves for the caller, sample by sample: both sides of a row together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from numpy.typing import NDArray

from ari_bridge.core.audio import Onset, Pcm16
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.playout import Playout, fade_out
from ari_bridge.media.shared import SharedRows, size

ULAW = find_codec("ulaw")
FRAME = 160
FADE = 40  # 5 ms
ROOM = 32768 - 1600  # 4.096 s, of which 0.2 s are kept of what was heard


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


def test_the_onset_is_where_audio_began_and_when_that_frame_left() -> None:
    row = Row()

    def tick_at(now: float) -> None:
        row.tick()
        row.playout.left(now)

    tick_at(10.0)
    assert row.row.onset is None
    row.put(400)
    for frame in range(3):
        tick_at(10.02 + 0.02 * frame)
    assert row.row.onset == Onset(0, 10.02)
    assert row.row.onset.at_s(399, 8000) == pytest.approx(10.06)
    tick_at(10.08)  # it ran dry
    row.put(480)
    tick_at(10.1)
    assert row.row.onset == Onset(400, 10.1)
    row.row.set_paused(True)
    tick_at(10.12)
    row.row.set_paused(False)
    tick_at(10.14)
    assert row.row.onset == Onset(400 + 160 + FADE, 10.14)
    row.row.want_flush()
    row.put(160)
    tick_at(10.16)
    assert row.row.onset == Onset(880, 10.16)
    assert row.row.onset.at_s(879, 8000) is None


def test_an_onset_is_never_that_of_the_words_before() -> None:
    """Between a frame's being taken, which counts as heard, and its leaving."""
    row = Row()
    row.put(160)
    row.tick()
    row.playout.left(10.0)
    row.tick()  # it ran dry
    row.put(160)
    row.tick()
    assert row.row.heard == 320
    assert row.row.onset is None
    row.playout.left(12.0)
    assert row.row.onset == Onset(160, 12.0)


def test_pause_keeps_the_place_and_fades() -> None:
    row = Row()
    row.put(480)
    row.tick()
    row.row.set_paused(True)
    faded = row.tick().tolist()
    assert faded[0] == 161
    assert faded[:FADE] == sorted(faded[:FADE], reverse=True)
    assert faded[FADE - 1] < 3
    assert not any(faded[FADE:])
    assert row.row.heard == 160 + FADE, "what fades out was heard"
    assert not row.tick().any()
    row.row.set_paused(False)
    again = row.tick().tolist()
    assert again[:FADE] == sorted(again[:FADE])
    assert again[0] == 0
    assert again[FADE:] == list(range(160 + FADE + FADE + 1, 160 + FADE + FRAME + 1)), "nothing is left out"
    assert row.row.heard == 160 + FADE + FRAME


def test_flush_answers_with_the_exact_position_and_ends_the_pause() -> None:
    row = Row()
    row.put(1000)
    row.tick()
    row.row.set_paused(True)
    row.tick()
    number = row.row.want_flush()
    assert not row.row.flushed(number)
    row.put(160)  # the next turn, already
    assert row.tick().tolist() == list(range(1001, 1161)), "what is new begins at once, and whole"
    assert row.row.flushed(number)
    assert row.row.flush_heard == 160 + FADE
    assert row.row.heard == 1160


def test_a_flush_in_the_middle_fades_under_what_comes_next() -> None:
    row = Row()
    row.put(1000)
    row.tick()
    number = row.row.want_flush()
    row.row.write(np.full(FRAME, 5000, np.int16))
    sent = row.tick().astype(int) - 5000
    assert sent[0] == 161
    assert np.all(np.diff(sent[: FADE + 1]) <= 0)
    assert not sent[FADE:].any()
    assert row.row.flushed(number)
    assert row.row.flush_heard == 160 + FADE
    assert row.row.heard == 1000 + FRAME


def test_a_flush_counts_no_more_than_there_was() -> None:
    row = Row()
    row.put(FRAME + 7)
    row.tick()
    row.row.want_flush()
    assert np.count_nonzero(row.tick()) == 7
    assert row.row.flush_heard == FRAME + 7


def test_nothing_clicks() -> None:
    """However a loud tone is broken off and taken up, no two samples differ by more than its own steepest
    ones do, and a fifth for the fade's slope: a cut differs by up to 20 times that."""
    tone = np.rint(12000 * np.sin(2 * np.pi * 200 * np.arange(FRAME * 60) / 8000)).astype(np.int16)
    steepest = int(np.abs(np.diff(tone.astype(int))).max())
    for phase in range(0, 40, 5):
        row = Row()
        row.row.write(tone[phase : phase + FRAME * 40])
        sent = [row.tick() for _ in range(3)]
        row.row.set_paused(True)
        sent += [row.tick() for _ in range(3)]
        row.row.set_paused(False)
        sent += [row.tick() for _ in range(3)]
        row.row.set_gain_db(-12)
        sent += [row.tick() for _ in range(3)]
        row.row.want_flush()
        sent += [row.tick() for _ in range(3)]
        pcm = np.concatenate(sent).astype(int)
        assert np.abs(np.diff(pcm)).max() <= 1.2 * steepest


def test_gain_is_reached_within_a_frame_and_clips() -> None:
    row = Row()
    row.row.write(np.full(FRAME * 8, 4000, np.int16))
    assert np.all(row.tick() == 4000)
    row.row.set_gain_db(-20)
    gliding = row.tick().astype(int)
    assert np.all(np.diff(gliding) <= 0)
    assert 3900 < gliding[0] < 4000
    assert np.all(row.tick() == 400)
    row.row.set_gain_db(40)
    row.tick()
    assert np.all(row.tick() == 32767)
    row.row.set_gain_db(0)
    row.tick()
    assert np.all(row.tick() == 4000)


def test_a_full_ring_takes_no_more_until_something_has_left() -> None:
    row = Row()
    capacity = row.row.room
    assert capacity == ROOM
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
        self.sounding = False
        self.held = False

    @rule(count=st.integers(0, 5000))
    def put(self, count: int) -> None:
        start = self.row.row.queued
        done = self.row.put(count)
        assert done == min(count, ROOM - len(self.waiting))
        self.waiting += [n % 30000 + 1 for n in range(start, start + done)]

    @rule()
    def tick(self) -> None:
        if self.paused:
            expected = self._tail() if self.sounding else []
            self.held |= self.sounding
            self.sounding = False
        else:
            expected = self._leave(FRAME)
            self.sounding = len(expected) == FRAME
            if self.held:
                expected[:FADE] = faded(expected[:FADE], fade_out(FADE)[::-1])
            self.held = False
        assert self.row.tick().tolist() == [*expected, *[0] * (FRAME - len(expected))]
        assert self.row.row.heard == self.sent + self.flushed

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.row.row.set_paused(paused)
        self.paused = paused

    @rule(after=st.integers(0, 500))
    def flush(self, after: int) -> None:
        number = self.row.row.want_flush()
        tail = self._tail() if self.sounding else []
        heard = self.sent + self.flushed
        self.flushed += len(self.waiting)
        self.waiting, self.paused, self.held = [], False, False
        self.put(after)
        expected = self._leave(FRAME)
        self.sounding = len(expected) == FRAME
        expected += [0] * (FRAME - len(expected))
        expected[: len(tail)] = [a + b for a, b in zip(expected, tail, strict=False)]
        sent = self.row.tick().tolist()
        assert max(abs(a - min(b, 32767)) for a, b in zip(sent, expected, strict=True)) <= 1  # rounded once
        assert self.row.row.flushed(number)
        assert self.row.row.flush_heard == heard

    def _tail(self) -> list[int]:
        tail = self._leave(FADE)
        return faded(tail, fade_out(FADE))

    def _leave(self, count: int) -> list[int]:
        now, self.waiting = self.waiting[:count], self.waiting[count:]
        self.sent += len(now)
        return now


def faded(pcm: list[int], ramp: NDArray[np.float32]) -> list[int]:
    levels: list[int] = np.rint(np.array(pcm, np.int16) * ramp[: len(pcm)]).astype(int).tolist()
    return levels


PlayoutMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestPlayout = PlayoutMachine.TestCase


def test_rows_leave_bit_for_bit_wherever_their_rings_end() -> None:
    """What is taken at once for all rows is, for a few of them, cut in two by the end of their ring."""
    count, frames = 24, 450  # more than twice round the ring
    shared = SharedRows(bytearray(size(count)), count)
    rows = [BridgeRow(shared, slot, ULAW) for slot in range(count)]
    playout = Playout(shared, ULAW.rate_hz, FRAME)
    slots = np.arange(count)
    voice = np.random.default_rng(4).integers(1, 30000, (count, (frames + 2) * FRAME)).astype(np.int16)
    left: list[list[Pcm16]] = [[] for _ in rows]
    for frame in range(frames):
        for slot, row in enumerate(rows):
            begun = 37 * slot % FRAME  # so much later, or earlier, than the others at the ring's end
            until = (frame + 1) * FRAME - begun
            row.write(voice[slot, row.queued : until])
        pcm, speaking = playout.take(slots)
        for slot, samples in zip(speaking.tolist(), pcm, strict=True):
            left[slot].append(samples.copy())
    for slot, frames_left in enumerate(left):
        heard = np.concatenate(frames_left)
        said = voice[slot, : rows[slot].heard]
        begun = 37 * slot % FRAME
        assert np.array_equal(heard[: FRAME - begun], said[: FRAME - begun])
        assert np.array_equal(heard[FRAME:], said[FRAME - begun :])
