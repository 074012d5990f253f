"""A bot that nobody here wrote the protocol of: pipecat's serializer and transport at the other end."""

from __future__ import annotations

import asyncio

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Kind
from ari_bridge.providers.registry import build
from ari_bridge.providers.speech.base import (
    AgentAudio,
    CallerAudio,
    CallerDigit,
    Clear,
    Ended,
    Opening,
    SpeechEvent,
    SpeechSession,
)
from tests.providers.pipecat_process import ANSWER_HZ, GREETING_HZ, pipecat_bot

RATE_HZ = 8000
FRAME = 160
SILENCE = np.zeros(FRAME, np.int16)
VOICE = (6000 * np.sin(np.arange(FRAME))).astype(np.int16)


def loudest_hz(pcm: Pcm16) -> float:
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64)))
    return float(np.argmax(spectrum)) * RATE_HZ / len(pcm)


async def call(session: SpeechSession) -> list[SpeechEvent]:
    """Speaks into the greeting, hears the answer, presses 9. What the bot sent."""
    got: list[SpeechEvent] = []
    speaks = asyncio.Event()
    answered = asyncio.Event()

    async def caller() -> None:
        while not speaks.is_set():
            await say(SILENCE, 1)
        await say(VOICE, 25)
        while not answered.is_set():
            await say(SILENCE, 1)
        await session.send(CallerDigit("9"))
        await say(SILENCE, 500)

    async def say(pcm: Pcm16, frames: int) -> None:
        for _ in range(frames):
            await session.send(CallerAudio(pcm))
            await asyncio.sleep(0.02)

    calling = asyncio.create_task(caller())
    async for event in session.events():
        got.append(event)
        since_clear = got[::-1].index(Clear()) if Clear() in got else 0
        if sum(isinstance(seen, AgentAudio) for seen in got) > 10:
            speaks.set()
        if since_clear > 10:
            answered.set()
    calling.cancel()
    await asyncio.wait([calling])
    return got


def test_a_bot_of_pipecat_s_parts_talks_with_us() -> None:
    async def main() -> list[SpeechEvent]:
        engine = build("twilio-media-streams", Kind.SPEECH, {"url": url}, table="providers.bot")
        try:
            async with (
                asyncio.timeout(60),
                engine.converse(Opening(RATE_HZ, "en", "", (), (), "1", "", "")) as session,
            ):
                return await call(session)
        finally:
            await engine.close()

    with pipecat_bot() as url:
        got = asyncio.run(main())
    cleared = got.index(Clear())
    before = np.concatenate([event.pcm for event in got[:cleared] if isinstance(event, AgentAudio)])
    after = np.concatenate([event.pcm for event in got[cleared:] if isinstance(event, AgentAudio)])
    assert abs(loudest_hz(before) - GREETING_HZ) < 10
    assert abs(loudest_hz(after) - ANSWER_HZ) < 10
    assert got[-1] == Ended()
