"""The call's recogniser, kept running."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from ari_bridge.conversation.cascade.ears import Ears
from ari_bridge.conversation.cascade.streams import closable
from ari_bridge.core.errors import ProviderError
from ari_bridge.dialogue import signals as s
from ari_bridge.providers.base import SpeechContext, SpeechToText

log = logging.getLogger(__name__)

SURE = 0.5
"""A partial transcript with less confidence is a guess."""


class Recognition:
    def __init__(
        self, stt: SpeechToText, context: SpeechContext, ears: Ears, handle: Callable[[s.Event], None]
    ) -> None:
        self._stt, self._context = stt, context
        self._ears = ears
        self._handle = handle
        self._worked = True
        """It has understood something since it was started."""
        self._is_switched = False
        """The one that runs is to be replaced."""

    def switch(self, stt: SpeechToText, language: str) -> None:
        """Understand another language from now on."""
        self._stt, self._context = stt, replace(self._context, language=language)
        self._worked = self._is_switched = True
        self._start_anew()

    async def run(self) -> None:
        """A recogniser that fails is started anew if it had worked at all."""
        while True:
            try:
                await self._transcribe()
            except ProviderError as error:
                log.warning("speech to text: %s", error)
                if not (error.retryable and self._worked):
                    self._handle(s.EngineFailed(s.Engine.STT))
                    return
                self._worked = False
                self._start_anew()

    def _start_anew(self) -> None:
        for utterance in self._ears.restart():
            self._handle(s.Transcribed(utterance, ""))

    async def _transcribe(self) -> None:
        async with (
            aclosing(self._ears.stream()) as audio,
            aclosing(closable(self._stt.transcribe(audio, self._context))) as stream,
        ):
            async for transcript in stream:
                if transcript.final:
                    self._worked = True
                    self._ears.answered(transcript.utterance)
                    self._handle(s.Transcribed(transcript.utterance, transcript.text))
                else:
                    is_sure = transcript.confidence is None or transcript.confidence >= SURE
                    self._handle(s.PartlyTranscribed(transcript.utterance, transcript.text, is_sure))
        if self._is_switched:
            self._is_switched = False
            return
        raise ProviderError("the recogniser ended in the middle of the call", retryable=True)
