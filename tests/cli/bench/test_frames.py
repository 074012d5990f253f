"""A frame's audio is known again, wherever it was cut, and after the codec."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.cli.bench import frames
from ari_bridge.media.codecs.registry import find_codec


def stream(call: int, first: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    payload = np.zeros((count, frames.FRAME_OCTETS), dtype=np.uint8)
    frames.write(np.full(count, call), np.arange(first, first + count), payload)
    return payload.reshape(-1)


def test_it_survives_the_codec_bit_for_bit() -> None:
    ulaw = find_codec("ulaw")
    octets = stream(77, frames.MAX_FRAMES - 40, 40)
    assert np.array_equal(ulaw.encode(ulaw.decode(octets)), octets)
    assert not np.any(octets == ulaw.encode(np.zeros(1, np.int16))[0]), "nothing of it is silence"


@given(st.integers(0, 4000), st.integers(0, frames.MAX_FRAMES - 4), st.integers(0, frames.FRAME_OCTETS - 1))
def test_a_cut_anywhere_is_told_with_its_place(call: int, first: int, cut: int) -> None:
    octets = stream(call, first, 3)[cut : cut + frames.FRAME_OCTETS]
    marks = frames.read(octets[None, :])
    begin = int(marks.frame[0] - first) * frames.FRAME_OCTETS - cut
    assert marks.call[0] == call & frames.CALL_MASK
    assert marks.shift[0] == begin
    assert begin <= frames.FRAME_OCTETS - 6, "the frame named is in the payload"


@given(st.binary(min_size=frames.FRAME_OCTETS, max_size=frames.FRAME_OCTETS))
def test_other_audio_never_fails(payload: bytes) -> None:
    frames.read(np.frombuffer(payload, np.uint8)[None, :])


def test_silence_is_no_frame() -> None:
    marks = frames.read(np.full((1, frames.FRAME_OCTETS), 0xFF, np.uint8))
    assert (marks.frame[0], marks.call[0]) == (frames.UNKNOWN, frames.UNKNOWN)
