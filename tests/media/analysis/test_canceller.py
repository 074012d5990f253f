"""The adaptive filter by itself: what it takes off, and what disturbs it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ari_bridge.media.analysis.canceller import FRAME, PARTITIONS, EchoCanceller

SLOTS = np.arange(1)
Wave = NDArray[np.float64]


def coloured(frames: int, seed: int) -> Wave:
    """Noise with the spectrum of a voice, in bursts."""
    rng = np.random.default_rng(seed)
    white = rng.normal(0, 1, frames * FRAME)
    wave = np.convolve(white, 0.9 ** np.arange(40))[: len(white)]
    return wave * (1 + np.sin(np.arange(len(wave)) / 900)) * 1000


def room(seed: int = 3) -> Wave:
    """An echo of 60 ms that begins within the first partition, at about -12 dB."""
    rng = np.random.default_rng(seed)
    tail = rng.normal(0, 1, 480) * np.exp(-np.arange(480) / 80)
    return np.concatenate([np.zeros(50), tail * (0.25 / np.sqrt(np.sum(tail**2)))])


def left(canceller: EchoCanceller, sent: Wave, received: Wave) -> tuple[Wave, list[float]]:
    """What is left, and the power that the canceller expected to miss in each frame."""
    before = np.concatenate([np.zeros(FRAME), sent])
    out, missed = [], []
    for at in range(0, len(sent), FRAME):
        theirs = received[None, at : at + FRAME].astype(np.float32)
        echo, power = canceller.cancel(SLOTS, before[None, at : at + 2 * FRAME].astype(np.float32), theirs)
        out.append(theirs[0] - echo[0])
        missed.append(float(power.sum()))
    return np.concatenate(out), missed


def reduction_db(received: Wave, rest: Wave, frames: slice) -> float:
    part = slice(frames.start * FRAME, frames.stop * FRAME)
    return float(10 * np.log10(np.mean(received[part] ** 2) / np.mean(rest[part] ** 2)))


def test_echo_is_taken_out_and_it_knows_how_well() -> None:
    sent = coloured(200, seed=1)
    received = np.convolve(sent, room())[: len(sent)] + np.random.default_rng(2).normal(0, 5, len(sent))
    rest, missed = left(EchoCanceller(1), sent, received)
    assert reduction_db(received, rest, slice(50, 75)) > 10
    assert reduction_db(received, rest, slice(150, 200)) > 20
    assert np.mean(missed[150:]) < 0.1 * np.mean(missed[10:30])


def test_the_caller_does_not_make_it_forget() -> None:
    sent, caller = coloured(250, seed=1), coloured(250, seed=5) * 0.5
    caller[: 125 * FRAME] = caller[175 * FRAME :] = 0
    echo = np.convolve(sent, room())[: len(sent)]
    rest, _ = left(EchoCanceller(1), sent, echo + caller)
    assert reduction_db(caller, rest - caller, slice(125, 175)) > 10, "the caller is heard as before"
    assert reduction_db(echo, rest, slice(176, 200)) > 18


def test_the_same_path_with_another_bulk_delay_goes_on_where_it_was() -> None:
    sent = coloured(220, seed=1)
    received = np.convolve(sent, room())[: len(sent)]
    canceller = EchoCanceller(1)
    left(canceller, sent[: 200 * FRAME], received[: 200 * FRAME])
    # From here on everything is 30 samples later on both sides, so what was sent is to be seen so.
    at = 200 * FRAME + 30
    ends = at - FRAME * np.arange(PARTITIONS)
    canceller.line_up(SLOTS, np.stack([sent[end - 2 * FRAME : end] for end in ends])[None].astype(np.float32))
    theirs = received[None, at : at + FRAME].astype(np.float32)
    echo, _ = canceller.cancel(SLOTS, sent[None, at - FRAME : at + FRAME].astype(np.float32), theirs)
    assert reduction_db(received[at : at + FRAME], (theirs - echo)[0], slice(0, 1)) > 18


@pytest.mark.parametrize("method", ["reset", "forget_sent"])
def test_rows_are_made_new_one_by_one(method: str) -> None:
    sent = coloured(30, seed=1).reshape(-1, FRAME).astype(np.float32)
    canceller, both = EchoCanceller(2), np.arange(2)

    def cancel(frame: int) -> NDArray[np.float32]:
        pair = np.tile(np.concatenate([sent[frame - 1], sent[frame]]), (2, 1))
        return canceller.cancel(both, pair, np.tile(sent[frame] * 0.25, (2, 1)))[0]

    for frame in range(1, 25):
        same = cancel(frame)
        assert same[0] == pytest.approx(same[1])
    {"reset": canceller.reset, "forget_sent": canceller.forget_sent}[method](np.array([1]))
    kept, new = cancel(25)
    assert np.abs(kept).max() > 10
    assert np.abs(kept - new).max() > 1
    if method == "reset":
        assert not new.any()
