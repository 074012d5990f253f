"""Cartesia's text to speech by WebSocket.

Written from docs.cartesia.ai/api-reference/tts/websocket and .../use-the-api/tts-websocket/contexts (read
November 2026), and the types of the Python SDK 4.2. Shapes of real messages:

    {"type": "chunk", "data": "aSDi...", "done": false, "status_code": 206, "step_time": 123,
     "context_id": "a"}
    {"type": "timestamps", "done": false, "status_code": 206, "context_id": "a",
     "word_timestamps": {"words": ["Hello", "world"], "start": [0, 0.5], "end": [0.4, 0.9]}}
    {"type": "done", "done": true, "status_code": 206, "context_id": "a"}
    {"type": "error", "done": true, "title": "...", "message": "...", "status_code": 429, "context_id": "a"}
"""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from tests.providers.fakes.studio import KEY, Fault
from tests.providers.fakes.websocket_voice import Line, WebSocketVoice

_REFUSALS = {Fault.BUSY: (429, "Too Many Requests"), Fault.BROKEN: (500, "Internal Server Error")}


class FakeCartesia(WebSocketVoice):
    path = "/tts/websocket"

    def is_welcome(self, request: web.Request) -> bool:
        assert request.headers.get("Cartesia-Version")
        return request.headers.get("Authorization") == f"Bearer {KEY}"

    async def on_message(self, line: Line, message: str | bytes) -> None:
        said = json.loads(message)
        if said.get("cancel"):
            await line.stop(said["context_id"])
            return
        assert said["output_format"]["container"] == "raw"
        assert said["voice"]["mode"] == "id"
        line.make(said["context_id"], self._speak(line, said))

    async def _speak(self, line: Line, said: dict[str, Any]) -> None:
        fault = self.fault_now()
        context = {"context_id": said["context_id"]}
        if fault in _REFUSALS:
            status, title = _REFUSALS[fault]
            error = {"type": "error", "done": True, "title": title, "message": "sorry", "status_code": status}
            await line.socket.send_json({**error, **context})
            return
        form = said["output_format"]
        mulaw = {"pcm_mulaw": True, "pcm_s16le": False}[form["encoding"]]
        speed = said.get("generation_config", {}).get("speed", 1.0)
        assert 0.6 <= speed <= 1.5
        making = self.studio.speak(
            said["transcript"], form["sample_rate"], mulaw=mulaw, fault=fault, speed=speed
        )
        async for word in making:
            if fault is Fault.GARBAGE:
                await line.socket.send_str("<html>")
                return
            chunk = {"type": "chunk", "data": base64.b64encode(word.audio).decode(), "step_time": 1.5}
            await line.socket.send_json({**chunk, "done": False, "status_code": 206, **context})
            if said.get("add_timestamps"):
                times = {"words": [word.text], "start": [word.start_s], "end": [word.end_s]}
                await line.socket.send_json(
                    {
                        "type": "timestamps",
                        "done": False,
                        "status_code": 206,
                        "word_timestamps": times,
                        **context,
                    }
                )
        if fault is Fault.DROP:
            line.cut()
            return
        await line.socket.send_json({"type": "done", "done": True, "status_code": 206, **context})
