"""Recognition and voice for servers of the tests that are to be real: pocketsphinx, which expects what the
example script can be asked, and espeak-ng."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import (
    Heard,
    Kind,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextToSpeech,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
)
from ari_bridge.providers.registry import build
from tests.providers.fakes.reception import PHRASES


class OfflineEngines:
    def __init__(self) -> None:
        self._ear: SpeechToText = build("pocketsphinx", Kind.STT, {}, table="pocketsphinx")
        self._voice: TextToSpeech = build("espeak", Kind.TTS, {}, table="espeak")
        self.understood: list[str] = []
        self.spoken: list[str] = []

    async def start(self) -> None:
        await self._recognise(np.zeros(8000, np.int16), 8000)  # which starts the recogniser's process

    async def recognise(self, pcm: Pcm16, rate_hz: int) -> str:
        text = await self._recognise(pcm, rate_hz)
        self.understood.append(text)
        return text

    async def speak(self, text: str, rate_hz: int, pace: float = 1.0) -> AsyncGenerator[bytes, None]:
        """16-bit mono PCM, as it is made."""
        self.spoken.append(text)
        async for speech in self._voice.speak(text, VoiceContext(rate_hz, pace=pace)):
            if len(speech.pcm):
                yield speech.pcm.astype("<i2").tobytes()

    async def close(self) -> None:
        await self._ear.close()
        await self._voice.close()

    async def _recognise(self, pcm: Pcm16, rate_hz: int) -> str:
        context = SpeechContext(rate_hz, phrases=PHRASES)
        async for transcript in self._ear.transcribe(_one_utterance(pcm), context):
            if transcript.final:
                return transcript.text
        return ""


async def _one_utterance(pcm: Pcm16) -> AsyncIterator[SttInput]:
    yield UtteranceStart(1)
    yield Heard(pcm)
    yield UtteranceEnd(1)
