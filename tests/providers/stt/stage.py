"""A vendor's server, its client, and calls of words that both understand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest

from ari_bridge.core.audio import samples
from ari_bridge.providers.base import (
    Heard,
    Kind,
    SpeechContext,
    SpeechToText,
    SttInput,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.providers.registry import build
from ari_bridge.providers.stt.streaming.pace import Pace
from ari_bridge.providers.vendor import retry
from tests.providers.fakes import stt_fakes
from tests.providers.fakes.spoken import spoken
from tests.providers.fakes.stt_server import Fake

FAKES = {fake.NAME: fake for fake in stt_fakes.ALL}
TELEPHONE = SpeechContext(8000)
SHORT = 0.002


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Second tries follow at once, audio that has waited goes out at once."""
    monkeypatch.setenv("ARI_BRIDGE_TEST_KEY", Fake.KEY)
    monkeypatch.setattr(Pace, "pause_s", lambda *_: 0.0)
    monkeypatch.setattr(retry.Retry, "pause_s", _hurried(retry.Retry.pause_s))


def _hurried(pause_s: Callable[..., float | None]) -> Callable[..., float | None]:
    def hurried(*arguments: Any) -> float | None:
        return None if pause_s(*arguments) is None else 0.0

    return hurried


def utterance(number: int, text: str, rate_hz: int = 8000, *, ends: bool = True) -> Iterable[SttInput]:
    yield UtteranceStart(number)
    pcm = spoken(text, rate_hz)
    frame = samples(20, rate_hz)
    for offset in range(0, len(pcm), frame):
        yield Heard(pcm[offset : offset + frame])
    if ends:
        yield UtteranceEnd(number)


async def call(*texts: str, rate_hz: int = 8000, hangs_up: bool = True) -> AsyncGenerator[SttInput, None]:
    for number, text in enumerate(texts):
        for item in utterance(number, text, rate_hz):
            yield item
        await asyncio.sleep(0)
    if not hangs_up:
        await asyncio.Event().wait()


class Stage:
    """One vendor's server, its client, and what came of a call."""

    def __init__(self, name: str) -> None:
        self.fake = FAKES[name]()
        self.name = name

    async def __aenter__(self) -> Stage:
        await self.fake.start()
        self.stt: SpeechToText = self.client()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stt.close()
        await self.stt.close()
        await until(lambda: self.fake.open == 0)
        await self.fake.stop()
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})

    def client(self, **options: object) -> Any:
        keyed = {"api_key_env": "ARI_BRIDGE_TEST_KEY"} if FAKES[self.name].KEYED else {}
        return build(self.name, Kind.STT, {**self.fake.options, **keyed, **options}, table=self.name)

    async def is_impatient(self) -> None:
        """What a vendor does not answer soon it does not answer at all."""
        await self.stt.close()
        self.stt = self.client(final_s=0.1)

    async def all_of(
        self, audio: AsyncIterator[SttInput], context: SpeechContext = TELEPHONE
    ) -> list[Transcript]:
        async with asyncio.timeout(4):
            return [transcript async for transcript in self.stt.transcribe(audio, context)]

    async def finals(self, *texts: str, context: SpeechContext = TELEPHONE) -> list[str]:
        transcripts = [t for t in await self.all_of(call(*texts), context) if t.final]
        assert [t.utterance for t in transcripts] == list(range(len(texts)))
        return [t.text for t in transcripts]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(SHORT)


def on_stage(name: str, scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Stage(name) as stage:
            await scene(stage)

    asyncio.run(main())
