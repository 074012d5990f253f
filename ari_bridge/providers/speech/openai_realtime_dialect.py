"""OpenAI's Realtime API without I/O: events of the protocol to and from ours.

One *response* at a time belongs to the conversation. The server begins one when the caller's turn ends; we
ask for one (response.create) after a tool's result, the caller's keys, or an instruction, and wait with it
while another is under way. Names of the events before general availability (response.audio.delta) are
understood, since compatible servers still use them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.dialect import Later, Message
from ari_bridge.providers.speech.openai_realtime_items import items, result_item, text_item
from ari_bridge.providers.speech.sound import Ear, Mouth
from ari_bridge.providers.usage import Usage

log = logging.getLogger(__name__)

PCM_HZ = 24_000
ULAW_HZ = 8000
SETUP = "setup"
"""Our name for the event that must not fail."""
REQUEST = "request"
"""And for those that ask for a response."""
TRIES = 3
"""Of a response that the server fails to make."""
TRY_AGAIN_S = 0.5
_HARMLESS = frozenset(
    {
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "invalid_item_id",
        "item_truncate_invalid_item_id",
        "item_truncate_invalid_audio_end_ms",
    }
)
"""Errors that only tell that something of ours came too late."""


@dataclass(frozen=True, slots=True)
class Configuration:
    model: str
    voice: str
    transcription_model: str
    takes_ulaw: bool
    turn_detection: Mapping[str, Any]
    noise_reduction: str
    max_output_tokens: int | None


class OpenAiRealtimeDialect:
    """Of one session."""

    def __init__(self, opening: b.Opening, configuration: Configuration) -> None:
        self._opening, self._configuration = opening, configuration
        self._ulaw = configuration.takes_ulaw and opening.rate_hz == ULAW_HZ
        self._vendor_hz = ULAW_HZ if self._ulaw else PCM_HZ
        self._mouth = Mouth(opening.rate_hz, self._vendor_hz, as_ulaw=self._ulaw)
        self._ears: dict[str, Ear] = {}
        """By item."""
        self._caller_texts: dict[str, str] = {}
        self._response = ""
        """The one that is under way."""
        self._response_of: dict[str, str] = {}
        """By item."""
        self._wanted: Message | None = None
        """The response that is to be asked for when there is no other."""
        self._asked: Message = _RESPONSE
        """The one that was asked for last."""
        self._open_calls: set[str] = set()
        self._failures = 0
        self._owed: list[Message | Later] = []

    # ------------------------------------------------------------------ to the server

    def begin(self) -> Sequence[Message]:
        history = [
            {"type": "conversation.item.create", "item": item} for item in items(self._opening.history)
        ]
        return [{"type": "session.update", "event_id": SETUP, "session": self._session()}, *history]

    def _session(self) -> Mapping[str, Any]:
        wanted, opening = self._configuration, self._opening
        sound = {"type": "audio/pcmu"} if self._ulaw else {"type": "audio/pcm", "rate": PCM_HZ}
        hears: dict[str, Any] = {"format": sound, "turn_detection": dict(wanted.turn_detection)}
        if wanted.transcription_model:
            language = opening.language.split("-")[0].lower()
            hears["transcription"] = {"model": wanted.transcription_model, "language": language}
        if wanted.noise_reduction:
            hears["noise_reduction"] = {"type": wanted.noise_reduction}
        speaks: dict[str, Any] = {"format": sound}
        if wanted.voice:
            speaks["voice"] = wanted.voice
        session: dict[str, Any] = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {"input": hears, "output": speaks},
            "tools": [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                }
                for tool in opening.tools
            ],
            "tool_choice": "auto",
        }
        if opening.prompt:
            session["instructions"] = opening.prompt
        if wanted.max_output_tokens is not None:
            session["max_output_tokens"] = wanted.max_output_tokens
        return session

    def signal(self, signal: b.Signal) -> Sequence[Message]:
        match signal:
            case b.CallerAudio(pcm):
                audio = self._mouth.encode(pcm)
                return [{"type": "input_audio_buffer.append", "audio": audio}] if audio else []
            case b.Cut(item, heard_samples):
                return self._cut(item, heard_samples)
            case b.ToolResult(call_id, text, answer_wanted):
                return self._result(call_id, text, answer_wanted=answer_wanted)
            case b.CallerEntry(digits):
                text = f"[digit {digits}]" if len(digits) == 1 else f"[digits {digits}]"
                return [_create(text_item("user", text)), *self._want_response({})]
            case b.Ask(instruction):
                # Instructions of a response stand in place of the session's.
                words = "\n\n".join(filter(None, (self._opening.prompt, instruction)))
                return self._want_response({"instructions": words})
            case b.Pace(pace):
                output = {"speed": min(max(pace, 0.25), 1.5)}
                session = {"type": "realtime", "audio": {"output": output}}
                return [{"type": "session.update", "session": session}]
        return []

    def _cut(self, item: str, heard_samples: int) -> list[Message]:
        said: list[Message] = []
        if self._response and self._response_of.get(item) == self._response:
            said.append({"type": "response.cancel", "response_id": self._response})
        ear = self._ears.get(item)
        if ear is not None:
            # More than there is would be refused.
            end_ms = min(heard_samples * 1000 // self._opening.rate_hz, ear.made_ms)
            said.append(
                {
                    "type": "conversation.item.truncate",
                    "item_id": item,
                    "content_index": 0,
                    "audio_end_ms": end_ms,
                }
            )
        return said

    def _result(self, call_id: str, text: str, *, answer_wanted: bool) -> list[Message]:
        said: list[Message] = [_create(result_item(call_id, text))]
        self._open_calls.discard(call_id)
        if answer_wanted and not self._open_calls:
            said += self._want_response({})
        return said

    def _want_response(self, response: Mapping[str, Any]) -> list[Message]:
        """Ask for one, now or as soon as there is no other."""
        wanted: Message = {**_RESPONSE, "response": dict(response)} if response else _RESPONSE
        if self._response:
            self._wanted = wanted
            return []
        self._response, self._asked = _ASKED_FOR, wanted
        return [wanted]

    # ------------------------------------------------------------------ from the server

    def owed(self) -> Sequence[Message | Later]:
        owed, self._owed = self._owed, []
        return owed

    def message(self, message: Mapping[str, Any] | bytes) -> Sequence[b.SpeechEvent]:
        if isinstance(message, bytes):
            return []
        try:
            return self._event(str(message["type"]), message)
        except (KeyError, TypeError, AttributeError) as error:
            kind = message.get("type", "an event")
            raise ProviderError(
                f"openai-realtime: {kind} without what belongs to it ({error})", retryable=True
            ) from None

    def _event(self, kind: str, event: Mapping[str, Any]) -> Sequence[b.SpeechEvent]:
        match kind:
            case "response.output_audio.delta" | "response.audio.delta":
                item = str(event["item_id"])
                self._response_of[item] = str(event.get("response_id") or "")
                return [b.AgentAudio(item, self._ear(item).decode(event["delta"]))]
            case "response.output_audio_transcript.delta" | "response.audio_transcript.delta":
                return [b.AgentText(str(event["item_id"]), str(event["delta"]))]
            case "response.output_item.done":
                return self._item_done(event["item"])
            case "input_audio_buffer.speech_started":
                self._wanted = None  # the caller's turn gets an answer of its own
                return [b.CallerBegan(str(event["item_id"]))]
            case "input_audio_buffer.speech_stopped":
                return [b.CallerStopped(str(event["item_id"]))]
            case "conversation.item.input_audio_transcription.delta":
                item = str(event["item_id"])
                self._caller_texts[item] = self._caller_texts.get(item, "") + (event.get("delta") or "")
                return [b.CallerText(item, self._caller_texts[item], final=False)]
            case "conversation.item.input_audio_transcription.completed":
                self._count_transcription(event.get("usage") or {})
                return [b.CallerText(str(event["item_id"]), str(event["transcript"]), final=True)]
            case "conversation.item.input_audio_transcription.failed":
                item = str(event["item_id"])
                log.warning("openai-realtime: transcription: %s", _said(event.get("error")))
                return [b.CallerText(item, self._caller_texts.get(item, ""), final=True)]
            case "response.created":
                self._response = str(event["response"].get("id") or "unnamed")
            case "response.done":
                self._response_done(event["response"])
            case "error":
                self._error(event["error"])
        return []

    def _ear(self, item: str) -> Ear:
        if item not in self._ears:
            self._ears[item] = Ear(
                "openai-realtime", self._vendor_hz, self._opening.rate_hz, as_ulaw=self._ulaw
            )
        return self._ears[item]

    def _item_done(self, item: Mapping[str, Any]) -> Sequence[b.SpeechEvent]:
        if item["type"] == "message":
            return [b.AgentDone(str(item["id"]))] if item["id"] in self._ears else []
        if item["type"] != "function_call" or item.get("status") == "incomplete":
            return []
        call_id = str(item["call_id"])
        try:
            arguments = json.loads(item["arguments"] or "{}")
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            self._owed += self._result(
                call_id, "Not done: the arguments are no JSON object.", answer_wanted=True
            )
            return []
        self._open_calls.add(call_id)
        return [ToolCall(call_id, str(item["name"]), arguments)]

    def _response_done(self, response: Mapping[str, Any]) -> None:
        self._response = ""
        self._count(response.get("usage") or {})
        status = response.get("status")
        if status == "failed":
            self._response_failed((response.get("status_details") or {}).get("error") or {})
            return
        self._failures = 0
        if self._wanted is not None:
            self._response, self._asked, self._wanted = _ASKED_FOR, self._wanted, None
            self._owed.append(self._asked)

    def _response_failed(self, error: Mapping[str, Any]) -> None:
        self._failures += 1
        said = f"openai-realtime: no response: {_said(error)}"
        if self._failures >= TRIES or error.get("code") == "insufficient_quota":
            raise ProviderError(said, retryable=error.get("code") != "insufficient_quota")
        log.warning("%s; trying again", said)
        self._response, self._asked, self._wanted = _ASKED_FOR, self._wanted or _RESPONSE, None
        self._owed.append(Later(TRY_AGAIN_S * 2 ** (self._failures - 1), self._asked))

    def _error(self, error: Mapping[str, Any]) -> None:
        code, said = error.get("code"), _said(error)
        if error.get("event_id") == SETUP:
            raise ProviderError(f"openai-realtime: refused the session: {said}", retryable=False)
        if code == "session_expired":
            raise ProviderError(f"openai-realtime: {said}", retryable=True)
        if error.get("event_id") == REQUEST and self._response == _ASKED_FOR:
            self._response = ""
            if code == "conversation_already_has_active_response":
                self._wanted = self._asked
        if code in _HARMLESS:
            log.debug("openai-realtime: %s", said)
        else:
            log.warning("openai-realtime: %s", said)

    # ------------------------------------------------------------------ what it costs

    def _count(self, usage: Mapping[str, Any]) -> None:
        if usage:
            self._opening.meter(
                Usage(
                    input_tokens=int(usage.get("input_tokens") or 0),
                    output_tokens=int(usage.get("output_tokens") or 0),
                    service=f"openai {self._configuration.model}",
                    cached_tokens=int((usage.get("input_token_details") or {}).get("cached_tokens") or 0),
                )
            )

    def _count_transcription(self, usage: Mapping[str, Any]) -> None:
        if usage:
            self._opening.meter(
                Usage(
                    input_tokens=int(usage.get("input_tokens") or 0),
                    output_tokens=int(usage.get("output_tokens") or 0),
                    service=f"openai {self._configuration.transcription_model}",
                    audio_s=float(usage.get("seconds") or 0.0),
                )
            )


_ASKED_FOR = "asked for"
_RESPONSE: Message = {"type": "response.create", "event_id": REQUEST}


def _create(item: Mapping[str, Any]) -> Message:
    return {"type": "conversation.item.create", "item": item}


def _said(error: Mapping[str, Any] | None) -> str:
    """The vendor's words, short, in one line."""
    if not error:
        return "it does not say why"
    return " ".join(str(error.get("message") or error.get("code") or "it does not say why").split())[:200]
