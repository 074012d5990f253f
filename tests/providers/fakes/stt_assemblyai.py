"""AssemblyAI's Universal-Streaming, API v3.

https://www.assemblyai.com/docs/streaming/message-sequence, /docs/api-reference/streaming-api (2026-11);
messages as the vendor's SDK 1.8 reads them. It accepts a connection before it looks at the key, and takes
audio in pieces of 50 to 1000 ms only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Session, SocketFake


class FakeAssemblyAi(SocketFake):
    NAME = "assemblyai"
    MAY_BE_SILENT = True
    PATH = "/v3/ws"
    formats = False
    """Each ended turn is told a second time, formatted."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"ws://{self.address}", "final_s": 2.0}

    def is_welcome(self, request: web.Request) -> bool:
        return True

    async def talk(self, session: Session) -> None:
        if session.request.headers.get("Authorization") != self.KEY:
            await session.close(1008, "Unauthorized Connection: Missing Authorization header")
            return
        query = session.query
        is_ulaw = query["encoding"] == "pcm_mulaw"
        rate_hz = int(query["sample_rate"])
        ear = Recogniser(rate_hz, is_ulaw=is_ulaw)
        turn = 0
        words: list[Word] = []
        await session.send(
            {"type": "Begin", "id": "de5d9927-73a6-4be8-b52d-b4c07be37e6b", "expires_at": 1795251682}
        )
        async for message in session:
            if isinstance(message, bytes):
                duration_ms = len(message) / (1 if is_ulaw else 2) / rate_hz * 1000
                if not 50 <= duration_ms <= 1000:
                    await session.send(
                        {
                            "type": "Error",
                            "error_code": 3007,
                            "error": f"Input duration violation: {duration_ms} ms. Expected 50 to 1000 ms",
                        }
                    )
                    await session.close(3007, "Input duration violation")
                    return
                if heard := ear.feed(message):
                    words += heard
                    await session.send(_turn(turn, words, ends=False, formatted=False))
                continue
            command = json.loads(message)["type"]
            if command == "Terminate":
                await session.send(
                    {
                        "type": "Termination",
                        "audio_duration_seconds": int(ear.heard_s),
                        "session_duration_seconds": int(ear.heard_s),
                    }
                )
                return
            assert command == "ForceEndpoint"
            words += ear.flush()
            if words:
                await session.send(_turn(turn, words, ends=True, formatted=False))
                if self.formats:
                    await session.send(_turn(turn, words, ends=True, formatted=True))
                words, turn = [], turn + 1


def _turn(order: int, words: list[Word], *, ends: bool, formatted: bool) -> dict[str, Any]:
    final = words if ends else words[:-1]
    transcript = " ".join(word.text for word in final)
    return {
        "turn_order": order,
        "turn_is_formatted": formatted,
        "end_of_turn": ends,
        "transcript": f"{transcript.capitalize()}." if formatted else transcript,
        "end_of_turn_confidence": 0.9 if ends else 0.01,
        "words": [
            {
                "start": round(word.start_s * 1000),
                "end": round(word.end_s * 1000),
                "text": word.text,
                "confidence": 0.97,
                "word_is_final": index < len(final),
            }
            for index, word in enumerate(words)
        ],
        "utterance": transcript if ends else "",
        "type": "Turn",
    }
