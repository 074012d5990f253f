"""What the agent speaks with: an engine, and how it is to sound. Both may change in the middle of a call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from ari_bridge.conversation.cascade.streams import stubborn
from ari_bridge.providers.base import Speech, TextToSpeech, VoiceContext


class Voice:
    def __init__(self, tts: TextToSpeech, context: VoiceContext) -> None:
        self._tts, self._context = tts, context

    @property
    def language(self) -> str:
        return self._context.language

    def set_pace(self, pace: float) -> None:
        self._context = replace(self._context, pace=pace)

    def switch(self, tts: TextToSpeech, language: str) -> None:
        self._tts, self._context = tts, replace(self._context, language=language)

    def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        """Its audio. Raises ProviderError."""
        tts, context = self._tts, self._context
        return stubborn(lambda: tts.speak(sentence, context))
