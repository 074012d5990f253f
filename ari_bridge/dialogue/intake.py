"""Each event on its way to the part of the dialogue that it concerns."""

from __future__ import annotations

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.floor import Floor
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.parts import Parts
from ari_bridge.dialogue.timers import Timers
from ari_bridge.dialogue.turns import Event, State


class Intake:
    def __init__(self, parts: Parts, floor: Floor, timers: Timers) -> None:
        self._parts, self._floor = parts, floor
        self._timers = timers

    def take(self, event: s.Event, now: float) -> None:
        parts = self._parts
        match event:
            case s.VoiceOn(started_s):
                self._voice_began(started_s, now)
            case s.VoiceHeld() | s.VoiceOff():
                self._voice_heard(event, now)
            case s.DigitPressed():
                parts.outbox.tell(LiveKind.DIGIT, event.digit)
                parts.digits.append(event)
            case s.Transcribed(utterance, text):
                parts.caller.understood(utterance, text)
            case s.PartlyTranscribed(utterance, text, is_sure):
                parts.caller.understood_so_far(utterance, text, is_sure=is_sure)
            case s.PauseJudged(number, ends):
                parts.turn_end.judged(number, ends)
            case s.ReplyText() | s.ReplyToolCall() | s.ReplyEnded():
                # Once the outcome is decided the call only says its last words.
                parts.agent.take_reply(event, now, may_call=self._floor.state is not State.LEAVING)
            case s.ReplyFailed(number):
                if parts.agent.reply_failed(number):
                    self._engine_failed(s.Engine.LLM, now)
            case s.ToolReturned():
                if parts.agent.tool_returned(event) and event.decides_outcome:
                    self._floor.fire(Event.OUTCOME_GIVEN, now)
            case s.SpeechQueued() | s.SpeechEnded():
                parts.agent.take_speech(event, now)
            case s.Played(position, onset):
                parts.agent.played(position, onset, now)
            case s.Flushed(position):
                self._flushed(position, now)
            case s.EngineFailed(engine):
                self._engine_failed(engine, now)
            case s.StoodAside(aside):
                parts.silence.stands_aside = aside
                parts.silence.rest(now)
            case s.KeysDiverted(diverted):
                parts.silence.keys_diverted = diverted
                parts.silence.rest(now)
            case s.TimerDue():
                self._timers.ring(now)

    def _voice_began(self, started_s: float, now: float) -> None:
        parts, turn = self._parts, self._parts.caller.turn
        parts.caller.voice.begin(started_s)
        parts.silence.broken(by_words=False)
        if self._floor.state is State.CALLER_PAUSED and turn is not None:
            parts.turn_end.went_on(started_s - turn.last_voiced_s)
        if parts.weighing.may_interrupt(self._floor.state):
            self._floor.fire(Event.VOICE_BEGAN, now)

    def _voice_heard(self, event: s.VoiceHeld | s.VoiceOff, now: float) -> None:
        caller, state = self._parts.caller, self._floor.state
        if caller.voice.since_s is None:
            return
        until_s = event.until_s if isinstance(event, s.VoiceHeld) else event.ended_s
        caller.heard_until(
            until_s,
            is_turn=state is State.CALLER_SPEAKING,
            is_sound=state in (State.HELD, State.PAUSED),
        )
        if isinstance(event, s.VoiceOff):
            caller.voice.end()
            if caller.voice.counts:
                self._floor.fire(Event.VOICE_ENDED, now)

    def _flushed(self, position: int, now: float) -> None:
        parts = self._parts
        if self._floor.state is State.HELD:
            parts.outbox.do(s.Pause())  # the flush has undone it
        turn = parts.caller.turn
        by_voice = turn is not None and turn.is_spoken
        was_an_answer = parts.agent.flushed(position, now, by_voice=by_voice)
        if was_an_answer:
            parts.turn_end.ended()
        elif turn is not None:
            before_s = parts.agent.reopen_caller(turn)
            if before_s is not None:
                parts.turn_end.went_on(before_s)

    def _engine_failed(self, engine: s.Engine, now: float) -> None:
        self._parts.own_words.failed(engine)
        self._floor.fire(Event.FAILED, now)
