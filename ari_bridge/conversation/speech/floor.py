"""Who has the floor beside an engine: the table of turns, with its actions carried out."""

from __future__ import annotations

import math

from ari_bridge.conversation.speech.parts import Parts
from ari_bridge.conversation.speech.turns import Action, Event, State
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind


class Floor:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._paused_s = math.inf

    @property
    def state(self) -> State:
        return self._parts.turns.state

    def fire(self, event: Event, now: float) -> None:
        """Something has happened, by the table's count."""
        before = self.state
        for action in self._parts.turns.on(event):
            self._act(action, before, now)
        if event is Event.CLAIMED and before is State.WEIGHED:
            self._parts.caller.speaks(now)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._parts.call_time.last_words_begin(now)

    def _act(self, action: Action, before: State, now: float) -> None:
        agent, outbox = self._parts.agent, self._parts.outbox
        match action:
            case Action.PAUSE:
                self._paused_s = now
                outbox.do(s.Pause())
                outbox.tell(LiveKind.AGENT_PAUSED)
            case Action.RESUME:
                self._paused_s = math.inf
                outbox.do(s.Resume())
                if agent.turn is not None and not agent.is_silent:
                    outbox.tell(LiveKind.AGENT_RESUMED)
            case Action.CUT:
                silenced_s, self._paused_s = min(now, self._paused_s), math.inf
                if not agent.cut(silenced_s) and before is State.WEIGHED:
                    outbox.do(s.Resume())
            case Action.LEAVE:
                outbox.do(self._parts.leave)
