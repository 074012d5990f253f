"""One round trip to an engine, with its times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ari_bridge.core.audio import FRAME_MS, Pcm16, samples
from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role
from ari_bridge.providers.base import (
    Heard,
    Kind,
    LanguageModel,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextDelta,
    TextToSpeech,
    Usage,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
    Warming,
)
from ari_bridge.providers.speech.base import (
    AgentAudio,
    AgentDone,
    AgentText,
    Ask,
    CallerAudio,
    Clear,
    Ended,
    Opening,
    SpeechSession,
    SpeechToSpeech,
)
from ari_bridge.providers.streams import StallLimits, watched
from ari_bridge.providers.tts.espeak import synthesize

PROMPT = "You are on the telephone. Answer in one short sentence."
LIMITS = StallLimits(first_s=20.0, next_s=20.0)
SILENCE_S = 0.5
"""After the caller's words."""


@dataclass(frozen=True, slots=True)
class Trial:
    answer: str
    """What came back, in words."""
    times_ms: Sequence[tuple[str, float]]
    usage: Sequence[Usage] = ()


Times: TypeAlias = list[tuple[str, float]]


class _Watch:
    def __init__(self) -> None:
        self._began_s = monotonic_s()
        self.times: Times = []

    def restart(self) -> None:
        self._began_s = monotonic_s()

    def once(self, name: str) -> None:
        if all(name != known for known, _ in self.times):
            self.times.append((name, (monotonic_s() - self._began_s) * 1000))


async def try_out(kind: Kind, engine: Any, text: str, rate_hz: int, language: str) -> Trial:
    """`engine` is of that kind; `text` is said to a recogniser or model, or spoken by a voice. Raises
    ProviderError."""
    watch = _Watch()
    if isinstance(engine, Warming):
        await engine.warm()
        watch.once("connection")
    match kind:
        case Kind.LLM:
            return await _model(engine, text, watch)
        case Kind.TTS:
            return await _voice(engine, text, rate_hz, language, watch)
        case Kind.STT:
            return await _recogniser(engine, text, rate_hz, language, watch)
        case Kind.SPEECH:
            return await _conversation(engine, text, rate_hz, language, watch)
        case Kind.TURN:
            raise ProviderError("a turn detector is not tried out alone", retryable=False)


async def _model(engine: LanguageModel, text: str, watch: _Watch) -> Trial:
    history = (Message(Role.SYSTEM, PROMPT), Message(Role.CALLER, text))
    answer, usage = "", []
    watch.restart()
    async with aclosing(watched(engine.reply(history, ()), LIMITS)) as deltas:
        async for delta in deltas:
            match delta:
                case TextDelta(piece):
                    watch.once("first token (ttft)")
                    answer += piece
                case Usage():
                    usage.append(delta)
    watch.once("whole answer")
    return Trial(answer, watch.times, usage)


async def _voice(engine: TextToSpeech, text: str, rate_hz: int, language: str, watch: _Watch) -> Trial:
    usage: list[Usage] = []
    context = VoiceContext(rate_hz, language, meter=usage.append)
    heard, words = 0, 0
    watch.restart()
    async with aclosing(watched(engine.speak(text, context), LIMITS)) as pieces:
        async for piece in pieces:
            words += len(piece.words)
            if np.any(piece.pcm):
                watch.once("first audio (ttfb)")
            heard += len(piece.pcm)
    watch.once("whole sentence")
    if not heard:
        raise ProviderError("it made no sound", retryable=True)
    timed = f"times of {words} words" if words else "no word times"
    return Trial(f"{heard / rate_hz:.2f} s of audio, {timed}", watch.times, usage)


async def _recogniser(engine: SpeechToText, text: str, rate_hz: int, language: str, watch: _Watch) -> Trial:
    usage: list[Usage] = []
    context = SpeechContext(rate_hz, language, phrases=(text,), meter=usage.append)
    answer = ""
    stream = watched(engine.transcribe(_caller(text, rate_hz, watch), context), LIMITS)
    async with aclosing(stream) as transcripts:
        async for transcript in transcripts:
            if transcript.final:
                watch.once("transcript, after the end of turn")
                answer = transcript.text
                break
            watch.once("first partial, after the first word")
    return Trial(answer, watch.times, usage)


async def _caller(text: str, rate_hz: int, watch: _Watch) -> AsyncGenerator[SttInput, None]:
    """Says it at the pace of speech, as a telephone does."""
    pcm = np.concatenate([synthesize(text, rate_hz, rate_wpm=150), _silence(SILENCE_S, rate_hz)])
    size = samples(FRAME_MS, rate_hz)
    yield UtteranceStart(1)
    watch.restart()
    begin_s = monotonic_s()
    for start in range(0, len(pcm), size):
        yield Heard(pcm[start : start + size])
        await asyncio.sleep(max(0.0, begin_s + start / rate_hz - monotonic_s()))
    watch.restart()
    yield UtteranceEnd(1)
    await asyncio.Event().wait()


async def _conversation(
    engine: SpeechToSpeech, text: str, rate_hz: int, language: str, watch: _Watch
) -> Trial:
    opening = Opening(rate_hz, language, PROMPT, (), (), "trial", "", "")
    answer, heard = "", 0
    watch.restart()
    async with engine.converse(opening) as session:
        watch.once("session")
        listening = asyncio.create_task(_send_silence(session, rate_hz))
        try:
            watch.restart()
            await session.send(Ask(f"Answer this: {text}"))
            async with aclosing(watched(session.events(), LIMITS)) as events:
                async for event in events:
                    match event:
                        case AgentAudio(_, pcm):
                            watch.once("first audio (ttfb)")
                            heard += len(pcm)
                            if not engine.abilities.tells_ends:
                                break
                        case AgentText(_, piece):
                            answer += piece
                        case AgentDone() | Ended() | Clear():
                            break
            if engine.abilities.tells_ends:
                watch.once("whole answer")
        finally:
            listening.cancel()
            await asyncio.wait([listening])
    return Trial(answer or f"{heard / rate_hz:.2f} s of audio", watch.times)


async def _send_silence(session: SpeechSession, rate_hz: int) -> None:
    while True:
        await session.send(CallerAudio(_silence(FRAME_MS / 1000, rate_hz)))
        await asyncio.sleep(FRAME_MS / 1000)


def _silence(seconds: float, rate_hz: int) -> Pcm16:
    return np.zeros(samples(seconds * 1000, rate_hz), np.int16)
