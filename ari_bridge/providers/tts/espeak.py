"""Text to speech by espeak-ng: offline, some 500 times faster than speech, plainly a machine's voice.

Long text is spoken clause by clause, so that a call with much to say never keeps the engine from the
others for more than some milliseconds, and a reader who stops early costs nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.media.resample import Resampler
from ari_bridge.providers.base import Kind, Provider, Speech, VoiceContext, WordTime
from ari_bridge.providers.tts.espeak_engine import Voice, WordStart, engine
from ari_bridge.providers.tts.speaking.text import parts

CLAUSE_CHARS = 300


class EspeakOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    voice: str = ""
    """A voice of espeak-ng, say "en-us+f3"; empty: the agent's language chooses."""
    rate_wpm: int = Field(default=165, ge=80, le=450)
    pitch: int = Field(default=50, ge=0, le=99)
    volume: int = Field(default=100, ge=0, le=200)


class WordTimer:
    """Turns a clause's word starts into WordTimes of the sentence: a word ends where the next begins.

    `char_offset` and `sample_offset` (at `from_hz`) tell where in the sentence the clause begins.
    """

    def __init__(self, text: str, from_hz: int, to_hz: int, *, char_offset: int, sample_offset: int) -> None:
        self._text, self._scale = text, to_hz / from_hz
        self._char_offset, self._sample_offset = char_offset, sample_offset
        self._open: WordStart | None = None

    def start(self, word: WordStart) -> WordTime | None:
        """The word before `word`, which is now known to have ended."""
        before = self._open
        if not self._text[word.start_char : word.start_char + word.length].strip():
            return None
        if before is not None and word.start_char < before.start_char + before.length:
            # The rest of a number or of a symbol that is read as several words.
            length = max(before.length, word.start_char + word.length - before.start_char)
            self._open = WordStart(before.start_char, length, before.sample)
            return None
        self._open = word
        return self._closed(before, word.sample) if before is not None else None

    def end(self, sample: int) -> WordTime | None:
        """The last word, when the clause's audio has `sample` samples."""
        return self._closed(self._open, sample) if self._open is not None else None

    def _closed(self, word: WordStart, end_sample: int) -> WordTime:
        said = self._text[word.start_char : word.start_char + word.length].rstrip()
        start = self._char_offset + word.start_char
        return WordTime(start, start + len(said), self._at(word.sample), self._at(end_sample))

    def _at(self, sample: int) -> int:
        return round((self._sample_offset + sample) * self._scale)


class _Clause:
    """One visit of the engine's thread: it puts pieces in, the event loop takes them out."""

    def __init__(self, text: str, voice: Voice, timer: WordTimer, resampler: Resampler) -> None:
        self._text, self._voice, self._timer, self._resampler = text, voice, timer, resampler
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Speech | ProviderError | None] = asyncio.Queue()
        self.engine_samples = 0
        """How much the engine has spoken, at its own rate."""
        self.unwanted = False
        """Set by the reader: the engine stops at its next piece."""

    def run(self) -> None:
        if self.unwanted:
            return
        try:
            engine().speak(self._text, self._voice, self._on_piece)
        except ProviderError as error:
            self._put(error)
            return
        last = self._timer.end(self.engine_samples)
        if last is not None:
            self._put(Speech(np.zeros(0, dtype=np.int16), (last,)))
        self._put(None)

    def _on_piece(self, pcm: Pcm16, starts: tuple[WordStart, ...]) -> bool:
        words = tuple(time for start in starts if (time := self._timer.start(start)) is not None)
        self.engine_samples += len(pcm)
        self._put(Speech(self._resampler.process(pcm), words))
        return not self.unwanted

    def _put(self, piece: Speech | ProviderError | None) -> None:
        if not self.unwanted:
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, ProviderError):
                raise piece
            yield piece


class EspeakTextToSpeech:
    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        """Pieces of some 60 ms at `context.rate_hz`; a word's time comes with the piece in which it ends.

        Raises ProviderError, for a language without a voice too.
        """
        options = self._options
        rate_wpm = round(options.rate_wpm * context.pace)
        voice = Voice(options.voice or context.language, rate_wpm, options.pitch, options.volume)
        resampler = Resampler(engine().rate_hz, context.rate_hz)
        said = 0
        for offset, text in parts(sentence, CLAUSE_CHARS):
            timer = WordTimer(
                text, resampler.from_hz, resampler.to_hz, char_offset=offset, sample_offset=said
            )
            clause = _Clause(text, voice, timer, resampler)
            job = self._thread.submit(clause.run)
            try:
                async for speech in clause.pieces():
                    yield speech
                said += clause.engine_samples
            finally:
                clause.unwanted = True
                job.cancel()
        if said:
            yield Speech(resampler.flush())

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def synthesize(text: str, rate_hz: int, voice: str = "en-us", rate_wpm: int = 165) -> Pcm16:
    """All of `text` at once, in the calling thread. Shape (samples,). Raises ProviderError."""
    heard: list[Pcm16] = [np.zeros(0, dtype=np.int16)]
    resampler = Resampler(engine().rate_hz, rate_hz)

    def collect(pcm: Pcm16, words: tuple[WordStart, ...]) -> bool:
        heard.append(resampler.process(pcm))
        return True

    engine().speak(text, Voice(voice, rate_wpm), collect)
    heard.append(resampler.flush())
    return np.concatenate(heard)


def _build(options: EspeakOptions) -> EspeakTextToSpeech:
    try:
        known = engine().has_voice(options.voice or "en")
    except ProviderError as error:
        raise SettingsError(f"use: {error}") from None
    if not known:
        raise SettingsError(f'voice: espeak-ng has no voice {options.voice!r} (try "en-us", "en-gb" or "de")')
    return EspeakTextToSpeech(options)


PROVIDER = Provider(
    name="espeak",
    kind=Kind.TTS,
    options=EspeakOptions,
    build=_build,
    summary="espeak-ng in process: offline default, over 100 languages, a robot's voice",
)
