"""The tools that the engine calls: held until the caller's words before them are known, and answered."""

from __future__ import annotations

import math

from ari_bridge.conversation.speech import asking
from ari_bridge.conversation.speech.outbox import Outbox
from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.providers.speech import base as b

TEXT_WAIT_S = 1.5
"""The policy may want the caller's own yes. It comes as text, in its own time; so long it may take."""


class ToolCalls:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._held: list[ToolCall] = []
        self._until_s = math.inf
        self._of_session: set[str] = set()
        """Those that the engine which is there now has called, and wants answered."""
        self._unwanted: set[str] = set()

    @property
    def due_s(self) -> float:
        """When the ones that are held run in any case."""
        return self._until_s

    def called(self, call: ToolCall, now: float) -> None:
        self._of_session.add(call.call_id)
        self._held.append(call)
        self._until_s = min(self._until_s, now + TEXT_WAIT_S)

    def cancelled(self, call_id: str) -> None:
        """The engine does not want the result. It runs all the same: what it was called for stands."""
        self._unwanted.add(call_id)

    def session_ended(self) -> None:
        self._of_session.clear()

    def take_ready(self, now: float, *, words_owed: bool) -> tuple[list[ToolCall], bool]:
        """Those that are to run now, and whether the caller's words were waited for in vain."""
        in_vain = bool(self._held) and words_owed and now >= self._until_s
        if words_owed and not in_vain:
            return [], False
        ready, self._held, self._until_s = self._held, [], math.inf
        return ready, in_vain

    def returned(self, call: ToolCall, result: str, *, answer_wanted: bool = True) -> bool:
        """Tell the engine; whether it will answer."""
        self._outbox.tell(LiveKind.TOOL, f"{call.name}: {result}")
        if call.call_id in self._unwanted:
            return False
        if call.call_id in self._of_session:
            self._of_session.discard(call.call_id)
            self._outbox.request(b.ToolResult(call.call_id, result, answer_wanted))
        elif answer_wanted:
            self._outbox.request(b.Ask(asking.result_of(call, result)))
        return answer_wanted
