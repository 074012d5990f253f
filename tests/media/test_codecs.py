"""The codecs against the standard library's audioop, bit for bit, and what each record promises."""

from __future__ import annotations

import audioop
from collections.abc import Callable

import numpy as np
import pytest

from ari_bridge.core.errors import MediaError
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.registry import find_codec, known_codecs

EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
EVERY_OCTET = np.arange(256, dtype=np.uint8)
CODECS = sorted(known_codecs().values(), key=lambda codec: codec.name)


@pytest.mark.parametrize(
    ("name", "to_octets", "to_pcm"),
    [("ulaw", audioop.lin2ulaw, audioop.ulaw2lin), ("alaw", audioop.lin2alaw, audioop.alaw2lin)],
)
def test_g711_equals_audioop(
    name: str, to_octets: Callable[[bytes, int], bytes], to_pcm: Callable[[bytes, int], bytes]
) -> None:
    codec = find_codec(name)
    assert codec.encode(EVERY_SAMPLE).tobytes() == to_octets(EVERY_SAMPLE.tobytes(), 2)
    assert codec.decode(EVERY_OCTET).tobytes() == to_pcm(EVERY_OCTET.tobytes(), 2)


def test_slin16_sends_the_high_byte_first() -> None:
    codec = find_codec("slin16")
    assert codec.encode(np.array([0x0102, -2], dtype=np.int16)).tobytes() == b"\x01\x02\xff\xfe"
    assert codec.decode(np.frombuffer(b"\x01\x02\xff\xfe", np.uint8)).tolist() == [0x0102, -2]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_blocks_of_frames_are_coded_like_single_ones(codec: Codec) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(-32768, 32768, (5, codec.frame_samples), dtype=np.int16)
    octets = codec.encode(frames)
    assert octets.shape == (5, codec.frame_octets)
    decoded = codec.decode(octets)
    assert decoded.shape == frames.shape
    for i in range(5):
        assert np.array_equal(octets[i], codec.encode(frames[i]))
        assert np.array_equal(decoded[i], codec.decode(octets[i]))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_odd_lengths_and_slices_decode(codec: Codec) -> None:
    sample_octets = codec.octets_per_clock
    octets = np.arange(2 * 7 * sample_octets, dtype=np.uint8).reshape(2, -1)
    assert np.array_equal(codec.decode(octets[:, : 5 * sample_octets]), codec.decode(octets)[:, :5])


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_a_second_pass_changes_nothing(codec: Codec) -> None:
    once = codec.decode(codec.encode(EVERY_SAMPLE))
    assert np.array_equal(codec.decode(codec.encode(once)), once)


def test_an_unknown_codec_is_named_with_those_there_are() -> None:
    with pytest.raises(MediaError, match=r"no codec 'opus' \(codecs: alaw, slin, slin16, ulaw\)"):
        find_codec("opus")


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_what_we_send_asterisk_takes_in(codec: Codec) -> None:
    """chan_rtp drops every packet of a dynamic payload type without a word."""
    assert find_codec(codec.send_as or codec.name).payload_type <= 34
