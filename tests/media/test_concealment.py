"""What is heard where audio is missing."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import FrameFlags, Pcm16
from ari_bridge.media.concealment import Concealer

HERE, LOST, PAUSE = (True, False), (False, False), (False, True)


def run(*blocks: tuple[tuple[bool, bool], tuple[bool, bool]], level: int = 10000) -> list[tuple[Pcm16, int]]:
    """Frames of two blocks, (there, silent); those that are there are at `level`, the rest is garbage."""
    concealer = Concealer(2, 160)
    concealer.open(1)
    out = []
    for frame in blocks:
        pcm = np.full((1, 160), -31000, dtype=np.int16)
        for i, (there, _) in enumerate(frame):
            if there:
                pcm[0, 80 * i : 80 * i + 80] = level
        flags = concealer.fill(
            np.array([1]),
            pcm,
            np.array([[there for there, _ in frame]]),
            np.array([[silent for _, silent in frame]]),
        )
        out.append((pcm[0], int(flags[0])))
    return out


def test_a_gap_is_filled_and_fades_to_silence_within_60_ms() -> None:
    frames = run((HERE, HERE), *[(LOST, LOST)] * 5)
    gap = np.concatenate([pcm for pcm, _ in frames[1:]])
    assert gap[0] > 9500
    assert np.all(np.diff(gap.astype(int)) <= 0)
    assert not gap[480:].any()
    conceal, silence = FrameFlags.CONCEALED, FrameFlags.SILENCE
    assert [flags for _, flags in frames] == [0, conceal, conceal, conceal, silence, silence]


def test_silence_on_purpose_is_left_silent() -> None:
    (_, good), (first, one), (second, two) = run((HERE, HERE), (PAUSE, PAUSE), (LOST, LOST))
    assert (good, one, two) == (0, FrameFlags.SILENCE, FrameFlags.SILENCE)
    assert not first.any()
    assert not second.any()


def test_half_a_frame_is_kept() -> None:
    _, (pcm, flags) = run((HERE, HERE), (HERE, LOST))
    assert np.all(pcm[:80] == 10000)
    assert 0 < pcm[80] < 10000
    assert flags == FrameFlags.CONCEALED
    _, (pcm, flags) = run((HERE, HERE), (PAUSE, HERE))
    assert not pcm[:80].any()
    assert np.all(pcm[80:] == 10000)
    assert flags == 0


def test_what_is_lost_before_the_first_packet_is_silent() -> None:
    ((pcm, flags),) = run((LOST, LOST))
    assert not pcm.any()
    assert flags == FrameFlags.SILENCE


def test_good_audio_ends_the_fade() -> None:
    frames = run((HERE, HERE), (LOST, LOST), (LOST, LOST), (HERE, HERE), (LOST, LOST))
    assert np.array_equal(frames[4][0], frames[1][0])
