"""The fake vendors are what they pretend to be: the vendors' own clients understand them."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import openai
import pytest
from cartesia import AsyncCartesia
from cartesia.types.websocket_response import Chunk, Done, Error, Timestamps
from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from deepgram.speak.v1.types import SpeakV1Flushed, SpeakV1Metadata, SpeakV1Text
from elevenlabs.types import (
    AudioOutputMulti,
    CloseContext,
    FinalOutputMulti,
    InitializeConnectionMulti,
    SendTextMulti,
)

from tests.providers.fakes.cartesia import FakeCartesia
from tests.providers.fakes.deepgram_speak import FakeDeepgramSpeak
from tests.providers.fakes.elevenlabs import FakeElevenLabs
from tests.providers.fakes.openai_speech import RATE_HZ, FakeOpenAiSpeech
from tests.providers.fakes.studio import KEY, WORD_MS, Fault

TEXT = "Good morning to you all."
SOUND_S = 5 * WORD_MS / 1000


def test_openai_s_client_streams_from_the_fake_and_knows_its_errors() -> None:
    async def main() -> None:
        fake = FakeOpenAiSpeech()
        async with (
            fake.running() as url,
            openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client,
        ):

            async def length() -> int:
                async with client.audio.speech.with_streaming_response.create(
                    model="gpt-4o-mini-tts", voice="alloy", input=TEXT, response_format="pcm", speed=1.0
                ) as answer:
                    return sum([len(octets) async for octets in answer.iter_bytes()])

            assert await length() == 2 * round(SOUND_S * RATE_HZ)
            for fault, error in (
                (Fault.BUSY, openai.RateLimitError),
                (Fault.BROKEN, openai.InternalServerError),
            ):
                fake.studio.fault = fault
                with pytest.raises(error, match=r"Sorry\."):
                    await length()
            client.api_key = "sk-wrong"
            with pytest.raises(openai.AuthenticationError):
                await length()

    asyncio.run(main())


def test_cartesia_s_client_understands_the_fake() -> None:
    async def main() -> list[Any]:
        fake = FakeCartesia()
        async with (
            fake.running() as url,
            AsyncCartesia(api_key=KEY, websocket_base_url=url) as client,
            client.tts.websocket_connect() as connection,
        ):
            request: Any = {
                "model_id": "sonic-3",
                "transcript": TEXT,
                "voice": {"mode": "id", "id": "a0e99841"},
                "language": "en",
                "context_id": "happy-monkeys-fly",
                "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
                "add_timestamps": True,
                "continue": False,
            }
            heard: list[Any] = []
            for fault in (Fault.NONE, Fault.BUSY):
                fake.studio.fault = fault
                await connection.send(request)
                while not isinstance(response := await connection.recv(), (Done, Error)):
                    heard.append(response)
                heard.append(response)
            return heard

    heard = asyncio.run(main())
    assert sum(len(m.audio or b"") for m in heard if isinstance(m, Chunk)) == round(SOUND_S * 8000)
    told = [m.word_timestamps for m in heard if isinstance(m, Timestamps)]
    assert [word for times in told if times for word in times.words] == TEXT.split()
    assert isinstance(heard[-2], Done)
    assert (heard[-1].status_code, heard[-1].title) == (429, "Too Many Requests")


@pytest.mark.filterwarnings("ignore:.*websockets:DeprecationWarning")
def test_deepgram_s_client_understands_the_fake() -> None:
    async def main() -> list[Any]:
        fake = FakeDeepgramSpeak()
        async with fake.running() as url:
            environment = DeepgramClientEnvironment(base=url, production=url, agent=url, agent_rest=url)
            client = AsyncDeepgramClient(api_key=KEY, environment=environment)
            async with client.speak.v1.connect(
                model="aura-2-thalia-en", encoding="mulaw", sample_rate="8000"
            ) as connection:
                await connection.send_text(SpeakV1Text(text=TEXT))
                await connection.send_flush()
                heard: list[Any] = []
                while not isinstance(message := await connection.recv(), SpeakV1Flushed):
                    heard.append(message)
                await connection.send_close()
                return heard

    heard = asyncio.run(main())
    assert isinstance(heard[0], SpeakV1Metadata)
    assert sum(len(m) for m in heard if isinstance(m, bytes)) == round(SOUND_S * 8000)


def test_elevenlabs_messages_are_those_of_its_client_s_types() -> None:
    """Its client does not speak to this endpoint yet; its types for it do."""

    async def main() -> list[dict[str, Any]]:
        fake = FakeElevenLabs()
        async with fake.running() as url, aiohttp.ClientSession() as session:
            path = "/v1/text-to-speech/Rachel/multi-stream-input?output_format=ulaw_8000"
            async with session.ws_connect(url + path, headers={"xi-api-key": KEY}) as socket:
                for message in (
                    InitializeConnectionMulti(context_id="a"),
                    SendTextMulti(text=f"{TEXT} ", context_id="a", flush=True),
                    CloseContext(context_id="a", close_context=True),
                ):
                    await socket.send_json(message.model_dump(exclude_none=True))
                heard = [await socket.receive_json()]
                while not heard[-1]["isFinal"]:
                    heard.append(await socket.receive_json())
                return heard

    *pieces, last = asyncio.run(main())
    assert FinalOutputMulti.model_validate(last).context_id == "a"
    outputs = [AudioOutputMulti.model_validate(piece) for piece in pieces]
    assert all(output.model_extra == {"isFinal": None} for output in outputs)
    alignments = [output.normalized_alignment for output in outputs]
    assert "".join("".join(a.chars or ()) for a in alignments if a) == " Good morning to you all."
    assert all(a and len(a.chars or ()) == len(a.char_durations_ms or ()) for a in alignments)
