"""Engines in virtual time: the offline ones without their threads and processes, so that a call is the same
each time; all others as they are, with the clock running as clocks do while they work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractContextManager, aclosing
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.core.messages import Message, ToolSpec
from ari_bridge.media.resample import Resampler
from ari_bridge.providers.base import (
    Heard,
    Kind,
    LanguageModel,
    ReplyDelta,
    Speech,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextToSpeech,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
    WordTime,
)
from ari_bridge.providers.registry import all_providers, build_provider
from ari_bridge.providers.streams import watched
from ari_bridge.providers.stt.pocketsphinx import PocketsphinxOptions
from ari_bridge.providers.stt.pocketsphinx_recogniser import Recogniser
from ari_bridge.providers.tts.espeak import CLAUSE_CHARS, EspeakOptions, WordTimer
from ari_bridge.providers.tts.espeak_engine import Voice, WordStart, engine
from ari_bridge.providers.tts.speaking.text import parts
from ari_bridge.scenario.virtual_time import running_loop
from ari_bridge.settings import Settings

T = TypeVar("T")

FINAL_DELAY_S = 0.02
"""Between an utterance's end and its transcript; measured with pocketsphinx in its process."""
SYNTHESIS_DELAY_S = 0.005
PARTIAL_EVERY_MS = 200


def build(settings: Settings, kind: Kind, name: str) -> Any:
    """As providers.registry.build_provider. Raises SettingsError."""
    built = build_provider(settings, kind, name)  # for its checks
    options = settings.providers.table(name)
    provider = all_providers()[str(options.pop("use", name))]
    checked = provider.options.model_validate(options)
    match checked:
        case EspeakOptions():
            return InlineEspeak(checked)
        case PocketsphinxOptions():
            return InlinePocketsphinx(checked)
    if provider.name in _NEVER_WAIT:
        return built
    return {Kind.STT: OutsideStt, Kind.LLM: OutsideLlm, Kind.TTS: OutsideTts}[kind](built)


_NEVER_WAIT = ("script",)


class InlineEspeak:
    """espeak-ng in the loop's own thread: some 500 times faster than speech."""

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        options = self._options
        rate_wpm = round(options.rate_wpm * context.pace)
        voice = Voice(options.voice or context.language, rate_wpm, options.pitch, options.volume)
        await asyncio.sleep(SYNTHESIS_DELAY_S)
        for piece in _spoken(sentence, voice, context.rate_hz):
            yield piece

    async def close(self) -> None: ...


@lru_cache(maxsize=512)
def _spoken(sentence: str, voice: Voice, rate_hz: int) -> tuple[Speech, ...]:
    """Kept, since espeak-ng speaks a sentence a little differently each time, by a millisecond or so: enough
    to move a word across the instant at which the agent is cut off."""
    pieces: list[Speech] = []
    said = 0
    resampler = Resampler(engine().rate_hz, rate_hz)
    for offset, text in parts(sentence, CLAUSE_CHARS):
        timer = WordTimer(text, resampler.from_hz, resampler.to_hz, char_offset=offset, sample_offset=said)
        clause = _Pieces(timer, resampler)
        engine().speak(text, voice, clause.take)
        said += clause.samples
        pieces += clause.done()
    if said:
        pieces.append(Speech(resampler.flush()))
    return tuple(pieces)


class _Pieces:
    def __init__(self, timer: WordTimer, resampler: Resampler) -> None:
        self._timer, self._resampler = timer, resampler
        self._found: list[Speech] = []
        self.samples = 0

    def take(self, pcm: Pcm16, starts: tuple[WordStart, ...]) -> bool:
        times = [time for start in starts if (time := self._timer.start(start)) is not None]
        self.samples += len(pcm)
        self._add(self._resampler.process(pcm), times)
        return True

    def done(self) -> list[Speech]:
        last = self._timer.end(self.samples)
        self._add(np.zeros(0, np.int16), [] if last is None else [last])
        return self._found

    def _add(self, pcm: Pcm16, words: Sequence[WordTime]) -> None:
        self._found.append(Speech(pcm, tuple(words)))


class InlinePocketsphinx:
    """pocketsphinx in the loop's own thread: some thirty times faster than speech."""

    def __init__(self, options: PocketsphinxOptions) -> None:
        self._options = options

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        recogniser = Recogniser(context.rate_hz, context.phrases, self._options.words)
        every = samples(PARTIAL_EVERY_MS, context.rate_hz)
        utterance, fed, guess = -1, 0, ""
        async for item in audio:
            match item:
                case UtteranceStart(utterance):
                    recogniser.start()
                    fed, guess = 0, ""
                case Heard(pcm):
                    recogniser.feed(pcm)
                    fed += len(pcm)
                    if fed >= every and utterance >= 0:
                        fed, before, guess = 0, guess, recogniser.partial()
                        if guess != before:
                            yield Transcript(utterance, guess, final=False)
                case UtteranceEnd(number):
                    understood = recogniser.finish()
                    await asyncio.sleep(FINAL_DELAY_S)
                    sure = understood.confidence >= self._options.min_confidence
                    text = understood.text if sure else ""
                    yield Transcript(number, text, final=True, confidence=understood.confidence)

    async def close(self) -> None: ...


# ------------------------------------------------------------------ engines that take real time


class OutsideLlm:
    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    @property
    def phrases(self) -> tuple[str, ...]:
        return self._model.phrases

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        async with aclosing(_timed(self._model.reply(history, tools))) as deltas:
            async for delta in deltas:
                yield delta

    async def close(self) -> None:
        await self._model.close()


class OutsideTts:
    def __init__(self, voice: TextToSpeech) -> None:
        self._voice = voice

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        async with aclosing(_timed(self._voice.speak(sentence, context))) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        await self._voice.close()


class OutsideStt:
    """Time is real from the beginning of an utterance to its transcript: partial ones come meanwhile."""

    def __init__(self, recogniser: SpeechToText) -> None:
        self._recogniser = recogniser

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        open_utterances: dict[int, AbstractContextManager[None]] = {}

        async def told() -> AsyncGenerator[SttInput, None]:
            async for item in audio:
                if isinstance(item, UtteranceStart):
                    open_utterances[item.utterance] = running_loop().work_outside()
                    open_utterances[item.utterance].__enter__()
                yield item

        try:
            async with aclosing(watched(self._recogniser.transcribe(told(), context))) as transcripts:
                async for transcript in transcripts:
                    if transcript.final and transcript.utterance in open_utterances:
                        open_utterances.pop(transcript.utterance).__exit__(None, None, None)
                    yield transcript
        finally:
            for utterance in open_utterances.values():
                utterance.__exit__(None, None, None)

    async def close(self) -> None:
        await self._recogniser.close()


async def _timed(items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """`items`, time being real while they are waited for."""
    async with aclosing(watched(items)) as stream:
        while True:
            try:
                with running_loop().work_outside():
                    item = await anext(stream)
            except StopAsyncIteration:
                return
            yield item
