"""Vosk: alphacep/vosk-server, websocket/asr_server.py (2026-01). Each message is answered by one, the
end of file, a string that has to match to the blank, by the last one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Session, SocketFake


class FakeVosk(SocketFake):
    NAME = "vosk"
    PATH = "/"
    KEYED = False
    result_words = 4
    """After so many the recogniser takes a silence for an end."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"ws://{self.address}", "final_s": 2.0}

    def is_welcome(self, request: web.Request) -> bool:
        return True

    async def talk(self, session: Session) -> None:
        rate_hz, ear = 8000, None
        words: list[Word] = []
        async for message in session:
            if isinstance(message, str) and "config" in message:
                rate_hz = round(json.loads(message)["config"]["sample_rate"])
                continue
            ear = ear or Recogniser(rate_hz)
            if message == '{"eof" : 1}':
                words += ear.flush()
                await session.send(_result(words))
                if not session.is_mute:
                    return
                continue
            assert isinstance(message, bytes)
            words += ear.feed(message)
            if len(words) >= self.result_words:
                await session.send(_result(words))
                words = []
            else:
                await session.send({"partial": " ".join(word.text for word in words)})


def _result(words: list[Word]) -> dict[str, Any]:
    text = " ".join(word.text for word in words)
    if not words:
        return {"text": text}
    result = [{"conf": 0.98, "end": w.end_s, "start": w.start_s, "word": w.text} for w in words]
    return {"result": result, "text": text}
