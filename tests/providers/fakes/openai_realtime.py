"""OpenAI's Realtime API by WebSocket, as published in November 2026.

https://developers.openai.com/api/docs/guides/realtime-conversations
https://developers.openai.com/api/reference/resources/realtime (the types of the `openai` package, 3.52)

Server voice detection with create_response and interrupt_response; responses with audio, transcript and
function calls; truncation at a millisecond, refused beyond the audio there is.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs import ulaw
from tests.providers.fakes.speech_server import (
    FASTER,
    Answer,
    Call,
    Connection,
    Fails,
    ServerVad,
    SpeechServer,
)

TRANSCRIPTION_S = 0.15


@dataclass
class Made:
    """What the server made of an assistant's item."""

    transcript: str = ""
    samples: int = 0
    cut_ms: int | None = None


class OpenAiConnection(Connection):
    async def serve(self) -> None:
        self.session: dict[str, Any] = {}
        self.items: list[dict[str, Any]] = []
        """The conversation."""
        self.made: dict[str, Made] = {}
        self.truncated: list[tuple[str, int]] = []
        self._count = 0
        self._rate_hz = 24_000
        self._ulaw = False
        self._vad = ServerVad(self._rate_hz)
        self._response: asyncio.Task[None] | None = None
        self._response_id = ""
        self._caller_item = ""
        await self.send({"type": "session.created", "session": {"type": "realtime", "id": "sess_1"}})
        async for data in self.messages():
            await self._take(json.loads(data))

    async def send(self, message: dict[str, Any]) -> None:
        message = {"event_id": self._name("event"), **message}
        self.sent.append(message)
        await self.send_text(json.dumps(message))

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count:04d}"

    async def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "input_audio_buffer.append":
            await self._hear(event["audio"])
            return
        self.received.append(event)
        match event["type"]:
            case "session.update":
                await self._update(event)
            case "conversation.item.create":
                await self._add({"id": self._name("item"), **event["item"]})
            case "conversation.item.truncate":
                await self._truncate(event)
            case "response.create":
                await self._create(event)
            case "response.cancel":
                if self._response is None:
                    await self._error("response_cancel_not_active", "there is no response", event)
                else:
                    await self._cancel("client_cancelled")
            case other:
                await self._error("invalid_value", f"no such event: {other}", event)

    async def _error(self, code: str, message: str, about: dict[str, Any]) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message}
        await self.send({"type": "error", "error": {**error, "event_id": about.get("event_id")}})

    async def _update(self, event: dict[str, Any]) -> None:
        session = event["session"]
        if session.get("audio", {}).get("output", {}).get("voice") == "nobody":
            await self._error("invalid_value", "no such voice: nobody", event)
            return
        self.session = {**self.session, **session}
        sound = session.get("audio", {}).get("input", {}).get("format")
        if sound is not None:
            self._ulaw = sound["type"] == "audio/pcmu"
            self._rate_hz = 8000 if self._ulaw else 24_000
            self._vad = ServerVad(self._rate_hz)
        await self.send({"type": "session.updated", "session": self.session})

    async def _add(self, item: dict[str, Any]) -> None:
        self.items.append(item)
        await self.send({"type": "conversation.item.added", "item": item})
        await self.send({"type": "conversation.item.done", "item": item})

    async def _truncate(self, event: dict[str, Any]) -> None:
        made = self.made.get(event["item_id"])
        if made is None:
            await self._error("item_truncate_invalid_item_id", "no such item", event)
            return
        if event["audio_end_ms"] > made.samples * 1000 / self._rate_hz:
            await self._error("item_truncate_invalid_audio_end_ms", "the audio is shorter", event)
            return
        made.cut_ms = event["audio_end_ms"]
        self.truncated.append((event["item_id"], event["audio_end_ms"]))
        place = {"item_id": event["item_id"], "content_index": 0, "audio_end_ms": event["audio_end_ms"]}
        await self.send({"type": "conversation.item.truncated", **place})

    # ------------------------------------------------------------------ the caller

    async def _hear(self, audio: str) -> None:
        octets = base64.b64decode(audio)
        pcm = (
            ulaw.CODEC.decode(np.frombuffer(octets, np.uint8)) if self._ulaw else np.frombuffer(octets, "<i2")
        )
        self.audio_ms += len(pcm) * 1000 // self._rate_hz
        if self.faults.mute:
            return
        for began in self._vad.feed(pcm.astype(np.int16)):
            if began:
                self._caller_item = self._name("item")
                at = {"item_id": self._caller_item, "audio_start_ms": max(0, self._vad.heard_ms - 300)}
                await self.send({"type": "input_audio_buffer.speech_started", **at})
                await self._cancel("turn_detected")
            else:
                await self._caller_stopped(self._caller_item)

    async def _caller_stopped(self, item: str) -> None:
        at = {"item_id": item, "audio_end_ms": self._vad.heard_ms}
        await self.send({"type": "input_audio_buffer.speech_stopped", **at})
        await self.send({"type": "input_audio_buffer.committed", "item_id": item, "previous_item_id": None})
        said = self.brain.understood()
        content = [{"type": "input_audio", "transcript": None}]
        await self._add({"id": item, "type": "message", "role": "user", "content": content})
        if self.session.get("audio", {}).get("input", {}).get("transcription"):
            self.start(self._transcribe(item, said))
        await self._cancel("turn_detected")
        self._respond(self.brain.answer(said))

    async def _transcribe(self, item: str, said: str) -> None:
        kind = "conversation.item.input_audio_transcription"
        await asyncio.sleep(TRANSCRIPTION_S / 2)
        await self.send({"type": f"{kind}.delta", "item_id": item, "content_index": 0, "delta": said[:3]})
        await asyncio.sleep(TRANSCRIPTION_S / 2)
        usage = {"type": "tokens", "input_tokens": 10, "output_tokens": 3, "total_tokens": 13}
        done = {"item_id": item, "content_index": 0, "transcript": said, "usage": usage}
        await self.send({"type": f"{kind}.completed", **done})

    # ------------------------------------------------------------------ responses

    async def _create(self, event: dict[str, Any]) -> None:
        if self._response is not None:
            await self._error("conversation_already_has_active_response", "one at a time", event)
            return
        if self.faults.mute:
            return
        instructions = (event.get("response") or {}).get("instructions")
        if instructions is not None:
            self._respond(self.brain.asked(instructions))
            return
        last = self.items[-1] if self.items else {}
        if last.get("type") == "function_call_output":
            self._respond(self.brain.answer(f"[result {last['output']}]"))
        else:
            content = last.get("content") or [{}]
            self._respond(self.brain.answer(str(content[0].get("text"))))

    def _respond(self, answer: Answer) -> None:
        self._response_id = self._name("resp")
        self._response = self.start(self._run(self._response_id, answer))

    async def _cancel(self, reason: str) -> None:
        response, self._response = self._response, None
        if response is None:
            return
        response.cancel()
        await asyncio.wait([response])
        status = {"type": "cancelled", "reason": reason}
        await self._response_done("cancelled", status)

    async def _response_done(self, status: str, details: dict[str, Any] | None) -> None:
        usage = {
            "total_tokens": 120,
            "input_tokens": 100,
            "output_tokens": 20,
            "input_token_details": {"cached_tokens": 64, "text_tokens": 50, "audio_tokens": 50},
        }
        response = {"id": self._response_id, "object": "realtime.response", "status": status}
        await self.send(
            {"type": "response.done", "response": {**response, "status_details": details, "usage": usage}}
        )

    async def _run(self, response_id: str, answer: Answer) -> None:
        created = {"id": response_id, "object": "realtime.response", "status": "in_progress", "output": []}
        await self.send({"type": "response.created", "response": created})
        limit = {"name": "tokens", "limit": 40000, "remaining": 39000, "reset_seconds": 1.5}
        await self.send({"type": "rate_limits.updated", "rate_limits": [limit]})
        await asyncio.sleep(self.faults.thinks_s)
        for index, part in enumerate(answer):
            match part:
                case str():
                    await self._say(response_id, index, part)
                case Call():
                    await self._call(response_id, index, part)
                case Fails(code):
                    self._response = None
                    error = {"type": "server_error", "code": code, "message": "try again later"}
                    await self._response_done("failed", {"type": "failed", "error": error})
                    return
                case float():
                    await asyncio.sleep(part)
        self._response = None
        await self._response_done("completed", None)

    async def _say(self, response_id: str, index: int, text: str) -> None:
        item = self._name("item")
        made = self.made[item] = Made()
        message = {"id": item, "type": "message", "role": "assistant", "object": "realtime.item"}
        place = {"response_id": response_id, "item_id": item, "output_index": index, "content_index": 0}
        added = {**message, "status": "in_progress", "content": []}
        await self.send(
            {"type": "response.output_item.added", "response_id": response_id, "output_index": index}
            | {"item": added}
        )
        await self.send({"type": "conversation.item.added", "item": added})
        await self.send({"type": "response.content_part.added", **place, "part": {"type": "audio"}})
        status = "incomplete"
        try:
            await self._stream(place, made, text)
            status = "completed"
        finally:
            content = [{"type": "output_audio", "transcript": made.transcript}]
            done = {**message, "status": status, "content": content}
            if not self._gone():
                await self.send({"type": "response.output_audio.done", **place})
                await self.send(
                    {"type": "response.output_audio_transcript.done", **place, "transcript": made.transcript}
                )
                await self.send(
                    {"type": "response.output_item.done", "response_id": response_id, "output_index": index}
                    | {"item": done}
                )
                self.items.append(done)
                await self.send({"type": "conversation.item.done", "item": done})

    def _gone(self) -> bool:
        return self.request.transport is None or self.request.transport.is_closing()

    async def _stream(self, place: dict[str, Any], made: Made, text: str) -> None:
        voice = self.brain.voice(text, self._rate_hz)
        words = text.split()
        size = self._rate_hz // 5
        pieces = [voice[at : at + size] for at in range(0, len(voice), size)]
        for index, piece in enumerate(pieces):
            until = len(words) * (index + 1) // len(pieces)
            begun = len(words) * index // len(pieces)
            delta = "".join(f" {word}" if made.transcript else word for word in words[begun:until])
            if delta:
                made.transcript = " ".join(words[:until])
                delta = delta if begun == 0 else f" {delta.strip()}"
                await self.send({"type": "response.output_audio_transcript.delta", **place, "delta": delta})
            if not await self.audio_fault():
                made.samples += len(piece)
                audio = base64.b64encode(self._octets(piece)).decode()
                await self.send({"type": "response.output_audio.delta", **place, "delta": audio})
            await asyncio.sleep(len(piece) / self._rate_hz / FASTER)

    def _octets(self, pcm: Pcm16) -> bytes:
        return ulaw.CODEC.encode(pcm).tobytes() if self._ulaw else pcm.astype("<i2").tobytes()

    async def _call(self, response_id: str, index: int, call: Call) -> None:
        item, call_id = self._name("item"), self._name("call")
        arguments = json.dumps(call.arguments)
        function = {"id": item, "type": "function_call", "object": "realtime.item", "name": call.name}
        place = {"response_id": response_id, "item_id": item, "output_index": index, "call_id": call_id}
        begun = {**function, "call_id": call_id, "status": "in_progress", "arguments": ""}
        of = {"response_id": response_id, "output_index": index}
        await self.send({"type": "response.output_item.added", **of, "item": begun})
        await self.send({"type": "response.function_call_arguments.delta", **place, "delta": arguments})
        await self.send(
            {"type": "response.function_call_arguments.done", **place}
            | {"arguments": arguments, "name": call.name}
        )
        done = {**begun, "status": "completed", "arguments": arguments}
        self.items.append(done)
        await self.send({"type": "response.output_item.done", **of, "item": done})


class OpenAiRealtimeServer(SpeechServer):
    path = "/v1/realtime"
    connection = OpenAiConnection
