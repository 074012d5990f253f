"""One conversation with a fake server of each vendor, for the contract of speech-to-speech engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall, ToolSpec
from ari_bridge.providers.base import Usage
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.gemini_live import GeminiLive, GeminiLiveOptions
from ari_bridge.providers.speech.openai_realtime import OpenAiRealtime, OpenAiRealtimeOptions
from tests.providers.fakes.gemini_live import GeminiLiveServer
from tests.providers.fakes.openai_realtime import OpenAiRealtimeServer
from tests.providers.fakes.speech_server import Brain, SpeechServer

WITHIN_S = 5.0
FRAME_S = 0.02
LOOK_UP = ToolSpec(
    "look_up",
    "an order",
    {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
)


@dataclass(frozen=True)
class Vendor:
    name: str
    server: Callable[[Brain], SpeechServer]
    engine: Callable[..., b.SpeechToSpeech]
    """(base URL, **options)"""
    audio: dict[str, Any]
    """A message of agent audio that is none."""


def _openai(base_url: str, **options: Any) -> b.SpeechToSpeech:
    return OpenAiRealtime(OpenAiRealtimeOptions(base_url=f"{base_url}/v1", **options))


def _gemini(base_url: str, **options: Any) -> b.SpeechToSpeech:
    return GeminiLive(GeminiLiveOptions(base_url=base_url, **options))


OPENAI = Vendor(
    "openai-realtime",
    OpenAiRealtimeServer,
    _openai,
    {"type": "response.output_audio.delta", "item_id": "item_1", "delta": "!"},
)
GEMINI = Vendor(
    "gemini-live",
    GeminiLiveServer,
    _gemini,
    {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "!"}}]}}},
)
VENDORS = (OPENAI, GEMINI)


def noise(seconds: float, rate_hz: int, level: float = 3000.0) -> Pcm16:
    return np.random.default_rng(1).normal(0, level, round(seconds * rate_hz)).astype(np.int16)


@dataclass
class Talk:
    """A session, its reader, and what came."""

    session: b.SpeechSession
    opening: b.Opening
    events: list[b.SpeechEvent] = field(default_factory=list)
    failure: ProviderError | None = None
    over: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        try:
            async with aclosing(self.session.events()) as events:
                async for event in events:
                    self.events.append(event)
                    self._news.set()
        except ProviderError as error:
            self.failure = error
        self.over = True
        self._news.set()

    async def until(self, reached: Callable[[Talk], bool], within_s: float = WITHIN_S) -> None:
        async with asyncio.timeout(within_s):
            while not reached(self):
                self._news.clear()
                await self._news.wait()

    async def say(self, seconds: float = 0.6, pause_s: float = 0.7) -> None:
        """The caller's voice, faster than it sounds; the server's clock is the audio."""
        rate_hz = self.opening.rate_hz
        pcm = np.concatenate((noise(seconds, rate_hz), np.zeros(round(pause_s * rate_hz), np.int16)))
        size = round(FRAME_S * rate_hz)
        for at in range(0, len(pcm), size):
            await self.session.send(b.CallerAudio(pcm[at : at + size]))

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def done(self, items: int) -> Callable[[Talk], bool]:
        return lambda talk: len(talk.of(b.AgentDone)) >= items

    def audio(self, item: str) -> Pcm16:
        return np.concatenate([e.pcm for e in self.of(b.AgentAudio) if e.item == item])

    def text(self, item: str) -> str:
        return "".join(event.text for event in self.of(b.AgentText) if event.item == item)

    @property
    def last_item(self) -> str:
        return str(self.of(b.AgentDone)[-1].item)


def called(talk: Talk) -> bool:
    return bool(talk.of(ToolCall))


@dataclass
class Bench:
    vendor: Vendor
    server: SpeechServer
    engine: b.SpeechToSpeech
    usage: list[Usage] = field(default_factory=list)

    def opening(self, **changes: Any) -> b.Opening:
        return replace(
            b.Opening(8000, "en", "Be kind.", (), (LOOK_UP,), "c1", "+4930", "100", self.usage.append),
            **changes,
        )

    @asynccontextmanager
    async def talk(self, **changes: Any) -> AsyncGenerator[Talk, None]:
        opening = self.opening(**changes)
        async with self.engine.converse(opening) as session:
            talk = Talk(session, opening)
            reading = asyncio.create_task(talk.read())
            try:
                yield talk
            finally:
                reading.cancel()
                await asyncio.wait([reading])

    async def left(self) -> None:
        """Until the server sees nobody any more."""
        async with asyncio.timeout(WITHIN_S):
            while self.server.open:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def bench(vendor: Vendor, brain: Brain | None = None, **options: Any) -> AsyncGenerator[Bench, None]:
    async with vendor.server(brain or Brain()).running() as server:
        engine = vendor.engine(server.base_url, **options)
        try:
            yield Bench(vendor, server, engine)
        finally:
            await engine.close()
