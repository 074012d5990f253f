"""Google's Gemini Live API by WebSocket, as published in November 2026.

https://ai.google.dev/api/live (BidiGenerateContent, v1beta; the types of the `google-genai` package, 3.4)
https://ai.google.dev/gemini-api/docs/live-session

JSON in binary frames, automatic activity detection, interruption, transcriptions both ways, tools and their
cancellation, goAway and session resumption.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.providers.fakes.speech_server import FASTER, Answer, Call, Connection, ServerVad, SpeechServer

OUT_HZ = 24_000


class GeminiConnection(Connection):
    async def serve(self) -> None:
        self.setup: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.interrupted_turns = 0
        self._vad: ServerVad | None = None
        self._turn: asyncio.Task[None] | None = None
        self._open_calls: list[str] = []
        self._calls = 0
        async for data in self.messages():
            await self._take(json.loads(data))

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        await self.send_octets(json.dumps(message).encode())

    async def _take(self, message: dict[str, Any]) -> None:
        if "realtime_input" in message:  # both spellings are the protocol's: the package sends this one
            message["realtimeInput"] = message.pop("realtime_input")
        heard = message.get("realtimeInput", {}).get("audio")
        if heard is not None:
            await self._hear(heard)
            return
        self.received.append(message)
        if "setup" in message:
            self.setup = message["setup"]
            await self.send({"setupComplete": {}})
        elif "clientContent" in message:
            self.history += message["clientContent"]["turns"]
        elif "realtimeInput" in message:
            text = message["realtimeInput"]["text"]
            said = self.brain.asked(text) if text.startswith("[instruction") else self.brain.answer(text)
            self._answer(said)
        elif "toolResponse" in message:
            await self._tool_answered(message["toolResponse"]["functionResponses"])

    async def _tool_answered(self, answers: Sequence[dict[str, Any]]) -> None:
        for answer in answers:
            self._open_calls.remove(answer["id"])
            self._answer(self.brain.answer(f"[result {answer['response']['output']}]"))

    async def _hear(self, blob: dict[str, Any]) -> None:
        rate_hz = int(blob["mimeType"].removeprefix("audio/pcm;rate="))
        if self._vad is None:
            self._vad = ServerVad(rate_hz)
        pcm = np.frombuffer(base64.b64decode(blob["data"]), "<i2").astype(np.int16)
        self.audio_ms += len(pcm) * 1000 // rate_hz
        if self.faults.mute:
            return
        for began in self._vad.feed(pcm):
            if began:
                await self._interrupt()
            else:
                said = self.brain.understood()
                for word in said.split():
                    await self.send({"serverContent": {"inputTranscription": {"text": f" {word}"}}})
                self._answer(self.brain.answer(said))

    async def _interrupt(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None or turn.done():
            return
        turn.cancel()
        await asyncio.wait([turn])
        self.interrupted_turns += 1
        await self.send({"serverContent": {"interrupted": True}})
        await self.send({"serverContent": {"turnComplete": True}})
        if self._open_calls:
            await self.send({"toolCallCancellation": {"ids": list(self._open_calls)}})

    def _answer(self, answer: Answer) -> None:
        if not self.faults.mute:
            self._turn = self.start(self._speak(answer, self._turn))

    async def _speak(self, answer: Answer, before: asyncio.Task[None] | None) -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        await asyncio.sleep(self.faults.thinks_s)
        for part in answer:
            match part:
                case str():
                    await self._say(part)
                case Call(name, arguments):
                    self._calls += 1
                    call_id = f"call-{len(self.server.connections)}-{self._calls}"
                    self._open_calls.append(call_id)
                    call = {"id": call_id, "name": name, "args": arguments}
                    await self.send({"toolCall": {"functionCalls": [call]}})
                case float():
                    await asyncio.sleep(part)
        await self.send({"serverContent": {"generationComplete": True}})
        usage = {"promptTokenCount": 100, "responseTokenCount": 20, "totalTokenCount": 120}
        await self.send({"serverContent": {"turnComplete": True}, "usageMetadata": usage})
        if "sessionResumption" in self.setup:
            handle = f"handle-{len(self.server.connections)}"
            await self.send({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}})

    async def _say(self, text: str) -> None:
        voice = self.brain.voice(text, OUT_HZ)
        size = OUT_HZ // 5
        for at in range(0, len(voice), size):
            if not await self.audio_fault():
                data = base64.b64encode(voice[at : at + size].astype("<i2").tobytes()).decode()
                blob = {"mimeType": f"audio/pcm;rate={OUT_HZ}", "data": data}
                await self.send({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})
            if at == 0:
                for word in text.split():
                    await self.send({"serverContent": {"outputTranscription": {"text": f" {word}"}}})
            await asyncio.sleep(size / OUT_HZ / FASTER)

    async def go_away(self) -> None:
        """Two seconds' notice, as a rule."""
        await self.send({"goAway": {"timeLeft": "2s"}})


class GeminiLiveServer(SpeechServer):
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    connection = GeminiConnection
