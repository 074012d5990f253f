"""Deepgram's streaming recogniser, Nova, API v1.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming, /docs/finalize (2026-11); the
shapes of its messages are those that the vendor's SDK 7.17 reads.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Session, SocketFake


class FakeDeepgram(SocketFake):
    NAME = "deepgram"
    MAY_BE_SILENT = True
    PATH = "/v1/listen"
    settles_every: int | None = 6
    """Words after which a window is settled by itself."""
    answers_empty_finalize = False
    """Documented as not certain: with nothing left to flush."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"ws://{self.address}", "final_s": 2.0}

    def is_welcome(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Token {self.KEY}"

    async def talk(self, session: Session) -> None:
        query = session.query
        assert query["model"]
        assert query["encoding"] in ("mulaw", "linear16")
        ear = Recogniser(int(query["sample_rate"]), is_ulaw=query["encoding"] == "mulaw")
        window: list[Word] = []
        begin_s = 0.0

        async def tell(*, is_final: bool, from_finalize: bool = False) -> None:
            nonlocal begin_s
            await session.send(_results(window, begin_s, ear.heard_s, is_final, from_finalize))
            if is_final:
                begin_s = ear.heard_s
                window.clear()

        async for message in session:
            if isinstance(message, bytes):
                if words := ear.feed(message):
                    window += words
                    await tell(is_final=self.settles_every is not None and len(window) >= self.settles_every)
                continue
            command = json.loads(message)["type"]
            if command == "Finalize":
                window += ear.flush()
                if window or self.answers_empty_finalize:
                    await asyncio.sleep(0.002)
                    await tell(is_final=True, from_finalize=True)
            elif command == "CloseStream":
                window += ear.flush()
                if window:
                    await tell(is_final=True)
                await session.send(_metadata(ear.heard_s))
                return
            else:
                assert command == "KeepAlive"


def _results(
    words: list[Word], start_s: float, end_s: float, is_final: bool, flushed: bool
) -> dict[str, Any]:
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": round(end_s - start_s, 6),
        "start": round(start_s, 6),
        "is_final": is_final,
        "speech_final": False,
        "channel": {
            "alternatives": [
                {
                    "transcript": " ".join(word.text for word in words),
                    "confidence": 0.9 if words else 0.0,
                    "words": [
                        {
                            "word": word.text,
                            "start": word.start_s,
                            "end": word.end_s,
                            "confidence": 0.9,
                            "punctuated_word": word.text,
                        }
                        for word in words
                    ],
                }
            ]
        },
        "metadata": {
            "request_id": "8c8ebea9-dbec-45fa-a035-e4632cb05b5f",
            "model_info": {"name": "general-nova-3", "version": "2025-04-17.21547", "arch": "nova-3"},
            "model_uuid": "40bd3654-e622-47c4-a111-63a61b23bfe6",
        },
        "from_finalize": flushed,
    }


def _metadata(heard_s: float) -> dict[str, Any]:
    return {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": "8c8ebea9-dbec-45fa-a035-e4632cb05b5f",
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "created": "2026-11-21T09:00:00.000Z",
        "duration": heard_s,
        "channels": 1,
    }
