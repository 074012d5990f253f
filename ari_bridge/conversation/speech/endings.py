"""The ends of a call beside an engine that neither side has decided: time, silence, a lost engine."""

from __future__ import annotations

from dataclasses import replace

from ari_bridge.conversation.speech.engine_side import Loss
from ari_bridge.conversation.speech.floor import Floor
from ari_bridge.conversation.speech.parts import Parts
from ari_bridge.conversation.speech.turns import Event, State
from ari_bridge.dialogue import signals as s


class Endings:
    def __init__(self, parts: Parts, floor: Floor) -> None:
        self._parts, self._floor = parts, floor

    def time_up(self, now: float) -> None:
        self._end_with(self._parts.says.goodbye, replace(self._parts.leave, time_up=True), now)

    def nobody_there(self, farewell: str, now: float) -> None:
        self._end_with(farewell, replace(self._parts.leave, nobody_there=True), now)

    def stalled(self, now: float) -> None:
        """The engine does not say what it was told to."""
        if self._floor.state is State.LEAVING:
            self._parts.engine.answered()  # the call ends without its words
        else:
            self.lost(now, may_return=True)

    def lost(self, now: float, *, may_return: bool) -> None:
        """The engine's session is over. `may_return`: another may work."""
        parts = self._parts
        unfinished = not parts.agent.is_made or parts.story.waits_for_answer or parts.engine.is_awaited
        parts.agent.break_off()
        parts.tools.session_ended()
        if self._floor.state is State.LEAVING:
            parts.engine.answered()
            return
        resumption = parts.says.resumption if unfinished else ""
        loss = parts.engine.lost(now, parts.story.messages, resumption, may_return=may_return)
        if loss is Loss.FINAL:
            parts.leave = replace(parts.leave, failed=s.Engine.SPEECH)
            self._floor.fire(Event.CUT_SHORT, now)
            parts.engine.say_ourselves(parts.says.apology, now)

    def _end_with(self, words: str, leave: s.Leave, now: float) -> None:
        """These, and then the call is over."""
        parts = self._parts
        if self._floor.state is State.LEAVING:
            return
        parts.leave = leave
        self._floor.fire(Event.CUT_SHORT, now)
        parts.engine.answered()
        if words.strip():
            parts.engine.say(words, now)
