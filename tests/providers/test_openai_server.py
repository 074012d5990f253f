"""The server of three real services, read by OpenAI's own client: what it speaks, it understands."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from tests.providers.fakes.openai_server import SPEECH_HZ, OpenAiServer


@asynccontextmanager
async def client_of(server: OpenAiServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        server.serving(),
        openai.AsyncOpenAI(
            api_key="none is needed", base_url=f"{server.base_url}/v1", max_retries=0
        ) as client,
    ):
        yield client


def a_recording(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SPEECH_HZ)
        writer.writeframes(pcm)
    return file.getvalue()


def test_what_it_speaks_it_understands_and_answers(nothing_left: Any) -> None:
    question = "what are your opening hours"

    async def main() -> None:
        async with client_of(OpenAiServer()) as client:
            speech = client.audio.speech.with_streaming_response.create(
                model="gpt-4o-mini-tts", voice="alloy", input=question, response_format="pcm"
            )
            async with speech as answer:
                pieces = [piece async for piece in answer.iter_bytes()]
            assert len(pieces) > 1, "it is streamed"
            pcm = b"".join(pieces)
            assert 1.0 < len(pcm) / 2 / SPEECH_HZ < 3.0
            heard = await client.audio.transcriptions.create(
                model="whisper-1", file=("speech.wav", a_recording(pcm + bytes(SPEECH_HZ)))
            )
            assert heard.text == question
            stream = await client.chat.completions.create(
                model="gpt-4.1", messages=[{"role": "user", "content": heard.text}], stream=True
            )
            words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            assert "from nine in the morning" in "".join(words)

    asyncio.run(main())


def test_what_it_cannot_take_is_an_error_that_says_so(nothing_left: Any) -> None:
    async def main() -> None:
        async with client_of(OpenAiServer()) as client:
            with pytest.raises(openai.BadRequestError, match="no recording"):
                await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no wave at all"))
            with pytest.raises(openai.BadRequestError, match="response_format 'mp3' is not supported"):
                await client.audio.speech.create(
                    model="tts-1", voice="alloy", input="hello", response_format="mp3"
                )
            with pytest.raises(openai.BadRequestError, match="1 to 4096 characters"):
                await client.audio.speech.create(
                    model="tts-1", voice="alloy", input="a" * 5000, response_format="pcm"
                )

    asyncio.run(main())
