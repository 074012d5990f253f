"""The responses of one session of OpenAI's Realtime API: one at a time belongs to the conversation.

The server begins one when the caller's turn ends; we ask for one (response.create) after a tool's result, the
caller's keys, or an instruction.

    what is under way          a response is wanted      it fails                    our request is refused
    ---------------------------------------------------------------------------------------------------------
    nothing                    asked for
    one that we asked for      waits for its end         asked for again, later      one is under way: waits
    one of the server's        waits for its end         asked for, later
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.speech.dialect import Later, Message
from ari_bridge.providers.speech.openai_realtime_errors import in_short

log = logging.getLogger(__name__)

REQUEST = "request"
"""Our name for the events that ask for a response."""
TRIES = 3
"""Of a response that the server fails to make."""
TRY_AGAIN_S = 0.5

_RESPONSE: Message = {"type": "response.create", "event_id": REQUEST}
_ASKED_FOR = "asked for"


class Responses:
    def __init__(self) -> None:
        self.under_way = ""
        """Its id, once it has one; "" for none."""
        self._wanted: Message | None = None
        """To be asked for when there is no other."""
        self._asked: Message = _RESPONSE
        """The one that was asked for last."""
        self._failures = 0

    def want(self, response: Mapping[str, Any]) -> list[Message]:
        """Ask for one, now or as soon as there is no other. `response`: what is special about it."""
        wanted: Message = {**_RESPONSE, "response": dict(response)} if response else _RESPONSE
        if self.under_way:
            self._wanted = wanted
            return []
        return [self._ask(wanted)]

    def caller_began(self) -> None:
        """The caller's turn gets an answer of its own."""
        self._wanted = None

    def created(self, response_id: str) -> None:
        self.under_way = response_id or "unnamed"

    def done(self) -> list[Message]:
        """It is over, and went well. Returns what is to be sent then."""
        self.under_way, self._failures = "", 0
        return [] if self._wanted is None else [self._ask(self._wanted)]

    def failed(self, error: Mapping[str, Any]) -> Later:
        """It is over, and there is nothing of it: the next try. Raises ProviderError after the last."""
        self._failures += 1
        said = f"openai-realtime: no response: {in_short(error)}"
        if self._failures >= TRIES or error.get("code") == "insufficient_quota":
            raise ProviderError(said, retryable=error.get("code") != "insufficient_quota")
        log.warning("%s; trying again", said)
        return Later(TRY_AGAIN_S * 2 ** (self._failures - 1), self._ask(self._wanted or _RESPONSE))

    def refused(self, code: object) -> None:
        """One that we asked for will not be made."""
        if self.under_way != _ASKED_FOR:
            return
        self.under_way = ""
        if code == "conversation_already_has_active_response":
            self._wanted = self._asked

    def _ask(self, response: Message) -> Message:
        self.under_way, self._asked, self._wanted = _ASKED_FOR, response, None
        return response
