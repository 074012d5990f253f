from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.codecs import ulaw
from ari_bridge.providers.tts.speaking.sound import Encoding, SoundDecoder, SoundFormat, telephone_format
from ari_bridge.providers.tts.speaking.wav import NotPcm, RawOrWav

RAW = SoundFormat(Encoding.PCM16, 24_000)
cuts = st.lists(st.integers(0, 200), max_size=8)


def cut(octets: bytes, at: list[int]) -> list[bytes]:
    return [octets[a:b] for a, b in pairwise(sorted({0, *at, len(octets)}))]


def wav(audio: bytes, *, kind: int = 1, channels: int = 1, bits: int = 16, before: bytes = b"") -> bytes:
    form = struct.pack("<HHIIHH", kind, channels, 22_050, 44_100, 2, bits)
    chunks = before + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 0xFFFFFFFF)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + chunks + audio


@given(cuts)
def test_samples_come_out_whole_wherever_the_bytes_are_cut(at: list[int]) -> None:
    pcm = np.arange(-100, 100, dtype=np.int16)
    decoder = SoundDecoder(SoundFormat(Encoding.PCM16, 8000), 8000)
    out = [decoder.feed(piece) for piece in cut(pcm.astype("<i2").tobytes(), at)]
    assert np.array_equal(np.concatenate([*out, decoder.finish()]), pcm)


@given(cuts)
def test_mu_law_too(at: list[int]) -> None:
    octets = bytes(range(200))
    decoder = SoundDecoder(SoundFormat(Encoding.MULAW, 8000), 8000)
    out = np.concatenate([decoder.feed(piece) for piece in cut(octets, at)])
    assert np.array_equal(out, ulaw.CODEC.decode(np.frombuffer(octets, np.uint8)))


def test_half_a_sample_at_the_end_is_dropped() -> None:
    decoder = SoundDecoder(SoundFormat(Encoding.PCM16, 8000), 8000)
    assert len(decoder.feed(b"\1\2\3")) == 1
    assert len(decoder.feed(b"")) == 0


def test_narrowband_is_asked_for_as_mu_law_and_wideband_as_pcm() -> None:
    assert telephone_format(8000) == SoundFormat(Encoding.MULAW, 8000)
    assert telephone_format(16_000) == SoundFormat(Encoding.PCM16, 16_000)
    assert telephone_format(48_000) == SoundFormat(Encoding.PCM16, 16_000)
    assert telephone_format(8000).seconds(800) == pytest.approx(0.1)
    assert telephone_format(16_000).seconds(3200) == pytest.approx(0.1)


@given(cuts, st.binary(max_size=50), st.sampled_from([b"", b"LIST\3\0\0\0abc\0", b"fact\4\0\0\0\0\0\0\0"]))
def test_a_wav_header_is_taken_off_wherever_it_is_cut(at: list[int], audio: bytes, before: bytes) -> None:
    stream = RawOrWav(RAW)
    out = b"".join(stream.feed(piece) for piece in cut(wav(audio, before=before), at))
    assert out == audio
    assert stream.source == SoundFormat(Encoding.PCM16, 22_050)


@given(cuts, st.binary(min_size=12, max_size=50).filter(lambda b: not b.startswith(b"RIFF")))
def test_raw_audio_is_left_as_it_is(at: list[int], audio: bytes) -> None:
    stream = RawOrWav(RAW)
    assert b"".join(stream.feed(piece) for piece in cut(audio, at)) == audio
    assert stream.source == RAW


@pytest.mark.parametrize(
    "file", [wav(b"", channels=2), wav(b"", bits=8), wav(b"", kind=7), wav(b"")[:12] + b"junk\0\0\0\0" * 600]
)
def test_other_wav_files_are_refused(file: bytes) -> None:
    with pytest.raises(NotPcm):
        RawOrWav(RAW).feed(file)
