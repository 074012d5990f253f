"""When each frame of each call is to leave the load process, and which never do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench.frames import FRAME_S, MAX_FRAMES
from ari_bridge.core.errors import SettingsError

START_S = 1.0
GRID_S = 0.001
"""The load process sends what is due once in this time."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """What the network does to the way from the caller."""

    loss: float = 0.0
    """Share of the packets that are lost, each by itself."""
    jitter_s: float = 0.0
    """Mean of the exponential delay that each packet has on top; packets may overtake each other."""

    @classmethod
    def parse(cls, text: str) -> Impairment:
        """From `loss=PERCENT,jitter=MS`, either or both. Raises SettingsError."""
        values = {"loss": 0.0, "jitter": 0.0}
        for part in filter(None, text.split(",")):
            name, _, number = part.partition("=")
            try:
                value = float(number)
            except ValueError:
                value = -1.0
            if name not in values or not 0 <= value <= 1000:
                raise SettingsError(f"--impair: {part!r} is none of loss=PERCENT, jitter=MS")
            values[name] = value
        if values["loss"] > 100:
            raise SettingsError("--impair: no more than 100 % of the packets can be lost")
        return cls(values["loss"] / 100, values["jitter"] / 1000)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Packets in order of time, as columns."""

    due_s: NDArray[np.float64]
    """From the start."""
    call: NDArray[np.int64]
    frame: NDArray[np.int64]
    """Also the packet's sequence number."""

    def __len__(self) -> int:
        return len(self.due_s)


def frames_in(seconds: float) -> int:
    """Raises SettingsError when frames could not be told from each other."""
    frames = round(seconds / FRAME_S)
    if frames >= MAX_FRAMES:
        raise SettingsError(f"--seconds: at most {int(MAX_FRAMES * FRAME_S) - 10}")
    return frames


def plan(calls: int, frames: int, impairment: Impairment, rng: np.random.Generator) -> Schedule:
    """Every call sends each 20 ms, from a moment of its own within the first START_S."""
    start_s = rng.uniform(0, START_S, calls)
    due_s = start_s[:, None] + np.arange(frames) * FRAME_S
    if impairment.jitter_s:
        due_s += rng.exponential(impairment.jitter_s, due_s.shape)
    due_s = np.ceil(due_s / GRID_S) * GRID_S
    kept = rng.random(due_s.shape) >= impairment.loss
    call, frame = np.nonzero(kept)
    due_s = due_s[kept]
    order = np.argsort(due_s, kind="stable")
    return Schedule(due_s[order], call[order], frame[order])
