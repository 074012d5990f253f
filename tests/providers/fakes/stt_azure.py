"""Azure Speech's recogniser on its WebSocket.

"Speech service WebSocket protocol", MicrosoftDocs/azure-docs, articles/cognitive-services/Speech/
API-Reference-REST/websocketprotocol.md (2018-09). It is written apart from the product's own reading of that
page: headers, request identifiers, the RIFF header and the acknowledgement of each turn are looked at.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.providers.fakes.spoken import Recogniser, Word
from tests.providers.fakes.stt_server import Session, SocketFake

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,7}Z")
_ID = re.compile(r"[0-9a-f]{32}")


class FakeAzure(SocketFake):
    NAME, SERVICE = "azure-stt", "azure"
    PATH = "/speech/recognition/conversation/cognitiveservices/v1"
    phrase_words = 3
    """After so many words a phrase is settled."""
    acknowledged = 0

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": f"ws://{self.address}", "final_s": 2.0}

    def is_welcome(self, request: web.Request) -> bool:
        return request.headers.get("Ocp-Apim-Subscription-Key") == self.KEY

    async def talk(self, session: Session) -> None:
        assert re.fullmatch(r"\w\w-\w\w", session.query["language"])
        assert _ID.fullmatch(session.request.headers["X-ConnectionId"])
        request, ear = "", Recogniser(8000)
        words: list[Word] = []
        is_configured = False

        async def tell(path: str, body: Mapping[str, Any] | None = None) -> None:
            head = f"X-RequestId:{request}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}"
            await session.send(f"{head}\r\n\r\n{json.dumps(body) if body is not None else ''}")

        async def settle() -> None:
            said = " ".join(word.text for word in words)
            start = round(words[0].start_s * 1e7) if words else 0
            await tell(
                "speech.phrase",
                {
                    "RecognitionStatus": "Success" if words else "NoMatch",
                    "Offset": start,
                    "Duration": round(words[-1].end_s * 1e7) - start if words else 0,
                    **({"NBest": [{"Confidence": 0.9, "Lexical": said, "Display": said}]} if words else {}),
                },
            )
            words.clear()

        async for message in session:
            if isinstance(message, str):
                headers, body = _parted(message)
                assert _STAMP.fullmatch(headers["x-timestamp"])
                if headers["path"] == "speech.config":
                    assert body["context"]["os"]["platform"]
                    is_configured = True
                elif headers["path"] == "telemetry":
                    assert {"turn.end"} <= {name for entry in body["ReceivedMessages"] for name in entry}
                    self.acknowledged += 1
                else:
                    assert headers["path"] == "speech.context"
                continue
            size = struct.unpack_from(">H", message)[0]
            headers, _ = _parted(message[2 : 2 + size].decode("ascii") + "\r\n")
            sound = message[2 + size :]
            assert is_configured
            assert headers["path"] == "audio"
            assert _ID.fullmatch(headers["x-requestid"])
            assert len(sound) <= 8192
            if headers["x-requestid"] != request:
                request = headers["x-requestid"]
                words.clear()
                ear = _ear(sound)
                await tell("turn.start", {"context": {"serviceTag": "7B33613B91714B32817815DC89633AFA"}})
            elif sound:
                if heard := ear.feed(sound):
                    words += heard
                    if len(words) >= self.phrase_words:
                        await settle()
                    else:
                        text = " ".join(word.text for word in words)
                        await tell("speech.hypothesis", {"Text": text, "Offset": 0, "Duration": 1})
            else:
                words += ear.flush()
                await settle()
                await tell("speech.endDetected", {"Offset": 0})
                await tell("turn.end")


def _parted(message: str) -> tuple[dict[str, str], Any]:
    head, _, body = message.partition("\r\n\r\n")
    headers = dict(line.split(":", 1) for line in head.strip().split("\r\n"))
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    return lower, json.loads(body) if body.strip() else None


def _ear(riff: bytes) -> Recogniser:
    assert riff[:4] == b"RIFF"
    assert riff[8:16] == b"WAVEfmt "
    tag, channels, rate_hz = struct.unpack_from("<HHI", riff, 20)
    assert channels == 1
    assert len(riff) == 44
    return Recogniser(rate_hz, is_ulaw=tag == 7)
