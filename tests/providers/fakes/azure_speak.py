"""Azure Speech's text to speech by WebSocket.

Written from the Speech SDK's clients (microsoft/cognitive-services-speech-sdk-js; usp_tts_engine_adapter.cpp
of the native one) and learn.microsoft.com's "Bing Speech WebSocket protocol" for the form of messages (read
November 2026). Shapes of real messages, after their headers:

    Path:turn.start      {"context": {"serviceTag": "..."}}
    Path:response        {"context": {"serviceTag": "..."},
                          "audio": {"type": "inline", "streamId": "..."}}
    Path:audio.metadata  {"Metadata": [{"Type": "WordBoundary", "Data": {"Offset": 500000,
                           "Duration": 2750000, "text": {"Text": "Hello", "Length": 5,
                           "BoundaryType": "WordBoundary"}}}]}
    Path:turn.end        {}

and audio as bytes: length of headers, headers, sound. Refusals are close codes: 4429 for too many requests.
"""

from __future__ import annotations

import json
from xml.etree import ElementTree

from aiohttp import web

from tests.providers.fakes.studio import KEY, Fault
from tests.providers.fakes.websocket_voice import Line, WebSocketVoice

_FORMATS = {"raw-8khz-8bit-mono-mulaw": (8000, True), "raw-16khz-16bit-mono-pcm": (16000, False)}
_REFUSALS = {Fault.BUSY: (4429, b"The request is throttled"), Fault.BROKEN: (1011, b"Internal error")}
_NS = "{http://www.w3.org/2001/10/synthesis}"


class FakeAzureSpeak(WebSocketVoice):
    path = "/cognitiveservices/websocket/v1"

    def is_welcome(self, request: web.Request) -> bool:
        assert len(request.headers["X-ConnectionId"]) == 32
        return request.headers.get("Ocp-Apim-Subscription-Key") == KEY

    async def on_message(self, line: Line, message: str | bytes) -> None:
        assert isinstance(message, str)
        head, _, body = message.partition("\r\n\r\n")
        headers = dict(part.split(": ", 1) for part in head.split("\r\n"))
        assert len(headers["X-RequestId"]) == 32
        assert headers["X-Timestamp"].endswith("Z")
        if headers["Path"] == "speech.config":
            assert json.loads(body)["context"]["system"]["name"]
            line.state["is_configured"] = True
            return
        assert line.state.get("is_configured"), "speech.config comes first"
        if headers["Path"] == "synthesis.context":
            line.state["audio"] = json.loads(body)["synthesis"]["audio"]
        else:
            assert headers["Path"] == "ssml"
            line.make(headers["X-RequestId"], self._speak(line, headers["X-RequestId"], body))

    async def _speak(self, line: Line, turn: str, ssml: str) -> None:
        fault = self.fault_now()
        if fault in _REFUSALS:
            code, reason = _REFUSALS[fault]
            await line.socket.close(code=code, message=reason)
            return
        speak = ElementTree.fromstring(ssml)
        assert speak.tag == f"{_NS}speak"
        assert speak.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"
        (voice,) = speak
        assert voice.tag == f"{_NS}voice"
        prosody = voice.find(f"{_NS}prosody")
        speed = 1.0 if prosody is None else float(prosody.attrib["rate"])
        rate_hz, mulaw = _FORMATS[line.state["audio"]["outputFormat"]]
        await line.socket.send_str(_text("turn.start", turn, {"context": {"serviceTag": "7c3e"}}))
        inline = {"context": {"serviceTag": "7c3e"}, "audio": {"type": "inline", "streamId": "1"}}
        await line.socket.send_str(_text("response", turn, inline))
        text = "".join(voice.itertext())
        async for word in self.studio.speak(text, rate_hz, mulaw=mulaw, fault=fault, speed=speed):
            if fault is Fault.GARBAGE:
                await line.socket.send_bytes(b"\xff\xff nothing")
                return
            if line.state["audio"]["metadataOptions"]["wordBoundaryEnabled"]:
                told = {"Text": word.text, "Length": len(word.text), "BoundaryType": "WordBoundary"}
                ticks = (round(word.start_s * 1e7), round((word.end_s - word.start_s) * 1e7))
                data = {"Offset": ticks[0], "Duration": ticks[1], "text": told}
                metadata = {"Metadata": [{"Type": "WordBoundary", "Data": data}]}
                await line.socket.send_str(_text("audio.metadata", turn, metadata))
            await line.socket.send_bytes(_audio(turn, word.audio))
        if fault is Fault.DROP:
            line.cut()
            return
        await line.socket.send_bytes(_audio(turn, b""))
        end = {"Metadata": [{"Type": "SessionEnd", "Data": {"Offset": 0}}]}
        await line.socket.send_str(_text("audio.metadata", turn, end))
        await line.socket.send_str(_text("turn.end", turn, {}))


def _text(path: str, turn: str, body: object) -> str:
    headers = f"X-RequestId:{turn}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}"
    return f"{headers}\r\n\r\n{json.dumps(body)}"


def _audio(turn: str, sound: bytes) -> bytes:
    headers = f"X-RequestId:{turn}\r\nContent-Type:audio/x-wav\r\nX-StreamId:1\r\nPath:audio\r\n".encode()
    return len(headers).to_bytes(2, "big") + headers + sound
