"""A call's dialogue: events in, commands out; no I/O, and time is an argument.

    voice, digits, transcripts ─▶ caller's side ─┐              ┌─▶ utterances to the recogniser
    the model's text and tools ─▶ agent's side  ─┼─ the table ──┼─▶ rounds for the model, tools to run
    audio queued, played, cut  ─▶ agent's side  ─┤              ├─▶ sentences to speak, pause, resume, flush
    the clock                  ─▶ limits        ─┘              └─▶ leave

`turns.TABLE` says whose turn it is. This class gives each event to the side that it concerns, tells the table
when the conditions for the next event hold (`_due`), and has the sides carry out its actions. What it
guarantees: an answer is asked for only once the turn before it is settled (everything understood, every flush
accounted for); a tool runs only while the turn it belongs to is not in question, and once; each answer ends
heard to its end, or interrupted with what was heard of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.agent_side import AgentSide
from ari_bridge.dialogue.call_time import CallTime
from ari_bridge.dialogue.caller_side import CallerSide
from ari_bridge.dialogue.history import Entry, History
from ari_bridge.dialogue.latency import Stamp
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import Turn, TurnLog
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.turns import Action, Event, State, Turns
from ari_bridge.settings import TurnSettings

TRANSCRIPT_WAIT_S = 6.0
APOLOGY = "I am sorry, something went wrong on our side."


class Session:
    """The dialogue of one call. Feed it every event in order; carry out every command in order."""

    def __init__(
        self,
        settings: TurnSettings,
        *,
        rate_hz: int,
        system: str = "",
        max_duration_s: float = math.inf,
        goodbye: str = "",
    ) -> None:
        """`rate_hz`: of the positions. `system`: the system message for the model, if any. `max_duration_s`
        after greet() the agent says `goodbye`, whatever is going on."""
        self.history = History(system)
        self._settings = settings
        self._turns = Turns()
        self._log = TurnLog()
        self._outbox = Outbox()
        self._caller = CallerSide(self._outbox)
        self._agent = AgentSide(self.history, self._log, self._outbox, rate_hz)
        self._call_time = CallTime(max_duration_s)
        self._goodbye = goodbye
        self._time_up = False
        self._paused_s: float | None = None
        self._digit: s.DigitPressed | None = None
        self._failed: s.Engine | None = None
        self._now = 0.0

    @property
    def state(self) -> State:
        return self._turns.state

    @property
    def finished(self) -> list[Turn]:
        return self._log.turns

    def restore(self, entries: Iterable[Entry], turns: Iterable[Turn]) -> None:
        """Take up a dialogue that another process began; before greet()."""
        self.history.entries.extend(entries)
        self._log.turns.extend(turns)

    def greet(self, text: str, now: float) -> list[s.Command]:
        """Begin the call with the agent's words; with none, the caller speaks first."""
        self._now = now
        self._call_time.begin(now)
        if text.strip():
            self._agent.say(text, now)
            self._fire(Event.GREETED)
            self._advance()
        return self._outbox.drain()

    def handle(self, event: s.Event, now: float) -> list[s.Command]:
        """What is to be done about it."""
        self._now = now
        self._take(event)
        self._advance()
        return self._outbox.drain()

    def end(self, position: int, now: float) -> None:
        """The call is over, for whatever reason; agent audio had left up to `position`."""
        self._agent.end(position, now)
        turn = self._caller.turn
        if turn is not None and turn.text:
            self._log.caller_said(turn)
        self._caller.forget_turn()
        self._outbox.drain()

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        due_s = min(self._turn_due_s(), self._call_time.next_s)
        return due_s if due_s < math.inf and self.state is not State.ENDED else None

    def _turn_due_s(self) -> float:
        """When something is to happen to the caller's turn."""
        turn = self._caller.turn
        if turn is None:
            return math.inf
        if self.state is State.CALLER_PAUSED:
            return turn.last_voiced_s + self._settings.end_of_turn_ms / 1000
        if turn.closed_s is not None and not turn.complete:
            return turn.closed_s + TRANSCRIPT_WAIT_S
        return math.inf

    # ------------------------------------------------------------------ events

    def _take(self, event: s.Event) -> None:
        match event:
            case s.VoiceOn() | s.VoiceHeld() | s.VoiceOff():
                self._take_voice(event)
            case s.DigitPressed():
                self._digit = event
                self._outbox.tell(LiveKind.DIGIT, event.digit)
                self._fire(Event.DIGIT_PRESSED)
            case s.Transcribed(utterance, text):
                self._caller.understood(utterance, text)
            case s.ReplyText() | s.ReplyToolCall() | s.ReplyEnded():
                # Once the outcome is decided the call only says its last words.
                self._agent.take_reply(event, self._now, may_call=self.state is not State.LEAVING)
            case s.ToolReturned(call, result, decides_outcome):
                if self._agent.tool_returned(call, result) and decides_outcome:
                    self._fire(Event.OUTCOME_GIVEN)
            case s.SpeechQueued() | s.SpeechEnded():
                self._agent.take_speech(event, self._now)
            case s.Played(position):
                self._agent.played(position, self._now)
            case s.Flushed(position):
                self._flushed(position)
            case s.EngineFailed(engine):
                self._failed = self._failed or engine
                self._fire(Event.FAILED)
            case s.TimerDue():
                self._timer_due()

    def _take_voice(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff) -> None:
        voice = self._caller.voice
        match event:
            case s.VoiceOn(started_s):
                voice.begin(started_s)
                if self._settings.barge_in or self.state is not State.AGENT_SPEAKING:
                    self._fire(Event.VOICE_BEGAN)
            case s.VoiceHeld(until_s) | s.VoiceOff(until_s):
                if voice.since_s is None:
                    return
                self._caller.heard_until(until_s, is_turn=self.state is State.CALLER_SPEAKING)
                if voice.counts and voice.lasted_ms >= self._settings.barge_in_min_ms:
                    self._fire(Event.VOICE_LASTED)
                if isinstance(event, s.VoiceOff):
                    voice.end()
                    if voice.counts:
                        self._fire(Event.VOICE_ENDED)

    def _flushed(self, position: int) -> None:
        if self.state is State.HELD:
            self._outbox.do(s.Pause())  # the flush has undone it
        was_an_answer = self._agent.flushed(position, self._now)
        if not was_an_answer and self._caller.turn is not None:
            self._agent.reopen_caller(self._caller.turn)

    def _timer_due(self) -> None:
        while (event := self._call_time.due(self._now)) is not None:
            self._fire(event)
        if self._now < self._turn_due_s():
            return
        if self.state is State.CALLER_PAUSED:
            self._fire(Event.TURN_ENDED)
        elif self._caller.turn is not None:
            self._caller.turn.give_up_waiting()

    # ------------------------------------------------------------------ what follows of itself

    def _advance(self) -> None:
        """Carry on until nothing is due."""
        while True:
            if self._commit_is_due():
                self._commit()
            elif (event := self._due()) is not None:
                self._fire(event)
            else:
                break
        # Not while the caller's voice puts the turn in question.
        if self.state in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            self._agent.run_tools()

    def _commit_is_due(self) -> bool:
        turn = self._caller.turn
        return (
            turn is not None
            and self.state in (State.THINKING, State.HELD)
            and turn.complete
            and not turn.is_noise
            and self._agent.is_settled
        )

    def _commit(self) -> None:
        """The caller's turn is over and understood."""
        turn = self._caller.take_turn()
        turn.waterfall.mark(Stamp.TRANSCRIPT, self._now)
        self._agent.reply_to(turn)

    def _due(self) -> Event | None:
        answer, turn, state = self._agent.answer, self._caller.turn, self.state
        position = self._agent.position
        if state is State.LISTENING and self._caller.voice.on:
            return Event.VOICE_BEGAN
        if state is State.THINKING and turn is not None:
            noise = turn.complete and turn.is_noise and self._agent.is_settled
            return Event.NOTHING_SAID if noise else None
        if answer is None:
            return None
        if state is State.THINKING and answer.audible:
            return Event.SPEECH_BEGAN
        if state in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            return Event.AGENT_DONE if answer.heard_out(position) else None
        if state is State.PAUSED and answer.words_out(position):
            return Event.AGENT_DONE
        return None

    # ------------------------------------------------------------------ the table's actions

    def _fire(self, event: Event) -> None:
        before = self.state
        for action in self._turns.on(event):
            self._act(action, before)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._call_time.last_words_begin(self._now)

    def _act(self, action: Action, before: State) -> None:
        match action:
            case Action.OPEN_UTTERANCE:
                self._caller.open_utterance(answer_needed=not self._agent.is_settled)
            case Action.CLOSE_UTTERANCE:
                self._caller.close_utterance(self._now)
            case Action.TAKE_DIGIT:
                assert self._digit is not None
                self._caller.take_digit(self._digit.digit, self._digit.at_s, self._now)
            case Action.FORGET_TURN:
                self._caller.forget_turn()
            case Action.FINISH:
                self._agent.finish(self._now)
            case Action.PAUSE:
                self._paused_s = self._now
                self._outbox.do(s.Pause())
                if before is State.AGENT_SPEAKING:
                    self._outbox.tell(LiveKind.AGENT_PAUSED)
            case Action.RESUME:
                self._paused_s = None
                self._outbox.do(s.Resume())
                if before is State.PAUSED and self.state is not State.CALLER_SPEAKING:
                    self._outbox.tell(LiveKind.AGENT_RESUMED)
            case Action.INTERRUPT:
                silent_s, self._paused_s = self._paused_s, None
                self._agent.interrupt(self._now if silent_s is None else silent_s)
            case Action.SAY_GOODBYE:
                self._time_up = True
                self._caller.forget_turn()
                self._agent.say(self._goodbye, self._now)
            case Action.APOLOGISE:
                self._caller.forget_turn()
                self._agent.say(APOLOGY, self._now)
            case Action.LEAVE:
                self._outbox.do(s.Leave(self._failed, self._time_up))
