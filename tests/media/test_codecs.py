"""The codecs against others: audioop, FFmpeg and libopus by way of PyAV; and what each record promises."""

from __future__ import annotations

import audioop
from collections.abc import Callable

import av
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import MediaError
from ari_bridge.media.codecs import registry
from ari_bridge.media.codecs.base import Codec, Lack, Octets
from ari_bridge.media.codecs.opus import packet_ms, stow
from ari_bridge.media.codecs.registry import find_codec, known_codecs

EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
EVERY_OCTET = np.arange(256, dtype=np.uint8)
CODECS = sorted(known_codecs().values(), key=lambda codec: codec.name)
FORGETFUL = [codec for codec in CODECS if codec.memory is None]


def speech_like(rate_hz: int, seconds: float, seed: int = 2) -> Pcm16:
    """Noise below 3 kHz whose loudness goes up and down as syllables do."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.normal(size=int(rate_hz * seconds)))
    spectrum[int(3000 * seconds) :] = 0
    wave = np.fft.irfft(spectrum, int(rate_hz * seconds))
    wave *= 0.55 - 0.45 * np.cos(2 * np.pi * 4 * np.arange(len(wave)) / rate_hz)
    return np.rint(9000 * wave / np.abs(wave).max()).astype(np.int16)


def through(codec: Codec, octets: Octets, there: NDArray[np.bool_] | None = None) -> Pcm16:
    """Frames of one row, shape (frames, frame octets), decoded one after the other."""
    coders = codec.coders(3)
    coders.open(1)
    known = np.ones((len(octets), 2), dtype=np.bool_) if there is None else there
    frames = [
        coders.decode(np.array([1]), frame[None], blocks[None])[0]
        for frame, blocks in zip(octets, known, strict=True)
    ]
    return np.concatenate(frames)


def likeness_db(ours: Pcm16, theirs: Pcm16) -> float:
    """How much stronger `theirs` is than the difference."""
    error = ours.astype(np.float64) - theirs
    return float(10 * np.log10(np.sum(theirs.astype(np.float64) ** 2) / (np.sum(error**2) + 1e-9)))


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


def ffmpeg(codec: str, packets: list[bytes]) -> Pcm16:
    """Mono at 16 kHz as FFmpeg decodes it."""
    context = av.CodecContext.create(codec, "r")
    context.sample_rate = 16000
    context.layout = "mono"
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet))]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def test_g722_decodes_as_ffmpeg_does() -> None:
    codec = find_codec("g722")
    octets = np.random.default_rng(4).integers(0, 256, (50, 160), dtype=np.uint8)
    for frames in (octets, codec.encode(speech_like(16000, 1.0)).reshape(-1, 160)):
        assert np.array_equal(through(codec, frames), ffmpeg("g722", [frames.tobytes()]))


def test_g722_encodes_so_that_ffmpeg_hears_the_words() -> None:
    codec, pcm = find_codec("g722"), speech_like(16000, 1.0)
    coders = codec.coders(3)
    coders.open(1)
    octets = [coders.encode(np.array([1]), frame[None])[0].tobytes() for frame in pcm.reshape(-1, 320)]
    heard = ffmpeg("g722", octets)
    delay = 22  # of the two QMF banks, 24 taps each (ITU-T G.722, table 11)
    assert likeness_db(heard[delay:], pcm[:-delay]) > 20


def test_g722_finds_back_after_a_loss() -> None:
    codec = find_codec("g722")
    octets = codec.encode(speech_like(16000, 1.0)).reshape(-1, 160)
    whole = through(codec, octets)
    there = np.ones((50, 2), dtype=np.bool_)
    there[20:23] = False
    there[30, 1] = False
    holes = through(codec, octets, there)
    assert not holes[20 * 320 : 23 * 320].any()
    assert np.array_equal(holes[: 20 * 320], whole[: 20 * 320])
    assert likeness_db(holes[26 * 320 : 30 * 320], whole[26 * 320 : 30 * 320]) > 20
    assert likeness_db(holes[-5 * 320 :], whole[-5 * 320 :]) > 25


def test_g722_rows_do_not_disturb_each_other() -> None:
    codec = find_codec("g722")
    pcm = np.stack([speech_like(16000, 0.2, seed) for seed in range(3)]).reshape(3, 10, 320)
    coders = codec.coders(5)
    slots = np.array([4, 0, 2])
    for slot in slots.tolist():
        coders.open(slot)
    together = np.stack([coders.encode(slots, pcm[:, n]) for n in range(10)], axis=1)
    for row, octets in zip(pcm, together, strict=True):
        assert np.array_equal(octets.reshape(-1), codec.encode(row.reshape(-1)))


# ------------------------------------------------------------------ Opus


def opus_packets(pcm: Pcm16, ptime_ms: int) -> list[bytes]:
    """From FFmpeg's libopus, at 48 kHz as telephones send it."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "mono", "s16"
    encoder.options = {"frame_duration": str(ptime_ms), "application": "voip"}
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate = 48000
    fifo = av.AudioFifo()
    fifo.write(frame)
    encoder.open()
    packets = []
    while piece := fifo.read(ptime_ms * 48):
        packets += [bytes(packet) for packet in encoder.encode(piece)]
    return packets


@pytest.mark.parametrize("ptime_ms", [10, 20, 40, 60])
def test_opus_decodes_as_ffmpeg_does(ptime_ms: int) -> None:
    codec = find_codec("opus")
    packets = opus_packets(speech_like(48000, 1.2), ptime_ms)
    stowed = [stow(np.frombuffer(packet, np.uint8)) for packet in packets]
    assert all(octets is not None and len(octets) == ptime_ms * 240 for octets in stowed)
    octets = np.concatenate([octets for octets in stowed if octets is not None])
    octets = octets[: len(octets) // codec.frame_octets * codec.frame_octets]
    ours = through(codec, octets.reshape(-1, codec.frame_octets))
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate, context.layout = 48000, "mono"
    frames = [frame.to_ndarray() for packet in packets for frame in context.decode(av.Packet(packet))]
    theirs = np.concatenate([frame.reshape(-1) for frame in frames]).astype(np.float64)
    wide = soxr.resample(ours.astype(np.float64), 16000, 48000, quality="VHQ")
    middle = slice(24000, 42000)
    assert max(likeness_db(wide[middle], np.roll(theirs, lag)[middle]) for lag in range(-60, 61)) > 20


def test_a_lost_opus_packet_leaves_a_hole_of_its_own_length() -> None:
    codec = find_codec("opus")
    stowed = [stow(np.frombuffer(packet, np.uint8)) for packet in opus_packets(speech_like(48000, 1.2), 40)]
    octets = np.stack([piece for piece in stowed if piece is not None]).reshape(-1, codec.frame_octets)
    there = np.ones((len(octets), 2), dtype=np.bool_)
    there[20:22] = False
    heard = through(codec, octets, there).reshape(-1, 320)
    assert not heard[20:22].any()
    assert np.abs(heard[22:]).max(axis=1).min() > 100
    there[18] = False  # its second half stands there, and is nothing without the first
    assert not through(codec, octets, there).reshape(-1, 320)[18:20].any()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=1200))
def test_no_octets_pass_for_opus_that_are_none(packet: bytes) -> None:
    octets = stow(np.frombuffer(packet, np.uint8))
    if octets is None:
        return
    frames = np.zeros((3, find_codec("opus").frame_octets), np.uint8)
    frames.reshape(-1)[: len(octets)] = octets
    assert len(through(find_codec("opus"), frames)) == 3 * 320


def test_opus_lengths_are_those_of_the_rfc() -> None:
    """Table 2 and section 3.2 of RFC 6716."""

    def ms(config: int, code: int, *more: int) -> float:
        return packet_ms(np.array([config << 3 | code, *more], np.uint8))

    assert [ms(config, 0) for config in (0, 1, 2, 3, 12, 13, 16, 17, 18, 19)] == [
        *(10, 20, 40, 60),
        *(10, 20),
        *(2.5, 5, 10, 20),
    ]
    assert (ms(1, 1), ms(1, 2), ms(16, 3, 4), ms(1, 3)) == (40, 40, 10, 0)
    assert packet_ms(np.zeros(0, np.uint8)) == 0
    assert stow(np.array([3 << 3 | 1], np.uint8)) is None, "120 ms"
    assert stow(np.full(599, 1 << 3, np.uint8)) is None, "too much for a telephone"


# ------------------------------------------------------------------ all


@pytest.mark.parametrize("codec", FORGETFUL, ids=lambda codec: codec.name)
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


@pytest.mark.parametrize("codec", FORGETFUL, ids=lambda codec: codec.name)
def test_odd_lengths_and_slices_decode(codec: Codec) -> None:
    sample_octets = codec.octets_per_clock
    octets = np.arange(2 * 7 * sample_octets, dtype=np.uint8).reshape(2, -1)
    assert np.array_equal(codec.decode(octets[:, : 5 * sample_octets]), codec.decode(octets)[:, :5])


@pytest.mark.parametrize("codec", FORGETFUL, ids=lambda codec: codec.name)
def test_a_second_pass_changes_nothing(codec: Codec) -> None:
    once = codec.decode(codec.encode(EVERY_SAMPLE))
    assert np.array_equal(codec.decode(codec.encode(once)), once)


def test_an_unknown_codec_is_named_with_those_there_are() -> None:
    with pytest.raises(
        MediaError, match=r"no codec 'gsm' \(codecs: alaw, g722, opus, slin, slin16, .*ulaw\)"
    ):
        find_codec("gsm")


def test_a_codec_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lack = Lack("opus", "libopus: pip install 'ari_bridge[opus]'")
    monkeypatch.setattr(registry, "known_codecs", dict)
    monkeypatch.setattr(registry, "discover", lambda *_: {"opus": lack})
    with pytest.raises(MediaError, match=r"codec opus needs libopus: pip install 'ari_bridge\[opus\]'"):
        find_codec("opus")


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_what_we_send_asterisk_takes_in(codec: Codec) -> None:
    """chan_rtp drops every packet of a dynamic payload type without a word."""
    assert find_codec(codec.send_as or codec.name).payload_type <= 34
