"""OpenAI's speech endpoint, and the ways in which servers that copy it differ.

Written from platform.openai.com/docs/api-reference/audio/createSpeech (read November 2026) and the types of
the Python SDK 3.52. The body is streamed in chunks; response_format "pcm" is 16-bit mono at 24 kHz without a
header. An error is {"error": {"message": "...", "type": "...", "param": null, "code": null}}.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from tests.providers.fakes.studio import KEY, Fault, Studio, serving

_REFUSALS = {Fault.BUSY: 429, Fault.BROKEN: 500}
RATE_HZ = 24_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeOpenAiSpeech:
    def __init__(self, *, wav: bool = False, content_type: str = "audio/pcm", key: str | None = KEY) -> None:
        """`wav`: it sends a WAV file, whatever was asked for."""
        self.studio = Studio()
        self._wav, self._content_type, self._key = wav, content_type, key
        self._peers: set[object] = set()
        self.bodies: list[dict[str, object]] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str, None]:
        app = web.Application(middlewares=[self._count_connections])
        app.router.add_post("/v1/audio/speech", self._handle)
        async with serving(app) as address:
            yield f"http://{address}/v1"

    @web.middleware
    async def _count_connections(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        assert request.transport is not None
        self._peers.add(request.transport.get_extra_info("peername"))
        self.studio.connections = len(self._peers)
        return await handler(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._key is not None and request.headers.get("Authorization") != f"Bearer {self._key}":
            return _error(
                401, f"Incorrect API key: {request.headers.get('Authorization')}", "invalid_api_key"
            )
        fault = self.studio.fault_now()
        if fault in _REFUSALS:
            return _error(_REFUSALS[fault], "Sorry.", None)
        body = await request.json()
        self.bodies.append(body)
        assert body["response_format"] == "pcm"
        assert len(body["input"]) <= 4096
        speed = body.get("speed", 1.0)
        assert 0.25 <= speed <= 4
        self.studio.open += 1
        try:
            return await self._speak(request, body["input"], speed, fault)
        finally:
            self.studio.open -= 1

    async def _speak(self, request: web.Request, text: str, speed: float, fault: Fault) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": self._content_type})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        rest = _wav_header() if self._wav else b""
        async for word in self.studio.speak(text, RATE_HZ, mulaw=False, fault=fault, speed=speed):
            # Cut where no sample ends.
            audio = rest + word.audio
            cut = len(audio) - 1 if len(audio) % 2 == 0 else len(audio)
            await answer.write(audio[:cut])
            rest = audio[cut:]
        if fault is Fault.DROP:
            assert request.transport is not None
            request.transport.abort()
        elif rest:
            await answer.write(rest)
        await answer.write_eof()
        return answer


def _error(status: int, message: str, code: str | None) -> web.Response:
    said = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": said}, status=status)


def _wav_header() -> bytes:
    """Of a stream: its lengths are not known, and a chunk that nobody knows comes first."""
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, RATE_HZ * 2, 2, 16)
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"fmt " + struct.pack("<I", len(form)) + form
    return b"RIFF\xff\xff\xff\xffWAVE" + chunks + b"data\xff\xff\xff\xff"
