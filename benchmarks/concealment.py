"""How good concealment is: PESQ of speech with packets lost at random, against two simple ways.

    pip install pesq
    python benchmarks/concealment.py [--rate 8000|16000] [--voice flite|espeak] [--json FILE]

Sentences made by a synthesiser lose frames of 20 ms at random; what is missing is silence, or the last frame
again at 0.8 of its level each time, or what the product's Concealer makes up. Scored by PESQ (ITU-T P.862.1
at 8 kHz, P.862.2 at 16 kHz) against the speech as it was. The process costs no network and half a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pesq import pesq

from ari_bridge.core.audio import FRAME_MS, Pcm16, samples
from ari_bridge.media.comfort import ComfortNoise
from ari_bridge.media.concealment import Concealer
from ari_bridge.media.ring import BLOCKS_A_FRAME
from ari_bridge.media.shared import RX_FRAMES
from ari_bridge.sandbox import voices
from ari_bridge.sandbox.scenario import Voice

SENTENCES = (
    "Good morning, I would like to know whether my order has been sent yet.",
    "The number is four seven one, nine nine two, and my name is Miller.",
    "Please put me through to somebody in the accounts department, if you would.",
    "I called yesterday, but nobody could tell me when the engineer will come.",
    "She had your dark suit in greasy wash water all year.",
    "A large size in stockings is hard to sell at the end of the season.",
)
LOSSES = (0.02, 0.05, 0.10)
REPEATS = 6
"""Rows for each sentence, each with losses of its own."""


def with_silence(frames: Pcm16, lost: NDArray[np.bool_]) -> Pcm16:
    return np.where(lost[:, :, None], 0, frames).astype(np.int16)


def with_repetition(frames: Pcm16, lost: NDArray[np.bool_]) -> Pcm16:
    heard = frames.copy()
    for number in range(1, frames.shape[1]):
        gone = lost[:, number]
        heard[gone, number] = 0.8 * heard[gone, number - 1]
    return heard


def with_concealment(frames: Pcm16, lost: NDArray[np.bool_]) -> tuple[Pcm16, float]:
    """And the time it took, µs a lost frame."""
    rows, count, frame = frames.shape
    rate_hz = frame * 1000 // FRAME_MS
    noise = ComfortNoise(rows, np.random.default_rng(1))
    line = np.zeros((rows, RX_FRAMES, frame), dtype=np.int16)
    concealer = Concealer(line.reshape(rows, -1), rate_hz, noise)
    slots = np.arange(rows)
    for slot in slots.tolist():
        concealer.open(slot)
    heard = np.empty_like(frames)
    took_s = 0.0
    for number in range(count):
        gone = lost[:, number]
        line[:, number % RX_FRAMES] = np.where(gone[:, None], 12345, frames[:, number])
        there = np.repeat(~gone[:, None], BLOCKS_A_FRAME, axis=1)
        began = time.perf_counter()
        concealer.fill(slots, np.full(rows, number), there, np.zeros_like(there))
        took_s += time.perf_counter() - began
        noise.listen(slots[~gone], frames[~gone, number])
        heard[:, number] = line[:, number % RX_FRAMES]
    return heard, took_s / max(1, int(lost.sum())) * 1e6


def score(reference: Pcm16, heard: Pcm16) -> float:
    """Mean PESQ of all rows."""
    rate_hz = reference.shape[2] * 1000 // FRAME_MS
    mode = "nb" if rate_hz == 8000 else "wb"
    scores = [
        pesq(rate_hz, a.reshape(-1), b.reshape(-1), mode) for a, b in zip(reference, heard, strict=True)
    ]
    return float(np.mean(scores))


def speech(voice: Voice, rate_hz: int) -> Pcm16:
    """(rows, frames, samples): every sentence, as long as the shortest, REPEATS times."""
    spoken = [voices.speak(sentence, voice, rate_hz) for sentence in SENTENCES]
    frame = samples(FRAME_MS, rate_hz)
    count = min(len(pcm) for pcm in spoken) // frame
    return np.repeat(
        np.stack([pcm[: count * frame].reshape(count, frame) for pcm in spoken]), REPEATS, axis=0
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Score concealment by PESQ.")
    parser.add_argument("--rate", type=int, choices=(8000, 16000), default=8000)
    parser.add_argument("--voice", type=Voice, choices=list(Voice), default=Voice.FLITE)
    parser.add_argument("--json", type=Path)
    order = parser.parse_args()
    frames = speech(order.voice, order.rate)
    rng = np.random.default_rng(5)
    results = []
    length_s = frames.shape[1] * FRAME_MS / 1000
    print(f"{order.voice.value}, {order.rate} Hz: {len(frames)} rows of {length_s:.1f} s")
    print("loss    silence  repetition  concealment   µs a lost frame")
    for loss in LOSSES:
        lost = rng.random(frames.shape[:2]) < loss
        lost[:, :10] = False
        heard, cost_us = with_concealment(frames, lost)
        result = {
            "loss": loss,
            "silence": score(frames, with_silence(frames, lost)),
            "repetition": score(frames, with_repetition(frames, lost)),
            "concealment": score(frames, heard),
            "us_a_lost_frame": cost_us,
        }
        results.append(result)
        scores = (result["silence"], result["repetition"], result["concealment"])
        print(f"{loss:4.0%}  " + "  ".join(f"{score:10.2f}" for score in scores) + f"{cost_us:17.1f}")
    if order.json is not None:
        order.json.write_text(
            json.dumps({"rate_hz": order.rate, "voice": order.voice.value, "runs": results})
        )


if __name__ == "__main__":
    main()
