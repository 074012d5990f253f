"""A server of OpenAI's API whose parts are real, and small enough to be here: what was said is recognised by
pocketsphinx, answered by the example script, and spoken by espeak-ng.

Written from OpenAI's API reference as of November 2026: "Create transcription", "Create chat completion" and
"Create speech" (platform.openai.com/docs/api-reference/audio, …/chat). A recording is a file of a form, whose
WAV header tells the rate; speech is 16-bit mono PCM at 24 kHz without a header, streamed as it is made.

`python -m tests.providers.fakes.openai_server PORT` serves it by itself, without a key.
"""

from __future__ import annotations

import asyncio
import io
import sys
import wave
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import numpy as np
from aiohttp import web

from ari_bridge.core.audio import Pcm16
from tests.providers.fakes.offline_engines import OfflineEngines
from tests.providers.fakes.openai_chat import ChatServer
from tests.providers.fakes.reception import by_the_script

SPEECH_HZ = 24_000
_MOST_CHARACTERS = 4096


class OpenAiServer(ChatServer):
    PATH = "/v1/chat/completions"

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(by_the_script, port=port, key="")
        self.engines = OfflineEngines()

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        app.router.add_post("/v1/audio/speech", self._speak)
        app.cleanup_ctx.append(self._with_engines)
        return app

    async def _with_engines(self, app: web.Application) -> AsyncGenerator[None, None]:
        await self.engines.start()
        yield
        await self.engines.close()

    # ------------------------------------------------------------------ transcriptions

    async def _transcribe(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form.get("file")
        if not isinstance(file, web.FileField) or not form.get("model"):
            return self._complain("you must provide a model and a file")
        if form.get("response_format", "json") != "json":
            return self._complain(f"response_format {form['response_format']!r} is not supported")
        with file.file as octets:
            try:
                pcm, rate_hz = _recording(octets.read())
            except (wave.Error, EOFError, ValueError) as error:
                return self._complain(f"the file is no recording: {error}")
        text = await self.engines.recognise(pcm, rate_hz)
        seconds = {"type": "duration", "seconds": round(len(pcm) / rate_hz)}
        return web.json_response({"text": text, "usage": seconds})

    # ------------------------------------------------------------------ speech

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        body: Mapping[str, Any] = await request.json()
        if missing := {"model", "voice", "input"} - body.keys():
            return self._complain(f"missing: {', '.join(sorted(missing))}")
        if not 0 < len(body["input"]) <= _MOST_CHARACTERS:
            return self._complain(f"input must have 1 to {_MOST_CHARACTERS} characters")
        if body.get("response_format") != "pcm":
            return self._complain(f"response_format {body.get('response_format')!r} is not supported")
        answer = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        async for octets in self.engines.speak(body["input"], SPEECH_HZ, body.get("speed", 1.0)):
            await answer.write(octets)
        await answer.write_eof()
        return answer

    def _complain(self, message: str) -> web.Response:
        return web.json_response(self.error(400, message), status=400)


def _recording(octets: bytes) -> tuple[Pcm16, int]:
    """Its samples, and their rate in Hz."""
    with wave.open(io.BytesIO(octets)) as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError("it is not mono, 16 bits")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16), file.getframerate()


async def _serve(port: int) -> None:
    async with OpenAiServer(port=port).serving() as server:
        print(f'base_url = "{server.base_url}/v1"', flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
