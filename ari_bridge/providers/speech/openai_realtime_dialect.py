"""OpenAI's Realtime API without I/O: events of the protocol to and from ours.

Names of the events before general availability (response.audio.delta) are understood, since compatible
servers still use them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.dialect import Later, Message
from ari_bridge.providers.speech.openai_realtime_errors import HARMLESS, in_short
from ari_bridge.providers.speech.openai_realtime_items import items, result_item, text_item
from ari_bridge.providers.speech.openai_realtime_responses import REQUEST, Responses
from ari_bridge.providers.speech.openai_realtime_setup import PCM_HZ, ULAW_HZ, Configuration, session
from ari_bridge.providers.speech.sound import Ear, Mouth
from ari_bridge.providers.usage import Usage

log = logging.getLogger(__name__)

SETUP = "setup"
"""Our name for the event that must not fail."""


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
        self._response_of: dict[str, str] = {}
        """By item."""
        self._responses = Responses()
        self._open_calls: set[str] = set()
        self._owed: list[Message | Later] = []

    # ------------------------------------------------------------------ to the server

    def begin(self) -> Sequence[Message]:
        history = [
            {"type": "conversation.item.create", "item": item} for item in items(self._opening.history)
        ]
        wanted = session(self._opening, self._configuration, as_ulaw=self._ulaw)
        return [{"type": "session.update", "event_id": SETUP, "session": wanted}, *history]

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
                return [_create(text_item("user", text)), *self._responses.want({})]
            case b.Ask(instruction):
                # Instructions of a response stand in place of the session's.
                words = "\n\n".join(filter(None, (self._opening.prompt, instruction)))
                return self._responses.want({"instructions": words})
            case b.Pace(pace):
                output = {"speed": min(max(pace, 0.25), 1.5)}
                changed = {"type": "realtime", "audio": {"output": output}}
                return [{"type": "session.update", "session": changed}]
        return []

    def _cut(self, item: str, heard_samples: int) -> list[Message]:
        said: list[Message] = []
        under_way = self._responses.under_way
        if under_way and self._response_of.get(item) == under_way:
            said.append({"type": "response.cancel", "response_id": under_way})
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
            said += self._responses.want({})
        return said

    # ------------------------------------------------------------------ from the server

    def owed(self) -> Sequence[Message | Later]:
        owed, self._owed = self._owed, []
        return owed

    def message(self, message: Mapping[str, Any] | bytes) -> Sequence[b.SpeechEvent]:
        if isinstance(message, bytes):
            return []
        try:
            return self._event(str(message["type"]), message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
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
                self._responses.caller_began()
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
                log.warning("openai-realtime: transcription: %s", in_short(event.get("error")))
                return [b.CallerText(item, self._caller_texts.get(item, ""), final=True)]
            case "response.created":
                self._responses.created(str(event["response"].get("id") or ""))
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
        self._count(response.get("usage") or {})
        if response.get("status") == "failed":
            error = (response.get("status_details") or {}).get("error") or {}
            self._owed.append(self._responses.failed(error))
        else:
            self._owed += self._responses.done()

    def _error(self, error: Mapping[str, Any]) -> None:
        code, said = error.get("code"), in_short(error)
        if error.get("event_id") == SETUP:
            raise ProviderError(f"openai-realtime: refused the session: {said}", retryable=False)
        if code == "session_expired":
            raise ProviderError(f"openai-realtime: {said}", retryable=True)
        if error.get("event_id") == REQUEST:
            self._responses.refused(code)
        if code in HARMLESS:
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


def _create(item: Mapping[str, Any]) -> Message:
    return {"type": "conversation.item.create", "item": item}
