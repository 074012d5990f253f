"""Evidence of one call: the service's own record set beside what the caller's RTP shows.

The record says what the service believes; the recording is the caller's two audio streams. Both carry a
CLOCK_MONOTONIC start, so all of it is put on one timeline: ms since the recording's first sample.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.measure import BargeIn, Response, barge_ins, responses
from ari_bridge.sandbox.recording import Recording
from ari_bridge.store.record import CallRecord, DigitRecord, TurnRecord

SAME_TURN_MS = 1500
"""A measured moment belongs to a recorded turn when they are no further apart than this."""

_ONLY_DIGITS = re.compile(r"(\[digit .\]\s*)+")
"""How the dialogue writes pressed digits into the history."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A recorded turn on the recording's timeline."""

    who: str
    """caller or agent"""
    text: str
    start_ms: float
    end_ms: float
    heard: str | None = None
    interrupted: bool = False
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """The service's own stamps, since the caller's last voiced frame."""
    metrics_ms: Mapping[str, float] = field(default_factory=dict)
    """And the delays between them that have names."""
    response_ms: float | None = None
    """Agent turns: from the caller's last audible frame to the agent's first, in the recording."""
    voice_ms: float | None = None
    """The agent's first audible frame of a turn that has response_ms."""

    @property
    def is_pressed(self) -> bool:
        """A turn of the caller without a spoken word."""
        return self.who == "caller" and _ONLY_DIGITS.fullmatch(self.text) is not None


@dataclass(frozen=True, slots=True)
class Moment:
    """Something the caller's side did or saw."""

    at_ms: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What call.json holds."""

    call_id: str
    agent: str
    did: str
    started_at: str
    duration_ms: float
    """Of the recording."""
    turns: tuple[Turn, ...]
    barge_in: BargeIn | None
    """The first interruption that the record knows of too."""
    digits: tuple[DigitRecord, ...]
    variables: Mapping[str, str]
    media: Mapping[str, Any]
    caller: tuple[Moment, ...]
    hangup_cause: str
    agent_left_ms: float
    """When the service's part of the call was over."""
    human_answered: bool
    """After a transfer: whether the second extension answered."""
    problem: str = ""
    """Why the caller could not go through with its scenario; empty when it could."""

    def to_dict(self) -> dict[str, Any]:
        table = asdict(self)
        if self.barge_in is not None:
            table["barge_in"]["yield_ms"] = self.barge_in.yield_ms
        rounded: dict[str, Any] = _rounded(table)
        return rounded

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @property
    def responses_ms(self) -> list[float]:
        return [turn.response_ms for turn in self.turns if turn.response_ms is not None]

    @property
    def median_response_ms(self) -> float | None:
        return statistics.median(self.responses_ms) if self.responses_ms else None


def gather(
    record: CallRecord,
    recording: Recording,
    *,
    caller: Sequence[tuple[float, str, str]] = (),
    hangup_cause: str = "",
    human_answered: bool = False,
    problem: str = "",
) -> Evidence:
    """Set the service's record beside the caller's recording.

    `caller` is what the caller's side did: (monotonic time in s, kind, text).
    """
    shift_ms = (record.start_monotonic_s - recording.start_monotonic_s) * 1000
    measured = responses(recording.caller, recording.agent, recording.rate_hz)
    turns = tuple(_turn(turn, shift_ms, measured) for turn in record.turns)
    overlaps = barge_ins(recording.caller, recording.agent, recording.rate_hz)
    return Evidence(
        call_id=record.call_id,
        agent=record.agent,
        did=record.did,
        started_at=record.started_at,
        duration_ms=len(recording.caller) / recording.rate_hz * 1000,
        turns=turns,
        barge_in=next((overlap for overlap in overlaps if _known(overlap, turns)), None),
        digits=tuple(DigitRecord(digit.digit, digit.at_ms + shift_ms) for digit in record.digits),
        variables=record.variables,
        media=record.media,
        caller=tuple(
            Moment((at_s - recording.start_monotonic_s) * 1000, kind, text) for at_s, kind, text in caller
        ),
        hangup_cause=hangup_cause,
        agent_left_ms=record.duration_ms + shift_ms,
        human_answered=human_answered,
        problem=problem,
    )


def read_record(path: Path) -> CallRecord:
    """What the service wrote of a call. Raises SandboxError."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        table["turns"] = [TurnRecord(**turn) for turn in table["turns"]]
        table["digits"] = [DigitRecord(**digit) for digit in table["digits"]]
        return CallRecord(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SandboxError(f"{path}: not a call's record: {error}") from None


def _turn(turn: TurnRecord, shift_ms: float, measured: Sequence[Response]) -> Turn:
    start_ms = turn.start_ms + shift_ms
    response_ms = voice_ms = None
    if turn.who == "agent":
        near = min(measured, key=lambda m: abs(m.agent_voice_ms - start_ms), default=None)
        if near is not None and abs(near.agent_voice_ms - start_ms) < SAME_TURN_MS:
            response_ms, voice_ms = near.response_ms, near.agent_voice_ms
    return Turn(
        who=turn.who,
        text=turn.text,
        start_ms=start_ms,
        end_ms=turn.end_ms + shift_ms,
        heard=turn.heard,
        interrupted=turn.interrupted,
        latency_ms=dict(turn.latency_ms),
        metrics_ms=dict(turn.metrics_ms),
        response_ms=response_ms,
        voice_ms=voice_ms,
    )


def _known(overlap: BargeIn, turns: Sequence[Turn]) -> bool:
    """Whether the record has an interrupted turn that contains this moment."""
    return any(
        turn.interrupted
        and turn.start_ms - SAME_TURN_MS < overlap.caller_voice_ms < turn.end_ms + SAME_TURN_MS
        for turn in turns
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 1)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
