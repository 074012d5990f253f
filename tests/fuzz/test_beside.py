"""Hostile packets, by hypothesis: nothing raises, other rows are bit for bit as without them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.media import rtp
from ari_bridge.media.codecs.registry import known_codecs
from tests.fuzz.beside import Beside

headers = st.builds(
    rtp.Packet,
    marker=st.booleans(),
    payload_type=st.sampled_from([0, 8, 9, 10, 11, 13, 101, 107, 118, 72, 127]),
    sequence=st.integers(0, 40) | st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 8000) | st.integers(0, 0xFFFFFFFF),
    ssrc=st.sampled_from([7, 7, 7, 8]),
    payload=st.binary(max_size=40) | st.integers(0, 2100).map(lambda n: b"\x11" * n),
)
rtp_like = st.builds(
    lambda packet, first, cut: (bytes([first]) + rtp.build(packet)[1:])[:cut],
    headers,
    st.sampled_from([0x80, 0x80, 0x80, 0x90, 0xA0, 0x8F, 0xBF, 0x40]),
    st.integers(0, 2200),
)
packets = st.tuples(st.booleans(), rtp_like | st.binary(max_size=80))


@pytest.mark.parametrize("codec", sorted(known_codecs()))
@settings(max_examples=30, deadline=None)
@given(frames=st.lists(st.lists(packets, max_size=6), min_size=1, max_size=12))
def test_no_packet_harms_the_engine_or_another_call(
    codec: str, frames: list[list[tuple[bool, bytes]]]
) -> None:
    beside = Beside(codec)
    for hostile in frames:
        beside.frame(hostile)
    beside.check()


@settings(max_examples=40, deadline=None)
@given(frames=st.lists(st.lists(packets, max_size=6), min_size=1, max_size=12))
def test_what_is_no_audio_is_not_heard(frames: list[list[tuple[bool, bytes]]]) -> None:
    """Other payload types, events, strangers, what is cut short: of these nothing is heard."""
    audible = (known_codecs()["slin48"].payload_type, rtp.COMFORT_NOISE)
    beside = Beside("slin48")
    for hostile in frames:
        beside.frame([(own, raw) for own, raw in hostile if len(raw) < 12 or raw[1] & 0x7F not in audible])
    assert beside.other.stats().received == 0
    assert beside.loudest_of_other == 0
