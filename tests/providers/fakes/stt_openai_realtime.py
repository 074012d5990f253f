"""OpenAI's Realtime API, transcription sessions.

https://developers.openai.com/api/docs/guides/realtime-transcription and the reference of its events
(2026-11); messages as the vendor's SDK 3.52 reads them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Session, SocketFake

_ITEM = "conversation.item.input_audio_transcription"


class FakeOpenAiRealtime(SocketFake):
    NAME, SERVICE = "openai-transcription", "openai"
    TELLS_COST = True
    PATH = "/v1/realtime"
    swaps_items = False
    """The second item is answered before the first."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"ws://{self.address}/v1", "final_s": 2.0}

    def is_welcome(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.KEY}"

    def is_audio(self, message: str | bytes) -> bool:
        return '"input_audio_buffer.append"' in str(message)

    async def talk(self, session: Session) -> None:
        assert session.query["intent"] == "transcription"
        ear: Recogniser | None = None
        words: list[Word] = []
        events = items = buffered = 0
        held: list[dict[str, Any]] = []

        async def tell(kind: str, **more: Any) -> None:
            nonlocal events
            events += 1
            await session.send({"type": kind, "event_id": f"event_{events}", **more})

        await tell("session.created", session={"type": "transcription", "object": "realtime.session"})
        async for message in session:
            said = json.loads(message)
            match said["type"]:
                case "session.update":
                    form = said["session"]["audio"]["input"]
                    assert said["session"]["type"] == "transcription"
                    assert form["turn_detection"] is None
                    is_ulaw = form["format"]["type"] == "audio/pcmu"
                    ear = Recogniser(8000 if is_ulaw else form["format"]["rate"], is_ulaw=is_ulaw)
                    await tell("session.updated", session=said["session"])
                case "input_audio_buffer.append":
                    assert ear is not None
                    data = base64.b64decode(said["audio"], validate=True)
                    buffered += len(data)
                    for word in ear.feed(data):
                        delta = f" {word.text}" if words else word.text
                        words.append(word)
                        await tell(f"{_ITEM}.delta", item_id=f"item_{items}", content_index=0, delta=delta)
                case "input_audio_buffer.commit":
                    assert ear is not None
                    words += ear.flush()
                    least = ear.rate_hz // 10 * (1 if ear.rate_hz == 8000 else 2)
                    if buffered < least:
                        error = {
                            "type": "invalid_request_error",
                            "code": "input_audio_buffer_commit_empty",
                            "message": "Error committing input audio buffer: buffer too small.",
                            "param": None,
                            "event_id": None,
                        }
                        await tell("error", error=error)
                        continue
                    await tell("input_audio_buffer.committed", item_id=f"item_{items}", previous_item_id=None)
                    held.append(
                        {
                            "item_id": f"item_{items}",
                            "content_index": 0,
                            "transcript": " ".join(word.text for word in words),
                            "usage": {
                                "type": "tokens",
                                "input_tokens": buffered // 1000,
                                "output_tokens": len(words),
                                "total_tokens": buffered // 1000 + len(words),
                            },
                        }
                    )
                    words, buffered, items = [], 0, items + 1
                    if self.swaps_items and items == 1:
                        continue
                    await asyncio.sleep(0.002)
                    for completed in reversed(held):
                        await tell(f"{_ITEM}.completed", **completed)
                    held.clear()
                case kind:
                    raise AssertionError(kind)
