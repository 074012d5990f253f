"""Digits in the media stream."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.telephone_event import DIGITS, TelephoneEvents


def payload(digit: str, duration: int, *, end: bool = False) -> np.ndarray:
    return np.array([DIGITS.index(digit), 0x80 * end + 10, duration >> 8, duration & 0xFF], dtype=np.uint8)


@given(
    pressed=st.lists(st.sampled_from(DIGITS), max_size=12),
    first=st.integers(0, 2**32 - 1),
    again=st.integers(1, 4),
)
def test_each_digit_is_told_once(pressed: list[str], first: int, again: int) -> None:
    events = TelephoneEvents(3)
    events.open(1)
    told = ""
    for number, digit in enumerate(pressed):
        start = (first + number * 1600) % 2**32
        for packet in range(5):
            told += events.receive(1, 7, start, payload(digit, 160 * packet))
        for _ in range(again):
            told += events.receive(1, 7, start, payload(digit, 800, end=True))
    assert told == "".join(pressed)


def test_the_same_digit_twice_is_two_digits_and_an_overtaken_packet_none() -> None:
    events = TelephoneEvents(1)
    events.open(0)
    assert events.receive(0, 7, 1000, payload("5", 160)) == "5"
    assert events.receive(0, 7, 3000, payload("5", 160)) == "5"
    assert events.receive(0, 7, 1000, payload("5", 320, end=True)) == ""


def test_a_new_stream_and_a_new_row_begin_anew() -> None:
    events = TelephoneEvents(1)
    events.open(0)
    assert events.receive(0, 7, 5000, payload("1", 160)) == "1"
    assert events.receive(0, 8, 4000, payload("2", 160)) == "2"
    events.open(0)
    assert events.receive(0, 8, 4000, payload("2", 160)) == "2"


def test_tones_are_no_digits() -> None:
    events = TelephoneEvents(1)
    events.open(0)
    assert events.receive(0, 7, 5000, np.array([32, 10, 0, 160], dtype=np.uint8)) == ""
