"""A call's dialogue: events in, commands out; no I/O, and time is an argument.

    voice, digits, transcripts ─▶┐                             ┌─▶ utterances to the recogniser
    the model's text and tools ─▶│ turns · caller · answer ·   ├─▶ rounds for the model, tools to run
    audio queued, played, cut  ─▶│ history · latency           ├─▶ sentences to speak, pause, resume, flush
    the clock                  ─▶┘                             └─▶ leave

`turns.TABLE` says whose turn it is; this class carries out its actions and tells it when the conditions for
the next event hold (`_due`). What it guarantees: an answer is asked for only once the turn before it is
settled (everything understood, every flush accounted for); a tool runs only while the turn it belongs to is
not in question, and once; each answer ends heard to its end, or interrupted with what was heard of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.answer import Answer
from ari_bridge.dialogue.caller import CallerTurn
from ari_bridge.dialogue.history import Entry, History
from ari_bridge.dialogue.latency import Stamp, Waterfall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import Turn, TurnLog
from ari_bridge.dialogue.turns import Action, Event, State, Turns
from ari_bridge.dialogue.voice import Voice
from ari_bridge.settings import TurnSettings

PREROLL_S = 0.25
"""The recogniser gets the audio from this long before the onset: soft consonants come before loud vowels."""
TRANSCRIPT_WAIT_S = 6.0
LAST_WORDS_WITHIN_S = 60.0
"""More than any farewell takes: an engine that hangs must not keep the caller."""
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
        self._rate_hz = rate_hz
        self._turns = Turns()
        self._caller: CallerTurn | None = None
        self._answer: Answer | None = None
        self._flushing: deque[Answer] = deque()
        """Interrupted answers whose last position is not known yet."""
        self._log = TurnLog()
        self._voice = Voice()
        self._paused_s: float | None = None
        self._digit: s.DigitPressed | None = None
        self._failed: s.Engine | None = None
        self._max_duration_s = max_duration_s
        self._goodbye = goodbye
        self._ends_s = math.inf
        """When the time is up; at infinity again once that is dealt with."""
        self._time_up = False
        self._leaves_by_s = math.inf
        self._position = 0
        self._numbers = 0
        self._utterance: int | None = None
        self._now = 0.0
        self._commands: list[s.Command] = []

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
        self._ends_s = now + self._max_duration_s
        if text.strip():
            self._say(text)
            self._fire(Event.GREETED)
            self._advance()
        return self._drain()

    def handle(self, event: s.Event, now: float) -> list[s.Command]:
        """What is to be done about it."""
        self._now = now
        self._take(event)
        self._advance()
        return self._drain()

    def end(self, position: int, now: float) -> None:
        """The call is over, for whatever reason; agent audio had left up to `position`."""
        self._now = now
        open_turn, self._caller = self._caller, None
        while self._flushing:
            self._flushed(self._position)
        if self._answer is not None:
            self._flushing.append(self._answer)
            self._answer = None
            self._flushed(position)
        if open_turn is not None and open_turn.text:
            self._log.caller_said(open_turn)
        self._drain()

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        due_s = min(self._turn_due_s(), self._ends_s, self._leaves_by_s)
        return due_s if due_s < math.inf and self.state is not State.ENDED else None

    def _turn_due_s(self) -> float:
        """When something is to happen to the caller's turn."""
        caller = self._caller
        if caller is None:
            return math.inf
        if self.state is State.CALLER_PAUSED:
            return caller.last_voiced_s + self._settings.end_of_turn_ms / 1000
        if caller.closed_s is not None and not caller.complete:
            return caller.closed_s + TRANSCRIPT_WAIT_S
        return math.inf

    # ------------------------------------------------------------------ events

    def _take(self, event: s.Event) -> None:
        match event:
            case s.VoiceOn() | s.VoiceHeld() | s.VoiceOff():
                self._take_voice(event)
            case s.DigitPressed():
                self._digit = event
                self._tell(LiveKind.DIGIT, event.digit)
                self._fire(Event.DIGIT_PRESSED)
            case s.Transcribed(utterance, text):
                if self._caller is not None:
                    self._caller.understood(utterance, text)
            case s.ReplyText() | s.ReplyToolCall() | s.ReplyEnded():
                if self._answer is not None and event.round == self._answer.round_number:
                    self._take_reply(self._answer, event)
            case s.ToolReturned(call, result, decides_outcome):
                self._tool_returned(call, result, decides_outcome)
            case s.SpeechQueued() | s.SpeechEnded():
                self._take_speech(event)
            case s.Played(position):
                self._played(position)
            case s.Flushed(position):
                self._flushed(position)
            case s.EngineFailed(engine):
                self._failed = self._failed or engine
                self._fire(Event.FAILED)
            case s.TimerDue():
                self._timer_due()

    def _take_voice(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff) -> None:
        match event:
            case s.VoiceOn(started_s):
                self._voice.begin(started_s)
                if self._settings.barge_in or self.state is not State.AGENT_SPEAKING:
                    self._fire(Event.VOICE_BEGAN)
            case s.VoiceHeld(until_s) | s.VoiceOff(until_s):
                if self._voice.since_s is None:
                    return
                if self.state is State.CALLER_SPEAKING and self._caller is not None:
                    self._caller.add_voice(self._voice.until_s, until_s)
                self._voice.until_s = until_s
                if self._voice.counts and self._voice.lasted_ms >= self._settings.barge_in_min_ms:
                    self._fire(Event.VOICE_LASTED)
                if isinstance(event, s.VoiceOff):
                    self._voice.end()
                    if self._voice.counts:
                        self._fire(Event.VOICE_ENDED)

    def _take_reply(self, answer: Answer, event: s.ReplyText | s.ReplyToolCall | s.ReplyEnded) -> None:
        match event:
            case s.ReplyText(_, text):
                answer.waterfall.mark(Stamp.FIRST_TOKEN, self._now)
                self._speak(answer, answer.add_text(text))
            case s.ReplyToolCall(_, call):
                # Once the outcome is decided the call only says its last words.
                if self.state is not State.LEAVING:
                    answer.calls_waiting.append(call)
            case s.ReplyEnded():
                self._speak(answer, answer.end_round())

    def _tool_returned(self, call: ToolCall, result: str, decides_outcome: bool) -> None:
        self.history.tool_answered(call.call_id, result)
        self._tell(LiveKind.TOOL, f"{call.name}: {result}")
        if self._answer is not None and call.call_id in self._answer.calls_running:
            self._answer.calls_running.discard(call.call_id)
            if decides_outcome:
                self._fire(Event.OUTCOME_GIVEN)

    def _take_speech(self, event: s.SpeechQueued | s.SpeechEnded) -> None:
        sentence = self._answer.sentence(event.sentence) if self._answer is not None else None
        if self._answer is None or sentence is None:
            return
        match event:
            case s.SpeechQueued(_, start, sample_count, words):
                self._answer.waterfall.mark(Stamp.FIRST_AUDIO, self._now)
                if sentence.start is None:
                    self._do(s.WatchHeard(start + 1))
                sentence.queue(start, sample_count, words)
            case s.SpeechEnded():
                sentence.complete = True
                if sentence.start is not None:
                    self._do(s.WatchHeard(sentence.end))

    def _played(self, position: int) -> None:
        self._position = max(self._position, position)
        if self._answer is None:
            return
        for sentence in self._answer.sentences:
            if sentence.start is not None and not sentence.told and position > sentence.start:
                sentence.told = True
                self._answer.waterfall.mark(Stamp.FIRST_PACKET, self._now)
                if self._answer.first_heard_s is None:
                    self._answer.first_heard_s = self._now
                self._tell(LiveKind.AGENT_SAYS, sentence.text)

    def _timer_due(self) -> None:
        if self._now >= self._leaves_by_s:
            self._leaves_by_s = math.inf
            self._fire(Event.OVERDUE)
        if self._now >= self._ends_s:
            self._ends_s = math.inf
            self._fire(Event.TIME_UP)
        if self._now < self._turn_due_s():
            return
        if self.state is State.CALLER_PAUSED:
            self._fire(Event.TURN_ENDED)
        elif self._caller is not None:
            self._caller.give_up_waiting()

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
        self._run_tools()

    def _commit_is_due(self) -> bool:
        return (
            self._caller is not None
            and self.state in (State.THINKING, State.HELD)
            and self._caller.complete
            and not self._caller.is_noise
            and not self._flushing
        )

    def _due(self) -> Event | None:
        answer, state = self._answer, self.state
        if state is State.LISTENING and self._voice.on:
            return Event.VOICE_BEGAN
        if state is State.THINKING and self._caller is not None:
            noise = self._caller.complete and self._caller.is_noise and not self._flushing
            return Event.NOTHING_SAID if noise else None
        if answer is None:
            return None
        if state is State.THINKING and answer.audible:
            return Event.SPEECH_BEGAN
        if state in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            return Event.AGENT_DONE if answer.heard_out(self._position) else None
        if state is State.PAUSED and answer.words_out(self._position):
            return Event.AGENT_DONE
        return None

    def _commit(self) -> None:
        """The caller's turn is over and understood: it becomes history, and the model is asked."""
        caller = self._caller
        assert caller is not None
        self._caller = None
        caller.waterfall.mark(Stamp.TRANSCRIPT, self._now)
        self.history.caller_said(caller.text)
        self._log.caller_said(caller)
        if caller.news or not caller.text:
            self._tell(LiveKind.CALLER_SAID, caller.news)
        self._answer = Answer(caller.waterfall)
        self._start_round(self._answer)

    def _start_round(self, answer: Answer) -> None:
        messages = self.history.messages()
        number = self._number()
        answer.begin_round(number, self.history.agent_says())
        self._do(s.StartReply(number, messages))

    def _run_tools(self) -> None:
        """Run what the model asked for, unless the caller's voice puts the turn in question."""
        answer = self._answer
        if answer is None or self.state not in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            return
        for call in answer.calls_waiting:
            answer.acted = answer.round_owed = True
            answer.calls_running.add(call.call_id)
            self.history.tool_called(answer.rounds[-1], call)
            self._do(s.RunTool(call))
        answer.calls_waiting.clear()
        if answer.wants_round:
            self._start_round(answer)

    # ------------------------------------------------------------------ the table's actions

    def _fire(self, event: Event) -> None:
        before = self.state
        for action in self._turns.on(event):
            self._act(action, before)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._leaves_by_s = self._now + LAST_WORDS_WITHIN_S

    def _act(self, action: Action, before: State) -> None:
        match action:
            case Action.OPEN_UTTERANCE:
                self._open_utterance()
            case Action.CLOSE_UTTERANCE:
                self._close_utterance()
            case Action.TAKE_DIGIT:
                self._take_digit()
            case Action.FORGET_TURN:
                self._caller = None
            case Action.FINISH:
                self._finish()
            case Action.PAUSE:
                self._paused_s = self._now
                self._do(s.Pause())
                if before is State.AGENT_SPEAKING:
                    self._tell(LiveKind.AGENT_PAUSED)
            case Action.RESUME:
                self._paused_s = None
                self._do(s.Resume())
                if before is State.PAUSED and self.state is not State.CALLER_SPEAKING:
                    self._tell(LiveKind.AGENT_RESUMED)
            case Action.INTERRUPT:
                self._interrupt()
            case Action.SAY_GOODBYE:
                self._time_up = True
                self._caller = None
                self._say(self._goodbye)
            case Action.APOLOGISE:
                self._caller = None
                self._say(APOLOGY)
            case Action.LEAVE:
                self._do(s.Leave(self._failed, self._time_up))

    def _open_utterance(self) -> None:
        since_s = self._voice.since_s
        assert since_s is not None
        if self._caller is None:
            self._caller = CallerTurn(since_s, answer_needed=bool(self._flushing))
        self._utterance = self._number()
        self._caller.open_utterance(self._utterance)
        self._caller.add_voice(since_s, self._voice.until_s)
        self._do(s.OpenUtterance(self._utterance, since_s - PREROLL_S))

    def _close_utterance(self) -> None:
        if self._utterance is not None:
            self._do(s.CloseUtterance(self._utterance))
            self._utterance = None
        if self._caller is not None:
            self._caller.close(self._now)

    def _take_digit(self) -> None:
        assert self._digit is not None
        if self._caller is None:
            self._caller = CallerTurn(self._digit.at_s, answer_needed=True)
        self._caller.add_digit(self._digit.digit, self._digit.at_s)
        self._caller.close(self._now)
        self._voice.spend()

    def _interrupt(self) -> None:
        answer, self._answer = self._answer, None
        silent_s, self._paused_s = self._paused_s, None
        if answer is None:
            self._do(s.Resume())
            return
        answer.silenced_s = self._now if silent_s is None else silent_s
        if answer.round_number is not None:
            self._do(s.CancelReply(answer.round_number))
        self._flushing.append(answer)
        self._do(s.Pause())
        self._do(s.Flush())

    def _flushed(self, position: int) -> None:
        """An interrupted answer's audio ended at `position`: keep what was heard of it, or nothing."""
        self._position = max(self._position, position)
        if self.state is State.HELD:
            self._do(s.Pause())  # the flush has undone it
        answer = self._flushing.popleft()
        for said in answer.rounds:
            unfinished = said is answer.rounds[-1] and answer.round_number is not None
            said.cut(position, self._rate_hz, more_meant=unfinished)
        if answer.kept or answer.acted:
            self._tell(LiveKind.AGENT_INTERRUPTED, answer.kept)
            self._log.agent_said(answer, answer.silenced_s or self._now, interrupted=True)
            return
        for said in answer.rounds:
            self.history.drop(said)
        if self._caller is not None and (text := self.history.reopen_caller()) is not None:
            self._caller.continue_from(text, self._log.reopen_caller().start_s)

    def _finish(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            self._log.agent_said(answer, self._now)

    # ------------------------------------------------------------------ helpers

    def _say(self, text: str) -> None:
        """Words of our own, without the model."""
        answer = Answer(Waterfall())
        answer.begin_round(None, self.history.agent_says())
        self._answer = answer
        self._speak(answer, answer.add_text(text) + answer.end_round())

    def _speak(self, answer: Answer, sentences: list[str]) -> None:
        for text in sentences:
            answer.waterfall.mark(Stamp.FIRST_SENTENCE, self._now)
            number = self._number()
            answer.add_sentence(number, text)
            self._do(s.Speak(number, text))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _tell(self, kind: LiveKind, text: str = "") -> None:
        self._do(s.Tell(kind, text))

    def _do(self, command: s.Command) -> None:
        self._commands.append(command)

    def _drain(self) -> list[s.Command]:
        commands, self._commands = self._commands, []
        return commands
