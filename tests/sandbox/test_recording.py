"""Packets are laid on the time axis by their timestamps, from the fastest of them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.audio import Pcm16
from ari_bridge.sandbox.recording import Packet, Recording, laid_out, placed

RATE = 8000


def packet(at_s: float, timestamp: int, level: int = 1, ssrc: int = 7) -> Packet:
    return Packet(at_s, ssrc, timestamp % 2**32, np.full(160, level, np.int16))


def starts(side: Pcm16) -> list[int]:
    """Where the samples change, in ms."""
    return [int(at) * 1000 // RATE for at in np.flatnonzero(np.diff(side, prepend=np.int16(0)))]


def test_network_jitter_does_not_move_the_audio() -> None:
    delays_s = [0.0, 0.03, 0.005, 0.0]
    packets = [packet(10 + 0.02 * k + late, 160 * k, k + 1) for k, late in enumerate(delays_s)]
    side = laid_out(packets, RATE, 10.0, 10.1)
    assert starts(side) == [0, 20, 40, 60, 80]
    assert list(side[::160]) == [1, 2, 3, 4, 0]


def test_a_lost_packet_leaves_its_hole() -> None:
    side = laid_out([packet(10.0, 0), packet(10.04, 320)], RATE, 10.0, 10.06)
    assert starts(side) == [0, 20, 40]


def test_a_new_stream_is_placed_by_its_own_arrival() -> None:
    """Another SSRC, or timestamps that jump: the old distances mean nothing."""
    other = packet(10.5, 99, 2, ssrc=8)
    jump = packet(11.0, 5_000_000, 3)
    times = [at for at, _ in placed([packet(10.0, 0), other, packet(10.52, 99 + 160, 2, ssrc=8), jump], RATE)]
    assert times == [10.0, 10.5, 10.52, 11.0]


def test_what_lies_outside_is_cut() -> None:
    side = laid_out([packet(9.99, 0, 1), packet(10.01, 160, 2)], RATE, 10.0, 10.02)
    assert len(side) == 160
    assert (side[0], side[-1]) == (1, 2)


@given(
    first=st.integers(0, 2**32 - 1),
    late_ms=st.lists(st.integers(0, 150), min_size=1, max_size=50),
)
def test_any_jitter_below_the_limit_keeps_one_stream_in_order(first: int, late_ms: list[int]) -> None:
    packets = [packet(5 + 0.02 * k + late / 1000, first + 160 * k) for k, late in enumerate(late_ms)]
    times = [at for at, _ in placed(packets, RATE)]
    gaps = np.diff(times)
    assert np.allclose(gaps, 0.02)
    assert times[0] <= packets[0].at_s + 1e-9


def test_the_wav_is_stereo_caller_left(tmp_path: Path) -> None:
    recording = Recording(RATE, 0.0, np.array([1, 2], np.int16), np.array([-1, -2], np.int16))
    recording.write_wav(tmp_path / "new" / "call.wav")
    with wave.open(str(tmp_path / "new" / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        assert np.frombuffer(file.readframes(2), "<i2").tolist() == [1, -1, 2, -2]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["call.wav"]
