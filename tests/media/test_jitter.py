"""The jitter buffer, one row of it or several, with a clock turned by hand.

A sender's sample at clock c is the octet c % 251, so whatever comes out tells where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.jitter import LATE_RUN, Arrival, JitterBuffer

FRAME_S = 0.02
ULAW = find_codec("ulaw")


def voice(clock: int, count: int) -> np.ndarray:
    return ((np.arange(clock, clock + count) % 251) + 1).astype(np.uint8)


@dataclass
class Leg:
    """One row and the path to it. Frame n is played at n * 20 ms."""

    delay_s: float = 0.04
    max_s: float = 0.04
    ssrc: int = 7
    first_sequence: int = 65530
    first_timestamp: int = 2**32 - 400
    slot: int = 1
    frames: int = 0
    missing: int = 0
    skipped: int = 0
    buffer: JitterBuffer = field(init=False)

    def __post_init__(self) -> None:
        self.buffer = JitterBuffer(ULAW, 3, DelayRange(self.delay_s, 0.0, self.max_s))
        self.buffer.open(self.slot)

    def packet(self, number: int, arrival_s: float, *, clock: int | None = None, count: int = 160) -> Arrival:
        clock = number * 160 if clock is None else clock
        placed = self.buffer.place(
            np.array([self.slot]),
            sequence=np.array([self.first_sequence + number & 0xFFFF], dtype=np.uint16),
            timestamp=np.array([self.first_timestamp + clock & 0xFFFFFFFF], dtype=np.uint32),
            ssrc=np.array([self.ssrc], dtype=np.uint32),
            payload=voice(clock, count)[None, :],
            arrivals_s=np.array([arrival_s]),
            next_play_s=np.full(3, self.frames * FRAME_S),
        )
        if placed is None:
            return Arrival.PLACED
        self.missing += int(placed.lost[0])
        self.skipped += int(placed.skipped[0])
        return Arrival(int(placed.outcome[0]))

    def play(self) -> str | int:
        """The next frame: the clock of its first sample, or what stands in for it."""
        payload, there, silent = self.buffer.take(np.array([self.slot]))
        self.frames += 1
        if there.all():
            first = int(payload[0, 0]) - 1
            assert np.array_equal(payload[0], voice(first, 160)), "samples are out of place"
            return first
        if silent.all():
            return "silent"
        return "lost" if not (there | silent).any() else "partly"


def test_the_first_packet_waits_for_the_delay() -> None:
    leg = Leg()
    leg.play()
    assert leg.packet(0, 0.02) is Arrival.PLACED
    assert [leg.play() for _ in range(3)] == ["silent", "silent", 0]


@pytest.mark.parametrize("ptime_ms", [10, 15, 20, 25, 30, 40, 60])
def test_any_packet_length_gives_the_same_samples(ptime_ms: int) -> None:
    leg = Leg()
    count = ptime_ms * 8
    heard = bytearray()
    sent = 0
    for frame in range(50):
        while sent * ptime_ms / 1000 <= frame * FRAME_S:
            leg.packet(sent, sent * ptime_ms / 1000, clock=sent * count, count=count)
            sent += 1
        payload, there, _ = leg.buffer.take(np.array([leg.slot]))
        leg.frames += 1
        if there.all():
            heard += payload.tobytes()
        else:
            assert frame < 4, "a hole after the start"
    assert heard == voice(0, len(heard)).tobytes()
    assert len(heard) >= 46 * 160


@settings(max_examples=60, deadline=None)
@given(data=st.data(), delays=st.lists(st.integers(0, 39), min_size=5, max_size=40))
def test_jitter_below_the_delay_is_not_heard(data: st.DataObject, delays: list[int]) -> None:
    """However packets are delayed, repeated and overtaken within 40 ms, every sample comes in its place."""
    arrivals = [(number * 20 + delay) for number, delay in enumerate(delays)]
    arrivals[0] = 0
    events = [(at, number) for number, at in enumerate(arrivals)]
    events += [(at + 1, number) for at, number in data.draw(st.sampled_from([[], events[::2], events]))]
    events.sort()
    leg = Leg()
    played = []
    for frame in range(len(delays) + 2):
        while events and events[0][0] <= frame * 20:
            at, number = events.pop(0)
            leg.packet(number, at / 1000)
        played.append(leg.play())
    expected = [n * 160 % 251 for n in range(len(delays))]
    assert played == ["silent", "silent", *expected]
    assert leg.missing == 0


def test_a_lost_packet_is_lost_and_a_pause_is_silent() -> None:
    leg = Leg()
    leg.packet(0, 0.0)
    leg.packet(2, 0.03)  # number 1 is lost
    leg.packet(3, 0.05, clock=6 * 160)  # nothing between 2 and 3 was ever sent
    assert [leg.play() for _ in range(9)] == [
        *("silent", "silent"),
        0,
        "lost",
        320 % 251,
        *("silent", "silent", "silent"),
        960 % 251,
    ]
    assert leg.missing == 1


def test_announced_silence_is_not_loss() -> None:
    leg = Leg()
    leg.packet(0, 0.0)
    played = [leg.play() for _ in range(3)]
    leg.buffer.quieten(leg.slot)
    assert [*played, leg.play(), leg.play()] == ["silent", "silent", 0, "silent", "silent"]
    leg.packet(1, 0.1, clock=5 * 160)
    assert [leg.play(), leg.play(), leg.play()] == ["silent", "silent", 800 % 251]
    assert leg.play() == "lost"


def test_repeats_latecomers_and_overtaken_packets_are_told_apart() -> None:
    leg = Leg()
    assert leg.packet(0, 0.0) is Arrival.PLACED
    assert leg.packet(2, 0.0) is Arrival.PLACED
    assert leg.packet(1, 0.0) is Arrival.REORDERED
    assert leg.packet(1, 0.0) is Arrival.DUPLICATE
    assert leg.packet(2, 0.0) is Arrival.DUPLICATE
    for _ in range(6):
        leg.play()
    assert leg.packet(3, 0.121) is Arrival.LATE
    assert leg.packet(5, 0.121) is Arrival.PLACED
    assert leg.missing == 1
    assert [leg.play(), leg.play()] == ["lost", 800 % 251]


@pytest.mark.parametrize("jump", [9000, -9000, 2**31 - 1])
def test_a_jump_of_the_timestamps_starts_again(jump: int) -> None:
    leg = Leg()
    for number in range(3):
        leg.packet(number, number * FRAME_S)
        leg.play()
    leg.first_timestamp += jump
    for number in range(3, 6):
        outcome = leg.packet(number, number * FRAME_S)
        assert outcome is (Arrival.RESTARTED if number == 3 else Arrival.PLACED)
    assert leg.missing == 0
    assert [leg.play() for _ in range(5)] == ["silent", "silent", *(n * 160 % 251 for n in (3, 4, 5))]


def test_another_ssrc_starts_again() -> None:
    leg = Leg()
    leg.packet(0, 0.0)
    leg.ssrc, leg.first_sequence = 8, 20
    leg.packet(1, 0.0)
    assert leg.missing == 0
    assert [leg.play() for _ in range(4)] == ["silent", "silent", 160, "lost"]


def test_a_path_that_became_slower_is_followed() -> None:
    leg = Leg()
    late = 0.2
    for number in range(30):
        arrival = number * FRAME_S + (late if number >= 10 else 0)
        while leg.frames * FRAME_S < arrival:
            leg.play()
        outcome = leg.packet(number, arrival)
        if number == 9 + LATE_RUN:
            assert outcome is Arrival.RESTARTED
        elif number > 9 + LATE_RUN:
            assert outcome is Arrival.PLACED
    assert leg.play() == 27 * 160 % 251  # 40 ms behind the newest again


def test_our_own_standstill_is_no_slower_path() -> None:
    """Packets that came in time but were read late do not move the play head."""
    leg = Leg()
    leg.packet(0, 0.0)
    for _ in range(20):
        leg.play()
    for number in range(1, 15):
        assert leg.packet(number, number * FRAME_S) is Arrival.LATE
    for number in range(18, 21):
        assert leg.packet(number, number * FRAME_S) is Arrival.PLACED
    assert leg.play() == 18 * 160 % 251


def test_skipped_frames_are_gone_and_the_rest_is_in_place() -> None:
    leg = Leg()
    for number in range(10):
        leg.packet(number, 0.0)
    leg.buffer.skip(np.array([leg.slot]), 5)
    leg.frames += 5
    assert leg.play() == 480 % 251
    leg.buffer.skip(np.array([leg.slot]), 100)
    leg.frames += 100
    assert leg.play() == "lost"


def test_a_long_run_wraps_nothing() -> None:
    leg = Leg()
    for number in range(1000):
        leg.packet(number, number * FRAME_S)
        assert leg.play() == ("silent" if number < 2 else (number - 2) * 160 % 251)


def test_odd_packets_that_overlap_the_head_are_cut() -> None:
    leg = Leg()
    leg.packet(0, 0.0)
    for _ in range(3):
        leg.play()
    assert leg.packet(1, 0.061, clock=100, count=220) is Arrival.PLACED
    assert leg.play() == 160


def test_a_late_packet_is_waited_for_while_nothing_later_has_come() -> None:
    """What comes after its time is played whole, and the delay has grown by what was missing."""
    leg = Leg(max_s=0.2)
    leg.packet(0, 0.0)
    leg.packet(1, 0.02)
    assert [leg.play() for _ in range(5)] == ["silent", "silent", 0, 160, "lost"]
    assert leg.packet(2, 0.09) is Arrival.WAITED_FOR
    assert leg.packet(3, 0.095) is Arrival.PLACED
    assert [leg.play(), leg.play()] == [320 % 251, 480 % 251]
    assert leg.missing == 0
    assert leg.buffer.delay.delay_s(np.array([leg.slot])) == pytest.approx(0.06)


def test_the_delay_does_not_grow_beyond_what_is_allowed() -> None:
    leg = Leg(max_s=0.05)
    leg.packet(0, 0.0)
    for _ in range(5):
        leg.play()
    assert leg.packet(1, 0.09) is Arrival.LATE
    assert leg.packet(3, 0.095) is Arrival.PLACED
    assert leg.play() == 480 % 251


def test_sequence_numbers_without_room_in_time_are_no_loss() -> None:
    """As on Asterisk's leg while its caller presses a digit: 10 numbers used up, 100 ms gone by."""
    leg = Leg()
    leg.packet(0, 0.0)
    leg.packet(11, 0.12, clock=6 * 160)
    assert (leg.missing, leg.skipped) == (0, 10)
    assert [leg.play() for _ in range(9)] == ["silent", "silent", 0, *["silent"] * 5, 960 % 251]
    leg.packet(13, 0.16, clock=8 * 160)
    assert (leg.missing, leg.skipped) == (1, 10), "a packet whose time passed is lost"
    assert leg.play() == "lost"


@settings(max_examples=200, deadline=None)
@given(lost=st.integers(1, 20), ptime_ms=st.sampled_from([10, 20, 30, 40, 60]))
def test_real_loss_is_never_taken_for_something_else(lost: int, ptime_ms: int) -> None:
    leg = Leg(delay_s=0.04)
    count = ptime_ms * 8
    if (lost + 2) * ptime_ms < 800:
        leg.packet(0, 0.0, clock=0, count=count)
        leg.packet(lost + 1, 0.0, clock=(lost + 1) * count, count=count)
        assert (leg.missing, leg.skipped) == (lost, 0)


def test_packets_without_audio_use_up_their_numbers() -> None:
    leg = Leg()
    leg.packet(0, 0.0)
    for number in (1, 2, 3):
        sequence = leg.first_sequence + number & 0xFFFF
        assert leg.buffer.pass_over(leg.slot, sequence, leg.ssrc) == 0
        assert leg.buffer.pass_over(leg.slot, 1000 + number, ssrc=99) == 0, "of another stream"
    leg.packet(4, 0.08, clock=4 * 160)
    assert (leg.missing, leg.skipped) == (0, 0)


def test_a_stream_too_early_starts_again() -> None:
    leg = Leg()
    leg.packet(0, 0.0)
    leg.play()
    assert leg.packet(1, 0.02, clock=8000) is Arrival.RESTARTED
    assert [leg.play() for _ in range(3)] == ["silent", "silent", 8000 % 251]


@pytest.mark.parametrize("blocks", [1, 3, 8, 11])
def test_what_is_to_come_can_be_played_later_or_earlier(blocks: int) -> None:
    leg = Leg(delay_s=0.2, max_s=0.3)
    clocks = blocks * 20
    for number in range(9):
        leg.packet(number, 0.0)
    for _ in range(10):
        leg.play()
    leg.buffer.wait(leg.slot, blocks, pause=True)
    payload, there, silent = leg.buffer.take(np.array([leg.slot]))
    leg.frames += 1
    assert silent[0, : min(8, blocks)].all()
    assert not there[0, : min(8, blocks)].any()
    if blocks < 8:
        assert there[0, blocks:].all()
        assert np.array_equal(payload[0, clocks:], voice(0, 160 - clocks))
    payload, there = leg.buffer.drop(leg.slot, blocks)
    assert np.array_equal(payload[-20:] if there[-1] else voice(140, 20), voice(140, 20))
    assert leg.play() == 160
    leg.packet(9, 0.0)
    assert leg.play() == 320 % 251


def test_no_arrival_is_a_surprise() -> None:
    """Any packets at any time: nothing raises, and whole frames come out in place or not at all."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 40),
                st.integers(-200, 200),
                st.integers(-2000, 2000),
                st.sampled_from([160, 80, 33]),
            ),
            max_size=40,
        )
    )
    def check(packets: list[tuple[int, int, int, int]]) -> None:
        leg = Leg(max_s=0.2)
        for number, late_ms, off, count in packets:
            leg.packet(number, leg.frames * FRAME_S + late_ms / 1000, clock=number * 160 + off, count=count)
            leg.buffer.take(np.array([leg.slot]))
            leg.frames += 1

    check()
