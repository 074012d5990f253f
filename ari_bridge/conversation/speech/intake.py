"""Each event of the call on its way to the part of the dialogue that it concerns."""

from __future__ import annotations

from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.endings import Endings
from ari_bridge.conversation.speech.engine_intake import EngineIntake
from ari_bridge.conversation.speech.floor import Floor
from ari_bridge.conversation.speech.parts import Parts
from ari_bridge.conversation.speech.timers import Timers
from ari_bridge.conversation.speech.turns import Event, State
from ari_bridge.dialogue import signals as s
from ari_bridge.providers.speech import base as b


class Intake:
    def __init__(self, parts: Parts, floor: Floor, endings: Endings, timers: Timers) -> None:
        self._parts, self._floor = parts, floor
        self._endings, self._timers = endings, timers
        self._engine = EngineIntake(parts, floor)

    def take(self, event: c.Event, now: float) -> None:
        parts = self._parts
        match event:
            case s.VoiceOn() | s.VoiceHeld() | s.VoiceOff():
                self._voice_heard(event, now)
            case s.DigitPressed(digit, at_s):
                self._digit_pressed(digit, at_s, now)
            case s.ToolReturned():
                self._tool_returned(event, now)
            case c.Queued():
                parts.agent.queued(event)
            case s.Played(position, onset):
                parts.agent.played(position, onset, now)
            case s.Flushed(position):
                if self._floor.state is State.WEIGHED:
                    parts.outbox.do(s.Pause())  # the flush has undone it
                parts.agent.flushed(position)
            case c.MarkPassed(name):
                parts.outbox.send(b.MarkHeard(name))
            case c.EngineLost(may_return):
                self._endings.lost(now, may_return=may_return)
            case s.StoodAside(aside):
                parts.silence.stands_aside = aside
                if aside:
                    self._floor.fire(Event.DISMISSED, now)
                parts.silence.rest(now)
            case s.KeysDiverted(diverted):
                parts.silence.keys_diverted = diverted
                parts.silence.rest(now)
            case s.TimerDue():
                self._timers.ring(now)
            case _:
                self._engine.take(event, now)

    def _voice_heard(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff, now: float) -> None:
        self._parts.caller.take_voice(event)
        if isinstance(event, s.VoiceOn):
            self._parts.silence.broken(by_words=False)
            if self._parts.settings.barge_in:
                self._floor.fire(Event.VOICE_BEGAN, now)

    def _digit_pressed(self, digit: str, at_s: float, now: float) -> None:
        if self._floor.state is State.LEAVING:
            return
        self._parts.silence.broken(by_words=True)
        if not self._parts.abilities.decides_interruptions:
            self._floor.fire(Event.CLAIMED, now)
        self._parts.caller.press(digit, at_s)

    def _tool_returned(self, event: s.ToolReturned, now: float) -> None:
        parts = self._parts
        parts.story.tool_answered(event.call.call_id, event.result)
        last_words_said = event.decides_outcome and parts.agent.has_spoken
        if parts.tools.returned(event.call, event.result, answer_wanted=not last_words_said):
            parts.engine.awaits_answer(now)
        parts.inform_model()
        if event.decides_outcome:
            self._floor.fire(Event.DECIDED, now)
