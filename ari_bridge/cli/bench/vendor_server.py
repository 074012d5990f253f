"""Vendors' servers for the benchmark, in a process of their own: enough of their protocols, and no work.

    python -m ari_bridge.cli.bench.vendor_server

It prints its port, and serves until its standard input ends.

    /v1/listen        Deepgram's streaming recogniser: an interim result every INTERIM_S of audio, a final one
                      on Finalize (developers.deepgram.com/reference/speech-to-text/listen-streaming)
    /v1/speak         Deepgram's streaming voice (.../reference/text-to-speech/speak-streaming)
    /audio/speech     OpenAI's speech API (platform.openai.com/docs/api-reference/audio/createSpeech)
    /first_bytes      when the first audio of each text was sent: {text: seconds of CLOCK_MONOTONIC}
"""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np
from aiohttp import WSMsgType, web

from ari_bridge.core.clock import monotonic_s

INTERIM_S = 0.2
SPEECH_S = 2.0
PIECE_S = 0.1
SYNTHESIS_S = 0.05
"""How long a voice thinks before its first sound."""

_FIRST_BYTES: web.AppKey[dict[str, float]] = web.AppKey("first_bytes", dict)


async def _listen(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    octets_per_s = int(request.query["sample_rate"]) * (1 if request.query["encoding"] == "mulaw" else 2)
    octets, told = 0, 0
    begin_s = 0.0
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            octets += len(message.data)
            if octets - told >= INTERIM_S * octets_per_s:
                told = octets
                await socket.send_str(_results(begin_s, octets / octets_per_s, "what are your", final=False))
        elif message.type is WSMsgType.TEXT and json.loads(message.data)["type"] == "Finalize":
            at_s = octets / octets_per_s
            await socket.send_str(_results(begin_s, at_s, "what are your opening hours", final=True))
            begin_s = at_s
    return socket


def _results(from_s: float, until_s: float, transcript: str, *, final: bool) -> str:
    words = transcript.split()
    each_s = (until_s - from_s) / len(words)
    timed = [
        {"word": word, "start": from_s + each_s * n, "end": from_s + each_s * (n + 1), "confidence": 0.99}
        for n, word in enumerate(words)
    ]
    alternative = {"transcript": transcript, "confidence": 0.99, "words": timed}
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "start": from_s,
            "duration": until_s - from_s,
            "is_final": final,
            "speech_final": final,
            "from_finalize": final,
            "channel": {"alternatives": [alternative]},
        }
    )


async def _speak(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    width = 1 if request.query["encoding"] == "mulaw" else 2
    piece = bytes(round(PIECE_S * int(request.query["sample_rate"])) * width)
    text = ""
    async for message in socket:
        order = json.loads(message.data)
        if order["type"] == "Speak":
            text = order["text"]
        elif order["type"] == "Flush":
            await asyncio.sleep(SYNTHESIS_S)
            request.app[_FIRST_BYTES][text] = monotonic_s()
            for _ in range(round(SPEECH_S / PIECE_S)):
                await socket.send_bytes(piece)
            await socket.send_str('{"type":"Flushed","sequence_id":0}')
    return socket


async def _speech(request: web.Request) -> web.StreamResponse:
    text = (await request.json())["input"]
    tone = 4000 * np.sin(np.arange(round(PIECE_S * 24_000)) / 8)
    piece = tone.astype(np.int16).tobytes()
    answer = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
    await asyncio.sleep(SYNTHESIS_S)
    await answer.prepare(request)
    request.app[_FIRST_BYTES][text] = monotonic_s()
    for _ in range(round(SPEECH_S / PIECE_S)):
        await answer.write(piece)
    return answer


async def _first_bytes(request: web.Request) -> web.Response:
    return web.json_response(request.app[_FIRST_BYTES])


async def main() -> None:
    app = web.Application()
    app[_FIRST_BYTES] = {}
    app.router.add_get("/v1/listen", _listen)
    app.router.add_get("/v1/speak", _speak)
    app.router.add_post("/audio/speech", _speech)
    app.router.add_get("/first_bytes", _first_bytes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
