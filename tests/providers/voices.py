"""Every voice of the registry, ready to be tried: the vendors' with a fake of theirs behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Kind, Speech, TextToSpeech, Usage, VoiceContext, WordTime
from ari_bridge.providers.registry import build
from tests.providers.fakes.azure_speak import FakeAzureSpeak
from tests.providers.fakes.cartesia import FakeCartesia
from tests.providers.fakes.deepgram_speak import FakeDeepgramSpeak
from tests.providers.fakes.elevenlabs import FakeElevenLabs
from tests.providers.fakes.openai_speech import FakeOpenAiSpeech
from tests.providers.fakes.piper_voice import make_voice
from tests.providers.fakes.studio import Studio
from tests.providers.fakes.wyoming_speak import FakeWyomingSpeak

KEY_ENV = "ARI_BRIDGE_TEST_KEY"


class Fake(Protocol):
    studio: Studio

    def running(self) -> AbstractAsyncContextManager[str]:
        """Its URL."""
        ...


@dataclass(frozen=True)
class Case:
    """How a provider is set up for a test."""

    fake: Callable[[], Fake] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    url: str = "url"
    """The option that takes it."""
    words: bool = True
    """Whether it gives word times."""
    slowest: float = 0.7
    """The pace that it can go down to; 1.0: it has none."""
    needs_key: bool = True
    keeps: bool = True
    """Whether it keeps a connection from sentence to sentence."""
    nowhere: str = "ws://127.0.0.1:9"
    """An address where nobody listens."""


CASES: dict[str, Case] = {
    "espeak": Case(slowest=0.5),
    "elevenlabs": Case(FakeElevenLabs, {"voice": "Rachel/21"}),
    "cartesia": Case(FakeCartesia, {"voice": "a0e99841-438c-4a64-b679-ae501e7d6091"}, slowest=0.6),
    "piper": Case(words=False, slowest=0.5),
    "wyoming-tts": Case(
        FakeWyomingSpeak,
        url="uri",
        words=False,
        slowest=1.0,
        needs_key=False,
        keeps=False,
        nowhere="tcp://127.0.0.1:9",
    ),
    "azure-tts": Case(FakeAzureSpeak, slowest=0.5),
    "openai-tts": Case(
        FakeOpenAiSpeech, url="base_url", words=False, slowest=0.25, nowhere="http://127.0.0.1:9/v1"
    ),
    "deepgram-aura": Case(FakeDeepgramSpeak, words=False),
}
VENDORS = [name for name, case in CASES.items() if case.fake is not None]


@asynccontextmanager
async def standing(name: str, **options: Any) -> AsyncGenerator[tuple[TextToSpeech, Studio], None]:
    """A voice, built as settings build it, and the insides of the vendor it talks to. Nothing may be left."""
    case = CASES[name]
    fake = case.fake() if case.fake is not None else None
    given = {**case.options, **({"api_key_env": KEY_ENV} if case.fake and case.needs_key else {}), **options}
    if fake is None:
        with TemporaryDirectory() as folder:
            if name == "piper":
                given["voice"] = str(make_voice(Path(folder)))
            tts: TextToSpeech = build(name, Kind.TTS, given, table=f"providers.{name}")
            yield tts, Studio()
            await tts.close()
    else:
        async with fake.running() as url:
            tts = build(name, Kind.TTS, {case.url: url, **given}, table=f"providers.{name}")
            try:
                yield tts, fake.studio
            finally:
                await tts.close()
                await until(lambda: fake.studio.open == 0)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("waited 2 s in vain")


@dataclass
class Said:
    pieces: list[Speech] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)

    @property
    def pcm(self) -> Pcm16:
        return np.concatenate([np.zeros(0, np.int16), *(piece.pcm for piece in self.pieces)])

    @property
    def words(self) -> list[WordTime]:
        return [word for piece in self.pieces for word in piece.words]


async def say(
    tts: TextToSpeech, sentence: str, rate_hz: int = 8000, language: str = "en", pace: float = 1.0
) -> Said:
    said = Said()
    await say_into(said, tts, sentence, rate_hz, language, pace)
    return said


async def say_into(
    said: Said, tts: TextToSpeech, sentence: str, rate_hz: int = 8000, language: str = "en", pace: float = 1.0
) -> None:
    """For what does not end well."""
    async for piece in tts.speak(sentence, VoiceContext(rate_hz, language, pace, said.usage.append)):
        said.pieces.append(piece)
