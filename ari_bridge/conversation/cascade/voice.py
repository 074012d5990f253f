"""What the agent speaks with: an engine, and how it is to sound. Both may change in the middle of a call."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from dataclasses import replace

from ari_bridge.conversation.cascade.streams import stubborn
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Preparing, Speech, TextToSpeech, VoiceContext

log = logging.getLogger(__name__)


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

    async def prepare(self, text: str) -> None:
        """Have it ready for when the engine cannot speak any more, where the engine can do that."""
        if isinstance(self._tts, Preparing):
            try:
                await self._tts.prepare(text, self._context)
            except ProviderError as error:
                log.warning("text to speech: %r is not kept ready: %s", text, error)
