"""The engines for each language of an agent."""

from __future__ import annotations

from dataclasses import dataclass

from ari_bridge.providers.base import SpeechToText, TextToSpeech


@dataclass(frozen=True, slots=True)
class Tongue:
    stt: SpeechToText
    tts: TextToSpeech
