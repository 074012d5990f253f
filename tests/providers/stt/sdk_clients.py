"""The vendors' own clients, as a program of its own: what they read of our servers goes to stdout as JSON.

    python sdk_clients.py VENDOR ADDRESS KEY AUDIO_FILE

In a process apart: their imports take a second each, and warn.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

_CHUNK = 800
"""100 ms of µ-law."""


async def deepgram(address: str, key: str, audio: bytes) -> list[Any]:
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment as Environment

    http, socket = f"http://{address}", f"ws://{address}"
    environment = Environment(base=http, production=socket, agent=socket, agent_rest=http)
    client = AsyncDeepgramClient(api_key=key, environment=environment)
    heard = []
    async with client.listen.v1.connect(
        model="nova-3", encoding="mulaw", sample_rate=8000, interim_results=True
    ) as connection:
        for offset in range(0, len(audio), _CHUNK):
            await connection.send_media(audio[offset : offset + _CHUNK])
        await connection.send_keep_alive()
        await connection.send_finalize()
        async for message in connection:
            if message.type == "Results" and message.is_final:
                heard.append([message.channel.alternatives[0].transcript, bool(message.from_finalize)])
                await connection.send_close_stream()
            elif message.type == "Metadata":
                break
    return heard


async def deepgram_flux(address: str, key: str, audio: bytes) -> list[Any]:
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment as Environment

    http, socket = f"http://{address}", f"ws://{address}"
    environment = Environment(base=http, production=socket, agent=socket, agent_rest=http)
    client = AsyncDeepgramClient(api_key=key, environment=environment)
    async with client.listen.v2.connect(
        model="flux-general-en", encoding="mulaw", sample_rate=8000, eot_threshold=1.0
    ) as connection:
        for offset in range(0, len(audio), _CHUNK):
            await connection.send_media(audio[offset : offset + _CHUNK])
        await connection.send_force_end_turn()
        async for message in connection:
            if message.type == "TurnInfo" and message.event == "EndOfTurn":
                await connection.send_close_stream()
                return [[message.transcript, message.trigger]]
    return []


async def assemblyai(address: str, key: str, audio: bytes) -> list[Any]:
    from assemblyai.streaming.v3 import (
        AsyncRealTimeTranscriber,
        RealTimeEvents,
        RealTimeParameters,
        RealTimeTranscriberOptions,
    )

    options = RealTimeTranscriberOptions(api_key=key, api_host=f"ws://{address}")
    client = AsyncRealTimeTranscriber(options)
    turns: asyncio.Queue[Any] = asyncio.Queue()

    async def on_turn(_: object, event: Any) -> None:
        if event.end_of_turn:
            turns.put_nowait([event.transcript, event.turn_is_formatted])

    client.on(RealTimeEvents.Turn, on_turn)
    await client.connect(
        RealTimeParameters(sample_rate=8000, encoding="pcm_mulaw", speech_model="universal-streaming-english")
    )
    for offset in range(0, len(audio), _CHUNK):
        await client.stream(audio[offset : offset + _CHUNK])
    await client.force_endpoint()
    async with asyncio.timeout(5):
        heard = [await turns.get()]
    await client.disconnect(terminate=True)
    return heard


async def openai(address: str, key: str, audio: bytes) -> list[Any]:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key=key, base_url=f"http://{address}/v1")
    client.websocket_base_url = f"ws://{address}/v1"
    heard: list[Any] = []
    async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        transcription = {"model": "gpt-live-transcribe", "language": "en"}
        form = {"format": {"type": "audio/pcmu"}, "transcription": transcription, "turn_detection": None}
        session: Any = {"type": "transcription", "audio": {"input": form}}
        await connection.session.update(session=session)
        for offset in range(0, len(audio), _CHUNK):
            chunk = base64.b64encode(audio[offset : offset + _CHUNK]).decode()
            await connection.input_audio_buffer.append(audio=chunk)
        await connection.input_audio_buffer.commit()
        async for event in connection:
            heard.append(type(event).__name__)
            if event.type == "conversation.item.input_audio_transcription.completed":
                return [*heard, event.transcript, event.usage.type]
    return heard


CLIENTS = {
    "deepgram": deepgram,
    "deepgram-flux": deepgram_flux,
    "assemblyai": assemblyai,
    "openai-transcription": openai,
}


async def main(vendor: str, address: str, key: str, audio_file: str) -> None:
    async with asyncio.timeout(20):
        heard = await CLIENTS[vendor](address, key, Path(audio_file).read_bytes())
    print(json.dumps(heard))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
