"""Speaks the agent's sentences into the call, in order, never far ahead of what is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from ari_bridge.conversation.cascade.filler import FillerAudio
from ari_bridge.conversation.cascade.voice import Voice
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.core.audio import samples
from ari_bridge.core.errors import ProviderError
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import WordSpan
from ari_bridge.media.plane import MediaPort
from ari_bridge.providers.base import Speech

log = logging.getLogger(__name__)

SPEECH_LEAD_MS = 2000
"""A sentence is synthesised when the audio before it has this much left: early enough never to be late, and
little is thrown away when the caller interrupts."""
FILLER_LEAD_MS = 300
"""A filler's next word is queued when there is this much left: it can be broken off soon."""


class Speaker:
    """One task speaks; a flush replaces it, and the next begins when the audio of the last is gone."""

    def __init__(
        self,
        port: MediaPort,
        voice: Voice,
        tasks: Tasks,
        handle: Callable[[s.Event], None],
        may_speak: Callable[[], Awaitable[None]],
    ) -> None:
        """`may_speak`: returns when there is somebody to hear the next sentence."""
        self._port, self._voice = port, voice
        self._tasks = tasks
        self._handle = handle
        self._may_speak = may_speak
        self._sentences: asyncio.Queue[s.Speak] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._flushing: asyncio.Task[None] | None = None

    def say(self, sentence: s.Speak) -> None:
        self._sentences.put_nowait(sentence)
        if self._task is None:
            self._task = self._tasks.start(self._speak_all, self._sentences, self._flushing)

    def flush(self) -> None:
        """Stop speaking, forget every sentence so far, and drop the audio of those that were spoken."""
        self._flushing = self._tasks.start(self._cut_off, self._task, self._flushing)
        unsaid, self._sentences = self._sentences, asyncio.Queue()
        while not unsaid.empty():
            unsaid.get_nowait()
            unsaid.task_done()
        self._task = None

    async def quiet(self) -> bool:
        """Until the sentences so far have been heard, or were cut off; False: there are new ones since."""
        sentences = self._sentences
        await sentences.join()
        await self._port.wait_heard(self._port.queued)
        return sentences is self._sentences

    async def _cut_off(self, speaking: asyncio.Task[None] | None, after: asyncio.Task[None] | None) -> None:
        if speaking is not None:
            speaking.cancel()
        before = {task for task in (speaking, after) if task is not None}
        if before:
            await asyncio.wait(before)
        self._handle(s.Flushed(await self._port.flush()))

    async def _speak_all(self, sentences: asyncio.Queue[s.Speak], after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait([after])
        lead = samples(SPEECH_LEAD_MS, self._port.rate_hz)
        try:
            while True:
                sentence = await sentences.get()
                try:
                    await self._may_speak()
                    await self._port.wait_heard(max(0, self._port.queued - lead))
                    await self._speak(sentence, sentences)
                finally:
                    sentences.task_done()
        except ProviderError as error:
            log.warning("text to speech: %s", error)
            self._handle(s.EngineFailed(s.Engine.TTS))

    async def _speak(self, sentence: s.Speak, after_it: asyncio.Queue[s.Speak]) -> None:
        if sentence.is_filler:
            await self._fill(sentence, lambda: not after_it.empty())
        else:
            async with aclosing(self._voice.speak(sentence.text)) as stream:
                async for piece in stream:
                    await self._play(sentence, piece)
        self._handle(s.SpeechEnded(sentence.sentence))

    async def _fill(self, filler: s.Speak, is_wanted_no_more: Callable[[], bool]) -> None:
        """A word at a time, until all is said or what is waited for has come."""
        async with aclosing(self._voice.speak(filler.text)) as stream:
            audio = FillerAudio([piece async for piece in stream], self._port.rate_hz)
        lead = samples(FILLER_LEAD_MS, self._port.rate_hz)
        while (piece := audio.next(is_wanted_no_more=is_wanted_no_more())) is not None:
            await self._play(filler, piece)
            await self._port.wait_heard(max(0, self._port.queued - lead))

    async def _play(self, sentence: s.Speak, piece: Speech) -> None:
        words = tuple(WordSpan(word.end_char, word.end_sample) for word in piece.words)
        self._handle(s.SpeechQueued(sentence.sentence, self._port.queued, len(piece.pcm), words))
        if len(piece.pcm):
            await self._port.play(piece.pcm)
