"""ElevenLabs' multi-context text to speech, as far as our client and its SDK use it.

Written from elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input
and elevenlabs.io/docs/eleven-api/guides/how-to/websockets/multi-context-web-socket (read November 2026), and
the types of the Python SDK 2.78. Shapes of real messages:

    {"audio": "UklG...", "normalizedAlignment": {"chars": [" ", "H", ...], "charStartTimesMs": [0, 3, ...],
     "charDurationsMs": [3, 3, ...]}, "alignment": {...}, "isFinal": null, "contextId": "greeting"}
    {"isFinal": true, "contextId": "greeting"}
    {"message": "Maximum simultaneous contexts ...", "error": "max_active_conversations", "code": 1008}

Closing a context does not stop what was flushed; at most five are open at a time; each run of the alignment
begins with a space and is timed from the beginning of its own audio.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from tests.providers.fakes.studio import KEY, Fault, Word
from tests.providers.fakes.websocket_voice import Line, WebSocketVoice

_CONTEXTS = 5
_FORMATS = {"ulaw_8000": (8000, True), "pcm_8000": (8000, False), "pcm_16000": (16000, False)}


class FakeElevenLabs(WebSocketVoice):
    path = "/v1/text-to-speech/{voice}/multi-stream-input"

    def is_welcome(self, request: web.Request) -> bool:
        assert request.query["output_format"] in _FORMATS
        return request.headers.get("xi-api-key") == KEY

    async def on_message(self, line: Line, message: str | bytes) -> None:
        said = json.loads(message)
        if said.get("close_socket"):
            await line.socket.close()
            return
        name = said["context_id"]
        contexts: dict[str, dict[str, Any]] = line.state.setdefault("contexts", {})
        if name not in contexts:
            assert said["text"] == " ", "a context begins with a space"
            if len(contexts) == _CONTEXTS:
                await self._refuse(line, name, "max_active_conversations", 1008)
                await line.socket.close(code=1008)
                return
            contexts[name] = {"speed": said.get("voice_settings", {}).get("speed", 1.0), "closing": False}
            assert 0.7 <= contexts[name]["speed"] <= 1.2
            return
        if said.get("close_context"):
            contexts[name]["closing"] = True
        elif said.get("flush"):
            assert said["text"].endswith(" ")
            line.make(name, self._speak(line, name, said["text"]))

    async def _speak(self, line: Line, name: str, text: str) -> None:
        fault = self.fault_now()
        if fault in (Fault.BUSY, Fault.BROKEN):
            error = "rate_limit_exceeded" if fault is Fault.BUSY else "internal_server_error"
            await self._refuse(line, name, error, 1008 if fault is Fault.BUSY else 1011)
            return
        rate_hz, mulaw = _FORMATS[line.request.query["output_format"]]
        speed = line.state["contexts"][name]["speed"]
        async for word in self.studio.speak(text, rate_hz, mulaw=mulaw, fault=fault, speed=speed):
            if fault is Fault.GARBAGE:
                await line.socket.send_str('{"audio": 7}')
                return
            alignment = _alignment(word)
            await line.socket.send_json(
                {
                    "audio": base64.b64encode(word.audio).decode(),
                    "normalizedAlignment": alignment,
                    "alignment": alignment,
                    "isFinal": None,
                    "contextId": name,
                }
            )
        if fault is Fault.DROP:
            line.cut()
            return
        del line.state["contexts"][name]
        await line.socket.send_json({"isFinal": True, "contextId": name})

    async def _refuse(self, line: Line, name: str, error: str, code: int) -> None:
        said = {"message": f"Sorry: {error}.", "error": error, "code": code, "contextId": name}
        await line.socket.send_json(said)


def _alignment(word: Word) -> dict[str, list[Any]]:
    characters = [" ", *word.text]
    each_ms = (word.end_s - word.start_s) * 1000 / len(characters)
    return {
        "chars": characters,
        "charStartTimesMs": [int(i * each_ms) for i in range(len(characters))],
        "charDurationsMs": [int(each_ms)] * len(characters),
    }
