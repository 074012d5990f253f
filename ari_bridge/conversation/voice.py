"""What the agent speaks with: an engine, and how it is to sound."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ari_bridge.conversation.streams import stubborn
from ari_bridge.providers.base import Speech, TextToSpeech, VoiceContext


class Voice:
    def __init__(self, tts: TextToSpeech, context: VoiceContext) -> None:
        self._tts, self._context = tts, context

    def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        """Its audio. Raises ProviderError."""
        tts, context = self._tts, self._context
        return stubborn(lambda: tts.speak(sentence, context))
