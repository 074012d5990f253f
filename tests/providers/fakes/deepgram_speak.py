"""Deepgram's text to speech by WebSocket (speak v1).

Written from developers.deepgram.com/reference/text-to-speech-api/speak-streaming, docs/tts-ws-flush, -clear
and -close (read November 2026), and the types of the Python SDK 7.17. Shapes of real messages:

    {"type": "Metadata", "request_id": "5e2b...", "model_name": "aura-2-thalia-en",
     "model_version": "2025-04-07", "model_uuid": "ecb7..."}
    {"type": "Flushed", "sequence_id": 0}
    {"type": "Warning", "description": "Exceeded maximum number of flushes", "code": "EXCESSIVE_FLUSH"}

Audio is binary, without a container. Speak is kept until Flush; Clear drops what was not made yet.
"""

from __future__ import annotations

import json

from aiohttp import web

from tests.providers.fakes.studio import KEY, Fault
from tests.providers.fakes.websocket_voice import Line, WebSocketVoice

_FLUSHES = 20


class FakeDeepgramSpeak(WebSocketVoice):
    path = "/v1/speak"

    def __init__(self) -> None:
        super().__init__()
        self.refuses_at_the_door = True

    def is_welcome(self, request: web.Request) -> bool:
        query = request.query
        assert (query["encoding"], query["sample_rate"]) in (("mulaw", "8000"), ("linear16", "16000"))
        assert 0.7 <= float(query.get("speed", "1")) <= 1.5
        return request.headers.get("Authorization") == f"Token {KEY}"

    async def on_message(self, line: Line, message: str | bytes) -> None:
        said = json.loads(message)
        match said["type"]:
            case "Speak":
                line.state["text"] = line.state.get("text", "") + said["text"]
                assert len(line.state["text"]) <= 2000
            case "Flush":
                line.state["flushes"] = line.state.get("flushes", 0) + 1
                if line.state["flushes"] > _FLUSHES:
                    warning = {
                        "type": "Warning",
                        "description": "Too many flushes",
                        "code": "EXCESSIVE_FLUSH",
                    }
                    await line.socket.send_json(warning)
                    return
                line.make("flush", self._speak(line, line.state.pop("text", "")))
            case "Clear":
                await line.stop("flush")
                await line.socket.send_json({"type": "Cleared", "sequence_id": 0})
            case "Close":
                await line.socket.close()
            case other:
                raise AssertionError(other)

    async def _speak(self, line: Line, text: str) -> None:
        fault = self.fault_now()
        query = line.request.query
        await line.socket.send_json(
            {
                "type": "Metadata",
                "request_id": "5e2b8c1a",
                "model_name": query["model"],
                "model_version": "2025-04-07",
                "model_uuid": "ecb76e9d",
            }
        )
        mulaw, rate_hz = query["encoding"] == "mulaw", int(query["sample_rate"])
        speed = float(query.get("speed", "1"))
        rest = b""
        async for word in self.studio.speak(text, rate_hz, mulaw=mulaw, fault=fault, speed=speed):
            if fault is Fault.GARBAGE:
                await line.socket.send_str('["Flushed"]')
                return
            # Cut where no sample ends.
            audio = rest + word.audio
            cut = len(audio) - 1 if len(audio) % 2 == 0 else len(audio)
            await line.socket.send_bytes(audio[:cut])
            rest = audio[cut:]
        if fault is Fault.DROP:
            line.cut()
            return
        if rest:
            await line.socket.send_bytes(rest)
        await line.socket.send_json({"type": "Flushed", "sequence_id": 0})
