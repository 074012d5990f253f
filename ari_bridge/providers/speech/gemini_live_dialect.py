"""The Gemini Live API without I/O: messages of the protocol to and from ours.

Turns have no names in it: they are counted here. The caller's words come in pieces beside the model's turns
and in no order with them; those that come while the model speaks belong to the turn before, unless it turns
out that they interrupted it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.dialect import Message
from ari_bridge.providers.speech.gemini_live_setup import Configuration, contents, setup
from ari_bridge.providers.speech.sound import Ear, Mouth
from ari_bridge.providers.usage import Usage

NAME = "gemini-live"
VENDOR_HZ = 24_000
"""Of the agent's audio. The caller's is taken at any rate that is told."""


class GeminiLiveDialect:
    """Of one session, over all its connections."""

    def __init__(self, opening: b.Opening, configuration: Configuration) -> None:
        self._opening, self._configuration = opening, configuration
        self._mouth = Mouth(opening.rate_hz, opening.rate_hz)
        self._ear = Ear(NAME, VENDOR_HZ, opening.rate_hz)
        self._tool_names: dict[str, str] = {}
        """By the ids of calls that are to be answered."""
        self._agent_turns = 0
        self._speaks = False
        """The model's turn has begun."""
        self._all_there = False
        """And all of its audio has come."""
        self._answer_due = False
        """Something has been said or asked that the model has not begun to answer."""
        self._caller_turns = 1
        self._caller_text = ""
        self._caller_told = False
        """The caller's turn that is counted has been answered, and its text told."""
        self._tail = ""
        """Words of the caller that came while the model spoke."""
        self._handle = ""
        self._leaving = False
        self.is_ready = False

    # ------------------------------------------------------------------ connections

    @property
    def can_resume(self) -> bool:
        return bool(self._handle)

    @property
    def should_leave(self) -> bool:
        """The server is about to close this connection, and nothing is under way on it."""
        return self._leaving and self.can_resume and not self._speaks

    def begin(self) -> Sequence[Message]:
        """The first message of each connection; the server answers it."""
        self.is_ready = self._leaving = False
        return [{"setup": setup(self._opening, self._configuration, self._handle)}]

    def opened(self) -> Sequence[Message]:
        """What follows the server's answer."""
        if self._handle or not self._opening.history:
            return []
        return [{"clientContent": {"turns": contents(self._opening.history), "turnComplete": True}}]

    # ------------------------------------------------------------------ to the server

    def signal(self, signal: b.Signal) -> Sequence[Message]:
        self._answer_due |= isinstance(signal, b.CallerEntry | b.Ask | b.ToolResult)
        match signal:
            case b.CallerAudio(pcm):
                blob = {
                    "data": self._mouth.encode(pcm),
                    "mimeType": f"audio/pcm;rate={self._opening.rate_hz}",
                }
                return [{"realtimeInput": {"audio": blob}}]
            case b.CallerEntry(digits):
                text = f"[digit {digits}]" if len(digits) == 1 else f"[digits {digits}]"
                return [{"realtimeInput": {"text": text}}]
            case b.Ask(instruction):
                return [{"realtimeInput": {"text": f"[instruction, not from the caller] {instruction}"}}]
            case b.ToolResult(call_id, text):
                name = self._tool_names.pop(call_id, "")
                answer = {"id": call_id, "name": name, "response": {"output": text}}
                return [{"toolResponse": {"functionResponses": [answer]}}]
        return []

    # ------------------------------------------------------------------ from the server

    def message(self, message: Mapping[str, Any] | bytes) -> Sequence[b.SpeechEvent]:
        """Raises ProviderError."""
        try:
            parsed = json.loads(message) if isinstance(message, bytes) else message
            return self._parsed(parsed)
        except (ValueError, RecursionError):
            raise ProviderError(f"{NAME}: sent no JSON", retryable=True) from None
        except (KeyError, TypeError, AttributeError) as error:
            raise ProviderError(
                f"{NAME}: a message without what belongs to it ({error})", retryable=True
            ) from None

    def _parsed(self, message: Mapping[str, Any]) -> Sequence[b.SpeechEvent]:
        events: list[b.SpeechEvent] = []
        if "setupComplete" in message:
            self.is_ready = True
        if content := message.get("serverContent"):
            events += self._content(content)
        for call in (message.get("toolCall") or {}).get("functionCalls") or ():
            events += self._caller_answered()
            self._tool_names[str(call["id"])] = str(call["name"])
            events.append(ToolCall(str(call["id"]), str(call["name"]), dict(call.get("args") or {})))
        for call_id in (message.get("toolCallCancellation") or {}).get("ids") or ():
            self._tool_names.pop(str(call_id), None)
            events.append(b.ToolCancelled(str(call_id)))
        if usage := message.get("usageMetadata"):
            self._count(usage)
        if update := message.get("sessionResumptionUpdate"):
            self._handle = str(update.get("newHandle") or "") if update.get("resumable") else self._handle
        if "goAway" in message:
            self._leaving = True
        return events

    def _content(self, content: Mapping[str, Any]) -> list[b.SpeechEvent]:
        events: list[b.SpeechEvent] = []
        if heard := content.get("inputTranscription"):
            events += self._caller_said(str(heard.get("text") or ""))
        if content.get("interrupted"):
            events += self._interrupted()
        for part in (content.get("modelTurn") or {}).get("parts") or ():
            blob = part.get("inlineData")
            if blob and str(blob.get("mimeType", "audio/pcm")).startswith("audio/"):
                events += self._begin_turn()
                events.append(b.AgentAudio(self._item, self._ear.decode(blob["data"])))
        if said := content.get("outputTranscription"):
            events += self._agent_said(str(said.get("text") or ""))
        if content.get("generationComplete") or content.get("turnComplete"):
            events += self._generated()
        if content.get("turnComplete"):
            self._speaks = self._all_there = False
        return events

    # ------------------------------------------------------------------ the model's turns

    @property
    def _item(self) -> str:
        return f"answer {self._agent_turns}"

    def _begin_turn(self) -> list[b.SpeechEvent]:
        if self._speaks and not self._all_there:
            return []
        events = self._caller_answered()
        self._speaks, self._all_there, self._answer_due = True, False, False
        self._agent_turns += 1
        self._ear.begin()
        return events

    def _agent_said(self, text: str) -> list[b.SpeechEvent]:
        if not text:
            return []
        # They may come before the audio that they are of, and some time after it.
        events = self._begin_turn() if self._answer_due and not self._speaks else []
        return [*events, b.AgentText(self._item, text)]

    def _generated(self) -> list[b.SpeechEvent]:
        if not self._speaks or self._all_there:
            return []
        self._all_there = True
        tail, self._tail = self._tail, ""
        late: list[b.SpeechEvent] = []
        if tail:
            self._caller_text += tail
            late = [b.CallerText(self._caller_item, self._caller_text, final=True)]
        return [*late, b.AgentDone(self._item)]

    def _interrupted(self) -> list[b.SpeechEvent]:
        done: list[b.SpeechEvent] = []
        if self._speaks and not self._all_there:
            done = [b.AgentDone(self._item)]
        self._speaks = self._all_there = False
        self._next_caller_turn()
        self._caller_text, self._tail = self._tail, ""
        return [b.CallerBegan(self._caller_item), *self._partial(), *done]

    # ------------------------------------------------------------------ the caller's turns

    @property
    def _caller_item(self) -> str:
        return f"caller {self._caller_turns}"

    def _next_caller_turn(self) -> None:
        self._caller_turns += 1
        self._caller_text, self._caller_told = "", False

    def _caller_said(self, text: str) -> list[b.SpeechEvent]:
        if self._speaks:
            self._tail += text
            return []
        if self._caller_told:
            self._next_caller_turn()
        self._answer_due = True
        self._caller_text += text
        return self._partial()

    def _partial(self) -> list[b.SpeechEvent]:
        text = self._caller_text
        return [b.CallerText(self._caller_item, text, final=False)] if text.strip() else []

    def _caller_answered(self) -> list[b.SpeechEvent]:
        """The model goes on: the caller's turn is over."""
        if self._caller_told or not self._caller_text.strip():
            return []
        self._caller_told = True
        item = self._caller_item
        return [b.CallerText(item, self._caller_text, final=True), b.CallerStopped(item)]

    # ------------------------------------------------------------------ what it costs

    def _count(self, usage: Mapping[str, Any]) -> None:
        self._opening.meter(
            Usage(
                input_tokens=int(usage.get("promptTokenCount") or 0),
                output_tokens=int(usage.get("responseTokenCount") or 0),
                service=f"google {self._configuration.model}",
                cached_tokens=int(usage.get("cachedContentTokenCount") or 0),
            )
        )
