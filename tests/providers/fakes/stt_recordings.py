"""Vendors that take a whole utterance in one HTTP request.

OpenAI's /v1/audio/transcriptions: https://developers.openai.com/api/reference/resources/audio/subresources/
transcriptions (2026-11). Google's recognize: https://cloud.google.com/speech-to-text/docs/reference/rest/v2/
projects.locations.recognizers/recognize (2026-11).
"""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import HttpFake


class RecordingsFake(HttpFake):
    METHOD = "POST"
    PARTIALS = STREAMS = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.faults.breaks:
            self.faults.breaks.popleft()
            assert request.transport is not None
            request.transport.abort()
        if self.faults.mutes:
            await asyncio.sleep(60)
        return web.json_response(await self.answer(request))

    @abstractmethod
    async def answer(self, request: web.Request) -> Mapping[str, Any]: ...


class FakeWhisper(RecordingsFake):
    NAME = "whisper-http"
    PATH = "/v1/audio/transcriptions"

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"http://{self.address}/v1", "model": "whisper-1", "final_s": 3.0}

    def is_welcome(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.KEY}"

    async def answer(self, request: web.Request) -> Mapping[str, Any]:
        form = await request.post()
        assert form["model"] == "whisper-1"
        assert form["response_format"] == "json"
        assert len(str(form["language"])) == 2
        file = form["file"]
        assert isinstance(file, web.FileField)
        assert file.filename.endswith(".wav")
        with wave.open(io.BytesIO(file.file.read())) as recording:
            assert (recording.getnchannels(), recording.getsampwidth()) == (1, 2)
            ear = Recogniser(recording.getframerate())
            words = ear.feed(recording.readframes(recording.getnframes()))
        file.file.close()
        return {"text": _text(words + ear.flush()), "usage": {"type": "duration", "seconds": 1}}


class FakeGoogle(RecordingsFake):
    NAME, SERVICE = "google-stt", "google"
    PATH = "/v2/projects/{project}/locations/global/recognizers/_:recognize"

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"http://{self.address}", "project": "callers", "final_s": 3.0}

    def is_welcome(self, request: web.Request) -> bool:
        return request.headers.get("X-Goog-Api-Key") == self.KEY

    def refusal(self, status: int) -> web.Response:
        error = {"code": status, "message": f"refused with {status}", "status": "UNAVAILABLE"}
        return web.json_response({"error": error}, status=status)

    async def answer(self, request: web.Request) -> Mapping[str, Any]:
        asked = await request.json()
        config = asked["config"]
        decoding = config["explicitDecodingConfig"]
        assert config["languageCodes"]
        assert config["model"]
        assert decoding["audioChannelCount"] == 1
        ear = Recogniser(decoding["sampleRateHertz"], is_ulaw=decoding["encoding"] == "MULAW")
        words = ear.feed(base64.b64decode(asked["content"], validate=True))
        assert ear.heard_s <= 60
        words += ear.flush()
        results = [
            {
                "alternatives": [{"transcript": _text(part), "confidence": 0.92}],
                "resultEndOffset": f"{part[-1].end_s:.3f}s",
                "languageCode": "en-us",
            }
            for part in (words[:2], words[2:])
            if part
        ]
        metadata = {"metadata": {"totalBilledDuration": f"{round(ear.heard_s + 0.5)}s"}}
        return {"results": results, **metadata} if results else metadata


def _text(words: list[Word]) -> str:
    return " ".join(word.text for word in words)
