"""The engines of a cascade, those for each language of an agent among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ari_bridge.providers.base import LanguageModel, SpeechToText, TextToSpeech, TurnDetector


@dataclass(frozen=True, slots=True)
class Tongue:
    stt: SpeechToText
    tts: TextToSpeech


@dataclass(frozen=True, slots=True)
class CascadeEngines:
    """Shared by all calls of an agent."""

    stt: SpeechToText
    llm: LanguageModel
    tts: TextToSpeech
    languages: Mapping[str, Tongue] = field(default_factory=dict)
    """Those that the agent may switch to, by their tags; none where it has only one."""
    detector: TurnDetector | None = None
