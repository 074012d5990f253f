"""Deepgram's Flux, API v2, with turns that the client ends.

https://developers.deepgram.com/reference/speech-to-text/listen-flux, /docs/flux/state,
/docs/flux/force-end-turn (2026-11); messages as the vendor's SDK 7.17 reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Session, SocketFake


class FakeDeepgramFlux(SocketFake):
    NAME = "deepgram-flux"
    SERVICE = "deepgram"
    MAY_BE_SILENT = True
    PATH = "/v2/listen"
    starts_late = False
    """A turn starts only when the client has tried to end it: the words were still under way."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"ws://{self.address}", "final_s": 2.0}

    def is_welcome(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Token {self.KEY}"

    async def talk(self, session: Session) -> None:
        query = session.query
        assert query["model"].startswith("flux-general-")
        ear = Recogniser(int(query["sample_rate"]), is_ulaw=query["encoding"] == "mulaw")
        turn, sequence = 0, 0
        words: list[Word] = []
        waiting: list[Word] = []

        async def tell(event: str, **more: Any) -> None:
            nonlocal sequence
            sequence += 1
            await session.send(_turn_info(event, sequence, turn, words, ear.heard_s) | more)

        await session.send({"type": "Connected", "request_id": "c4d7b9a1", "sequence_id": 0})
        async for message in session:
            if isinstance(message, bytes):
                heard = ear.feed(message)
                if self.starts_late and not words:
                    waiting += heard
                elif heard:
                    words += heard
                    await tell("StartOfTurn" if len(words) == len(heard) else "Update")
                continue
            command = json.loads(message)["type"]
            if command == "CloseStream":
                return
            assert command == "ForceEndTurn"
            if not words and waiting:
                words, waiting = waiting, []
                await tell("StartOfTurn")
            elif words:
                await tell("EndOfTurn", trigger="manual")
                words, turn = [], turn + 1


def _turn_info(event: str, sequence: int, turn: int, words: list[Word], heard_s: float) -> dict[str, Any]:
    return {
        "type": "TurnInfo",
        "request_id": "c4d7b9a1",
        "sequence_id": sequence,
        "event": event,
        "turn_index": turn,
        "audio_window_start": words[0].start_s if words else heard_s,
        "audio_window_end": heard_s,
        "transcript": " ".join(word.text for word in words),
        "words": [
            {"word": word.text, "confidence": 0.95, "start": word.start_s, "end": word.end_s}
            for word in words
        ],
        "end_of_turn_confidence": 0.3,
    }
