"""A voice for words that the engine cannot say: it has failed, or cannot be asked."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ari_bridge.conversation.speech import signals as c
from ari_bridge.core.errors import ProviderError
from ari_bridge.dialogue.sentences import sentences_of
from ari_bridge.providers.base import Speech, TextToSpeech, VoiceContext
from ari_bridge.providers.speech import base as b

log = logging.getLogger(__name__)


class OwnVoice:
    def __init__(
        self, tts: TextToSpeech | None, context: VoiceContext, handle: Callable[[c.Event], None]
    ) -> None:
        """`tts`: None for none."""
        self._tts, self._context = tts, context
        self._handle = handle

    @property
    def is_there(self) -> bool:
        return self._tts is not None

    async def say(self, item: str, text: str) -> None:
        """As if an engine did."""
        self._handle(b.AgentText(item, text))
        try:
            for sentence in sentences_of(text):
                async with aclosing(self.speak(sentence)) as pieces:
                    async for piece in pieces:
                        self._handle(b.AgentAudio(item, piece.pcm))
        except ProviderError as error:
            log.warning("text to speech: %s", error)
        self._handle(b.AgentDone(item))

    async def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        """Its audio. Raises ProviderError."""
        if self._tts is None:
            raise ProviderError("the agent has no tts for words of its own", retryable=False)
        async for piece in self._tts.speak(sentence, self._context):
            yield piece
