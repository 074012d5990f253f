"""What two recorded voices did to each other, measured from their samples alone.

Nothing here knows what either program believes to have happened: a frame is audible or it is not. A frame
is 10 ms; it is audible above -50 dBFS, which µ-law and A-law idle noise (below -65 dBFS) never reach and
the first frame of spoken words does. All times are ms since the first sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16

FRAME_MS = 10
AUDIBLE_DBFS = -50.0
UTTERANCE_GAP_MS = 400
"""Quiet shorter than this is a pause within an utterance, not its end."""
CLICK_MS = 30
"""Less sound than this in a row is a click, not a voice."""


@dataclass(frozen=True, slots=True)
class Span:
    start_ms: float
    end_ms: float

    @property
    def length_ms(self) -> float:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller began while the agent was audible."""

    caller_voice_ms: float
    """Start of the caller's first voiced frame."""
    agent_silent_ms: float
    """End of the agent's last audible frame of the speech that was interrupted."""

    @property
    def yield_ms(self) -> float:
        return self.agent_silent_ms - self.caller_voice_ms


@dataclass(frozen=True, slots=True)
class Response:
    """The agent began after the caller had ended."""

    caller_silent_ms: float
    agent_voice_ms: float

    @property
    def response_ms(self) -> float:
        return self.agent_voice_ms - self.caller_silent_ms


def audible(pcm: Pcm16, rate_hz: int) -> NDArray[np.bool_]:
    """Which whole frames of `pcm` can be heard; shape (frames,)."""
    size = rate_hz * FRAME_MS // 1000
    frames = pcm[: len(pcm) // size * size].reshape(-1, size).astype(np.float64)
    floor = (32768.0 * 10 ** (AUDIBLE_DBFS / 20)) ** 2
    result: NDArray[np.bool_] = np.mean(frames**2, axis=1) > floor
    return result


def runs(frames: NDArray[np.bool_]) -> list[Span]:
    """The stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], frames, [False])).astype(np.int8)))
    return [
        Span(float(a * FRAME_MS), float(b * FRAME_MS)) for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def utterances(frames: NDArray[np.bool_]) -> list[Span]:
    """Stretches of speech: clicks left out, pauses within an utterance closed."""
    found: list[Span] = []
    for run in runs(frames):
        if run.length_ms < CLICK_MS:
            continue
        if found and run.start_ms - found[-1].end_ms < UTTERANCE_GAP_MS:
            found[-1] = Span(found[-1].start_ms, run.end_ms)
        else:
            found.append(run)
    return found


def barge_ins(caller: Pcm16, agent: Pcm16, rate_hz: int) -> list[BargeIn]:
    """Each utterance of the caller that began while the agent spoke, and when the agent fell silent.

    Silent means: not one audible frame for UTTERANCE_GAP_MS, nor until the caller's utterance ends. An
    agent that takes a breath and talks on over the caller has not yielded; one that never does is silent
    where the recording ends.
    """
    agent_runs = runs(audible(agent, rate_hz))
    found = []
    for utterance in utterances(audible(caller, rate_hz)):
        onset_ms = utterance.start_ms
        after = [run for run in agent_runs if run.end_ms > onset_ms]
        before = [run for run in agent_runs if run.start_ms < onset_ms]
        if not after or not before:
            continue
        was_speaking = onset_ms - before[-1].end_ms < UTTERANCE_GAP_MS
        silent_ms = onset_ms
        for run in after:
            if run.start_ms >= max(silent_ms + UTTERANCE_GAP_MS, utterance.end_ms):
                break
            silent_ms = run.end_ms
        if was_speaking and silent_ms > onset_ms:
            found.append(BargeIn(onset_ms, silent_ms))
    return found


def responses(caller: Pcm16, agent: Pcm16, rate_hz: int) -> list[Response]:
    """For each utterance of the caller, the agent's first sound after it, before the caller speaks again."""
    said = utterances(audible(caller, rate_hz))
    answers = utterances(audible(agent, rate_hz))
    found = []
    for index, utterance in enumerate(said):
        until_ms = said[index + 1].start_ms if index + 1 < len(said) else float("inf")
        answer = next((a for a in answers if utterance.end_ms <= a.start_ms < until_ms), None)
        if answer is not None:
            found.append(Response(utterance.end_ms, answer.start_ms))
    return found
