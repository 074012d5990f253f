"""Twilio's side of a two-way Media Stream, as messages. No I/O.

Source: twilio.com/docs/voice/media-streams/websocket-messages, protocol "Call" version 1.0.0. Audio is 8 kHz
µ-law in base64, one message every 20 ms on the way to the bot, pieces of any size from it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from ari_bridge.core.audio import FRAME_MS, Pcm16, samples
from ari_bridge.media.codecs.ulaw import CODEC as ULAW
from ari_bridge.providers.speech.base import AgentAudio, Clear, Mark

RATE_HZ = 8000
FRAME = samples(FRAME_MS, RATE_HZ)

JsonObject: TypeAlias = Mapping[str, Any]


class MalformedMessage(ValueError):
    """A message of the bot that cannot be meant; the text says why."""


class TwilioStream:
    """One stream. Sequence numbers, chunks and timestamps count as Twilio's do."""

    def __init__(self, call_id: str, account_sid: str, parameters: Mapping[str, str]) -> None:
        digest = hashlib.blake2b(call_id.encode(), digest_size=32).hexdigest()
        self.call_sid, self.stream_sid = f"CA{digest[:32]}", f"MZ{digest[32:]}"
        self._account_sid, self._parameters = account_sid, dict(parameters)
        self._sequence = 0
        self._chunk = 0
        self._rest = np.zeros(0, np.int16)
        self._cleared = 0

    # -------------------------------------------------------------- to the bot

    def opening(self) -> list[JsonObject]:
        start = {
            "accountSid": self._account_sid,
            "streamSid": self.stream_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1},
            "customParameters": self._parameters,
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [connected, self._numbered("start", start)]

    def media(self, pcm: Pcm16) -> list[JsonObject]:
        """Of caller audio at RATE_HZ, in whole frames; what is left waits for the next."""
        audio = np.concatenate([self._rest, pcm])
        whole = len(audio) // FRAME * FRAME
        self._rest = audio[whole:]
        return [self._frame(audio[start : start + FRAME]) for start in range(0, whole, FRAME)]

    def dtmf(self, digit: str) -> JsonObject:
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> JsonObject:
        return self._numbered("mark", {"name": name})

    def stop(self) -> JsonObject:
        return self._numbered("stop", {"accountSid": self._account_sid, "callSid": self.call_sid})

    def _frame(self, pcm: Pcm16) -> JsonObject:
        self._chunk += 1
        return self._numbered(
            "media",
            {
                "track": "inbound",
                "chunk": str(self._chunk),
                "timestamp": str((self._chunk - 1) * FRAME_MS),
                "payload": base64.b64encode(ULAW.encode(np.ascontiguousarray(pcm)).tobytes()).decode(),
            },
        )

    def _numbered(self, event: str, body: JsonObject) -> JsonObject:
        self._sequence += 1
        return {
            "event": event,
            "sequenceNumber": str(self._sequence),
            event: body,
            "streamSid": self.stream_sid,
        }

    # -------------------------------------------------------------- from the bot

    def understand(self, message: JsonObject) -> AgentAudio | Mark | Clear | None:
        """None for what Twilio ignores too: events it does not know. Raises MalformedMessage."""
        match message.get("event"):
            case "media":
                item = f"{self.stream_sid}-{self._cleared}"  # what was cleared is not gone on with
                return AgentAudio(item, _pcm(_text(message, "media", "payload")))
            case "mark":
                return Mark(_text(message, "mark", "name"))
            case "clear":
                self._cleared += 1
                return Clear()
        return None


def _text(message: JsonObject, event: str, key: str) -> str:
    body = message.get(event)
    value = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(value, str):
        raise MalformedMessage(f"{event}.{key} is no text")
    return value


def _pcm(payload: str) -> Pcm16:
    try:
        octets = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage("media.payload is no base64") from None
    return ULAW.decode(np.frombuffer(octets, np.uint8))
