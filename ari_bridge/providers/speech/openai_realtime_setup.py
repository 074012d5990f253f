"""How a session of OpenAI's Realtime API is set up (session.update)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ari_bridge.core.messages import ToolSpec
from ari_bridge.providers.speech import base as b

PCM_HZ = 24_000
ULAW_HZ = 8000


@dataclass(frozen=True, slots=True)
class Configuration:
    model: str
    voice: str
    transcription_model: str
    takes_ulaw: bool
    turn_detection: Mapping[str, Any]
    noise_reduction: str
    max_output_tokens: int | None


def session(opening: b.Opening, wanted: Configuration, *, as_ulaw: bool) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": _audio(opening, wanted, as_ulaw=as_ulaw),
        "tools": [_function(tool) for tool in opening.tools],
        "tool_choice": "auto",
    }
    if opening.prompt:
        found["instructions"] = opening.prompt
    if wanted.max_output_tokens is not None:
        found["max_output_tokens"] = wanted.max_output_tokens
    return found


def _audio(opening: b.Opening, wanted: Configuration, *, as_ulaw: bool) -> Mapping[str, Any]:
    sound = {"type": "audio/pcmu"} if as_ulaw else {"type": "audio/pcm", "rate": PCM_HZ}
    hears: dict[str, Any] = {"format": sound, "turn_detection": dict(wanted.turn_detection)}
    if wanted.transcription_model:
        language = opening.language.split("-")[0].lower()
        hears["transcription"] = {"model": wanted.transcription_model, "language": language}
    if wanted.noise_reduction:
        hears["noise_reduction"] = {"type": wanted.noise_reduction}
    speaks: dict[str, Any] = {"format": sound}
    if wanted.voice:
        speaks["voice"] = wanted.voice
    return {"input": hears, "output": speaks}


def _function(tool: ToolSpec) -> Mapping[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
