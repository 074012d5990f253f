"""Speech to text by pocketsphinx: offline, and only for sentences that are expected.

It decodes while the caller speaks, in a process of its own, so the final transcript is there some
milliseconds after the utterance ends. Speech that fits none of the expected sentences gives "".
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import (
    Heard,
    Kind,
    Provider,
    SpeechContext,
    SttInput,
    Transcript,
    UtteranceStart,
)
from ari_bridge.providers.stt.pocketsphinx_process import WorkerProcess, WorkerStream
from ari_bridge.providers.stt.pocketsphinx_worker import FrameKind

_log = logging.getLogger(__name__)

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
CMU_PHONES = frozenset((*_VOWELS.split(), *_CONSONANTS.split()))


class PocketsphinxOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    min_confidence: float = Field(default=0.5, ge=0, le=1)
    """Below it a final transcript is "". Lower: more is understood, and more misunderstood."""
    processes: int = Field(default=1, ge=1, le=64)
    """One decodes some 30 people who speak at the same time."""
    words: dict[str, str] = {}
    """Pronunciations the dictionary lacks: asterisk = "AE S T ER IH S K" (CMU phones)."""

    @field_validator("words")
    @classmethod
    def _are_phones(cls, words: dict[str, str]) -> dict[str, str]:
        for word, phones in words.items():
            strange = [phone for phone in phones.split() if phone not in CMU_PHONES]
            if strange or not phones.split():
                raise ValueError(f"{word}: {' '.join(strange) or 'nothing'} is no CMU phone")
        return {word.lower(): " ".join(phones.split()) for word, phones in words.items()}


class PocketsphinxSpeechToText:
    def __init__(self, options: PocketsphinxOptions) -> None:
        self._options = options
        self._processes: list[WorkerProcess] = []
        self._starting = asyncio.Lock()
        self._reported: set[str] = set()

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        """Raises ProviderError: no phrases to expect, another language than English, or the process died
        (retryable: the next call of this starts a new one)."""
        if context.language.partition("-")[0].lower() != "en":
            raise ProviderError(
                f"pocketsphinx: its model is English; the agent's language is {context.language!r}",
                retryable=False,
            )
        if not context.phrases:
            raise ProviderError(
                "pocketsphinx: the agent expects no phrases; set its phrases", retryable=False
            )
        process = await self._process()
        stream = await process.open(context.rate_hz, context.phrases, self._options.words)
        listener = _Listener(stream, self._options.min_confidence)
        feeding = asyncio.create_task(listener.feed(audio), name="pocketsphinx audio")
        feeding.add_done_callback(listener.on_fed)
        try:
            while (reply := await listener.reply()) is not None:
                if isinstance(reply, Transcript):
                    yield reply
                else:
                    self._report(reply)
        finally:
            feeding.cancel()
            stream.close()
            await asyncio.wait([feeding])

    async def close(self) -> None:
        async with self._starting:
            await asyncio.gather(*(process.close() for process in self._processes))
            self._processes = []

    async def _process(self) -> WorkerProcess:
        """The process with the fewest streams; a new one while there may be more, or one has died."""
        async with self._starting:
            dead = [process for process in self._processes if not process.is_alive]
            self._processes = [process for process in self._processes if process.is_alive]
            await asyncio.gather(*(process.close() for process in dead))
            idlest = min(self._processes, key=lambda process: process.load, default=None)
            if idlest is None or (idlest.load > 0 and len(self._processes) < self._options.processes):
                idlest = await WorkerProcess.start()
                self._processes.append(idlest)
            return idlest

    def _report(self, unknown_words: tuple[str, ...]) -> None:
        for word in unknown_words:
            if word not in self._reported:
                self._reported.add(word)
                _log.warning(
                    "pocketsphinx: %r has no pronunciation, phrases with it are left out; add it to words",
                    word,
                )


class _Listener:
    """Carries one call's audio to its stream, and makes transcripts of what comes back."""

    def __init__(self, stream: WorkerStream, min_confidence: float) -> None:
        self._stream, self._min_confidence = stream, min_confidence
        self._open: deque[int] = deque()
        """Utterances begun and not yet answered finally, oldest first."""

    async def feed(self, audio: AsyncIterator[SttInput]) -> None:
        async for item in audio:
            if isinstance(item, Heard):
                await self._stream.send(FrameKind.AUDIO, item.pcm.tobytes())
            elif isinstance(item, UtteranceStart):
                self._open.append(item.utterance)
                await self._stream.send(FrameKind.START)
            else:
                if item.utterance not in self._open:
                    self._open.append(item.utterance)
                await self._stream.send(FrameKind.END)
        await self._stream.send(FrameKind.CLOSE)

    def on_fed(self, feeding: asyncio.Task[None]) -> None:
        """Whatever stopped the audio is raised to whoever waits for the transcripts."""
        error = None if feeding.cancelled() else feeding.exception()
        if error is not None:
            self._stream.replies.put_nowait(error)

    async def reply(self) -> Transcript | tuple[str, ...] | None:
        """The next transcript, the words that have no pronunciation, or None at the end."""
        while True:
            reply = await self._stream.replies.get()
            if isinstance(reply, BaseException):
                raise reply
            kind, values = reply
            if kind is FrameKind.CLOSED:
                return None
            if kind is FrameKind.OPENED:
                return tuple(values["unknown_words"])
            if kind is FrameKind.FAILED:
                raise ProviderError(f"pocketsphinx: {values['message']}", retryable=False)
            if kind is FrameKind.FINAL:
                confidence = float(values["confidence"])
                text = values["text"] if confidence >= self._min_confidence else ""
                return Transcript(self._open.popleft(), text, final=True, confidence=confidence)
            if kind is FrameKind.PARTIAL and self._open:
                # What of the grammar fits best so far, be it a cough: a guess, until the confidence is known.
                return Transcript(self._open[0], values["text"], final=False, confidence=0.0)


def _build(options: PocketsphinxOptions) -> PocketsphinxSpeechToText:
    return PocketsphinxSpeechToText(options)


PROVIDER = Provider(
    name="pocketsphinx",
    kind=Kind.STT,
    options=PocketsphinxOptions,
    build=_build,
    summary="pocketsphinx with a grammar of expected sentences: offline default, English",
)
