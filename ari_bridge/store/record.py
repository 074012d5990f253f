"""A call's record: turns, latencies, digits, outcome, audio figures; written as `<call id>.json`."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class TurnRecord:
    """One turn. Times are ms since the call's start_monotonic_s. `text` is personal data."""

    who: str
    """caller or agent"""
    text: str
    start_ms: float
    end_ms: float
    heard: str | None = None
    """Agent turns: what of `text` the caller heard."""
    interrupted: bool = False
    latency_ms: dict[str, float] = field(default_factory=dict)
    """Agent turns, since the caller's last voiced frame: end_of_turn, transcript, model_asked, first_token,
    first_sentence, first_audio, first_packet."""
    metrics_ms: dict[str, float] = field(default_factory=dict)
    """The delays between them that have names: end_of_utterance_delay, transcription_delay, ttft, ttfb, e2e
    (dialogue/latency.py)."""


@dataclass(slots=True)
class DigitRecord:
    digit: str
    at_ms: float


@dataclass(slots=True)
class UsageRecord:
    """What one service was asked for, in the units that vendors bill."""

    service: str
    """Vendor and model."""
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input."""
    output_tokens: int = 0
    audio_s: float = 0.0
    characters: int = 0


@dataclass(slots=True)
class CallRecord:
    call_id: str
    agent: str
    did: str
    caller_number: str
    started_at: str
    """ISO 8601, UTC."""
    start_monotonic_s: float
    """CLOCK_MONOTONIC at the same instant, to set the record beside captures of the same machine."""
    duration_ms: float = 0.0
    turns: list[TurnRecord] = field(default_factory=list)
    digits: list[DigitRecord] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """What the dialplan got: ARIBRIDGESTATUS, ARIBRIDGECAUSE, ARIBRIDGECALLID."""
    media: dict[str, Any] = field(default_factory=dict)
    """MediaStats.to_dict()."""
    usage: list[UsageRecord] = field(default_factory=list)
    """By service; of this process's part of the call, where several have had it."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def write(record: CallRecord, directory: Path) -> Path:
    """Write the record whole or not at all. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{record.call_id}.json"
    handle, temporary = tempfile.mkstemp(dir=directory, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(record.to_dict(), file, indent=2, ensure_ascii=False)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return target
