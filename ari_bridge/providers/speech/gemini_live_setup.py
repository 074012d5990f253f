"""How a session of the Gemini Live API is set up: the first message of a connection, and the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari_bridge.core import messages as m
from ari_bridge.providers.speech import base as b


@dataclass(frozen=True, slots=True)
class Configuration:
    model: str
    voice: str
    detection: Mapping[str, object]
    """automaticActivityDetection."""
    temperature: float | None


def setup(opening: b.Opening, wanted: Configuration, handle: str) -> Mapping[str, Any]:
    """`handle`: of the session that is to go on; "" for a new one."""
    speech: dict[str, Any] = {}
    if wanted.voice:
        speech["voiceConfig"] = {"prebuiltVoiceConfig": {"voiceName": wanted.voice}}
    if "-" in opening.language:
        speech["languageCode"] = opening.language
    generation: dict[str, Any] = {"responseModalities": ["AUDIO"], "speechConfig": speech}
    if wanted.temperature is not None:
        generation["temperature"] = wanted.temperature
    model = wanted.model if wanted.model.startswith("models/") else f"models/{wanted.model}"
    found: dict[str, Any] = {
        "model": model,
        "generationConfig": generation,
        "realtimeInputConfig": {"automaticActivityDetection": dict(wanted.detection)},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "sessionResumption": {"handle": handle} if handle else {},
        "contextWindowCompression": {"slidingWindow": {}},
    }
    if opening.prompt:
        found["systemInstruction"] = {"parts": [{"text": opening.prompt}]}
    if opening.tools:
        found["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in opening.tools]}]
    if opening.history and not handle:
        found["historyConfig"] = {"initialHistoryInClientContent": True}
    return found


def _declaration(tool: m.ToolSpec) -> Mapping[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parametersJsonSchema": dict(tool.parameters),
    }


def contents(history: Sequence[m.Message]) -> list[Mapping[str, Any]]:
    """As text: what an earlier session's tools did is told, not called again."""
    names = {call.call_id: call.name for message in history for call in message.tool_calls}
    found: list[Mapping[str, Any]] = []
    for message in history:
        if message.role is m.Role.TOOL:
            name = names.get(message.tool_call_id, "a tool")
            found.append(_content("user", f"[{name} answered: {message.text}]"))
        elif message.text:
            found.append(_content("model" if message.role is m.Role.AGENT else "user", message.text))
    return found


def _content(role: str, text: str) -> Mapping[str, Any]:
    return {"role": role, "parts": [{"text": text}]}
