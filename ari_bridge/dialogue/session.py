"""A call's dialogue: events in, commands out; no I/O, and time is an argument.

    voice, digits, transcripts ─▶ caller's side ─┐              ┌─▶ utterances to the recogniser
    the model's text and tools ─▶ agent's side  ─┼─ the table ──┼─▶ rounds for the model, tools to run
    audio queued, played, cut  ─▶ agent's side  ─┤              ├─▶ sentences to speak, pause, resume, flush
    the clock ─▶ end of turn, patience, limits  ─┘              └─▶ leave

`turns.TABLE` says whose turn it is. This class gives each event to the side that it concerns, tells the table
when the conditions for the next event hold (`_due`), and has the sides carry out its actions. What it
guarantees: an answer is asked for only once the turn before it is settled (everything understood, every flush
accounted for), or as a speculation that nobody notices; a tool runs only while the turn it belongs to is not
in question, and once; each answer ends heard to its end, or interrupted with what was heard of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

from ari_bridge.dialogue import own_words
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.agent_side import AgentSide
from ari_bridge.dialogue.call_time import CallTime
from ari_bridge.dialogue.caller_side import CallerSide
from ari_bridge.dialogue.endpoint import end_of_turn
from ari_bridge.dialogue.history import Entry, History
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.languages.registry import language as language_of
from ari_bridge.dialogue.latency import Stamp
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import Turn, TurnLog
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.own_words import OwnWords
from ari_bridge.dialogue.patience import Kind, Prompt
from ari_bridge.dialogue.sentences import has_words
from ari_bridge.dialogue.silence import Silence
from ari_bridge.dialogue.turn_end import TRANSCRIPT_WAIT_S, TurnEnd
from ari_bridge.dialogue.turns import Action, Event, State, Turns
from ari_bridge.dialogue.weighing import Weighing
from ari_bridge.settings import PatienceSettings, TurnSettings


class Session:
    """The dialogue of one call. Feed it every event in order; carry out every command in order."""

    def __init__(
        self,
        settings: TurnSettings,
        *,
        rate_hz: int,
        language: str = "en",
        system: str = "",
        max_duration_s: float = math.inf,
        goodbye: str = "",
        patience: PatienceSettings | None = None,
        phrases: Sequence[str] = (),
    ) -> None:
        """`rate_hz`: of the positions. `language`: a BCP 47 tag. `system`: the system message for the model,
        if any. `max_duration_s` after greet() the agent says `goodbye`, whatever is going on. `patience`:
        None where silence may last for ever. `phrases`: sentences that callers may say to this agent."""
        self.history = History(system)
        self._settings = settings
        self._turns = Turns()
        self._log = TurnLog()
        self._outbox = Outbox()
        keypad = Keypad(settings.digit_pause_ms / 1000, settings.digits_max)
        self._caller = CallerSide(self._outbox, keypad)
        self._agent = AgentSide(self.history, self._log, self._outbox, rate_hz, settings.protected)
        self._weighing = Weighing(self._caller, self._agent, settings, language_of(language))
        self._phrases = phrases
        self._turn_end = self._turn_end_in(language_of(language))
        self._call_time = CallTime(max_duration_s)
        self._silence = Silence(patience or PatienceSettings(fillers=(), check_ins=()))
        self._own_words = OwnWords(goodbye)
        self._no_answer = "" if patience is None else patience.no_answer
        self._paused_s: float | None = None
        self._digits: deque[s.DigitPressed] = deque()
        """Pressed, and not taken yet."""
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

    def speak_language(self, tag: str) -> None:
        """Caller and agent go on in another language."""
        language = self._weighing.language = language_of(tag)
        self._turn_end = self._turn_end_in(language)

    def _turn_end_in(self, language: Language) -> TurnEnd:
        return TurnEnd(end_of_turn(self._settings, language, self._phrases), eager=self._settings.eager)

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
        sound = self._caller.sound
        if sound is not None and self._weighing.claims(sound.text, State.LISTENING):
            self._caller.claim_sound(answer_needed=False)
        turn = self._caller.turn
        if turn is not None:
            turn.settle()
            if turn.text:
                self._log.caller_said(turn)
        self._caller.forget_turn()
        self._outbox.drain()

    # ------------------------------------------------------------------ time

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        if self.state is State.ENDED:
            return None
        due_s = min(
            self._call_time.next_s,
            self._silence.due_s(self.state, voice_on=self._caller.voice.on),
            self._turn_due_s(),
            self._weighing.due_s(self.state),
        )
        return due_s if due_s < math.inf else None

    def _turn_due_s(self) -> float:
        """When something is to happen to the caller's turn."""
        turn = self._caller.turn
        if turn is None:
            return math.inf
        owed_s = turn.owed_since_s + TRANSCRIPT_WAIT_S
        if self.state is not State.CALLER_PAUSED:
            return owed_s
        asked = self._weighing.asked
        over_s = self._turn_end.over_s(self._caller, asked)
        likely_s = self._turn_end.likely_s(self._caller, asked)
        return min(owed_s, likely_s if self._now < likely_s < over_s else over_s)

    def _timer_due(self) -> None:
        while (event := self._call_time.due(self._now)) is not None:
            self._fire(event)
        if self._now >= self._silence.due_s(self.state, voice_on=self._caller.voice.on):
            self._prompt(self._silence.prompt(self._now))
        if self._caller.turn is not None:
            self._caller.turn.give_up_waiting(TRANSCRIPT_WAIT_S, self._now)

    def _prompt(self, prompt: Prompt | None) -> None:
        """Somebody has waited for long enough."""
        if prompt is None:
            return
        if prompt.kind is Kind.FILLER:
            self._agent.fill(prompt.text)
            return
        self._own_words.prompt = prompt.text
        self._fire(Event.NO_INPUT if prompt.kind is Kind.CHECK_IN else Event.NOBODY_THERE)

    # ------------------------------------------------------------------ events

    def _take(self, event: s.Event) -> None:
        match event:
            case s.VoiceOn() | s.VoiceHeld() | s.VoiceOff():
                self._take_voice(event)
            case s.DigitPressed():
                self._outbox.tell(LiveKind.DIGIT, event.digit)
                self._digits.append(event)
            case s.Transcribed(utterance, text):
                self._caller.understood(utterance, text)
            case s.PartlyTranscribed(utterance, text, is_sure):
                self._caller.understood_so_far(utterance, text, is_sure=is_sure)
            case s.PauseJudged(number, ends):
                self._turn_end.judged(number, ends)
            case s.ReplyText() | s.ReplyToolCall() | s.ReplyEnded():
                # Once the outcome is decided the call only says its last words.
                self._agent.take_reply(event, self._now, may_call=self.state is not State.LEAVING)
            case s.ReplyFailed(number):
                if self._agent.reply_failed(number):
                    self._engine_failed(s.Engine.LLM)
            case s.ToolReturned(call, result, decides_outcome):
                if self._agent.tool_returned(call, result) and decides_outcome:
                    self._fire(Event.OUTCOME_GIVEN)
            case s.SpeechQueued() | s.SpeechEnded():
                self._agent.take_speech(event, self._now)
            case s.Played(position, onset):
                self._agent.played(position, onset, self._now)
            case s.Flushed(position):
                self._flushed(position)
            case s.EngineFailed(engine):
                self._engine_failed(engine)
            case s.StoodAside(aside):
                self._silence.stands_aside = aside
                self._silence.rest(self._now)
            case s.KeysDiverted(diverted):
                self._silence.keys_diverted = diverted
                self._silence.rest(self._now)
            case s.TimerDue():
                self._timer_due()

    def _take_voice(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff) -> None:
        voice = self._caller.voice
        match event:
            case s.VoiceOn(started_s):
                voice.begin(started_s)
                self._silence.broken(by_words=False)
                turn = self._caller.turn
                if self.state is State.CALLER_PAUSED and turn is not None:
                    self._turn_end.went_on(started_s - turn.last_voiced_s)
                if self._weighing.may_interrupt(self.state):
                    self._fire(Event.VOICE_BEGAN)
            case s.VoiceHeld(until_s) | s.VoiceOff(until_s):
                if voice.since_s is None:
                    return
                self._caller.heard_until(
                    until_s,
                    is_turn=self.state is State.CALLER_SPEAKING,
                    is_sound=self.state in (State.HELD, State.PAUSED),
                )
                if isinstance(event, s.VoiceOff):
                    voice.end()
                    if voice.counts:
                        self._fire(Event.VOICE_ENDED)

    def _flushed(self, position: int) -> None:
        if self.state is State.HELD:
            self._outbox.do(s.Pause())  # the flush has undone it
        turn = self._caller.turn
        by_voice = turn is not None and turn.is_spoken
        was_an_answer = self._agent.flushed(position, self._now, by_voice=by_voice)
        if was_an_answer:
            self._turn_end.ended()
        elif turn is not None:
            before_s = self._agent.reopen_caller(turn)
            if before_s is not None:
                self._turn_end.went_on(before_s)

    def _engine_failed(self, engine: s.Engine) -> None:
        self._own_words.failed(engine)
        self._fire(Event.FAILED)

    # ------------------------------------------------------------------ what follows of itself

    def _advance(self) -> None:
        """Carry on until nothing is due."""
        while True:
            if self._digits and not self._agent.is_protected:
                self._fire(Event.DIGIT_PRESSED)
                self._digits.popleft()
            elif (said := self._caller.afterthought) is not None:
                if self._weighing.claims(said, self.state) and not self._silence.stands_aside:
                    self._fire(Event.CLAIMED)
                self._caller.forget_sound(self._now)
            elif self._commit_is_due():
                self._commit()
            elif self._answer_is_missing():
                self._agent.make_up(self._no_answer, self._now)
            elif (event := self._due()) is not None:
                self._fire(event)
            else:
                break
        if self.state is State.CALLER_PAUSED:
            self._speculate()
        # Not while the caller's voice puts the turn in question.
        if self.state in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            self._agent.run_tools()
        self._silence.follow(self.state, self._agent.answer, self._agent.position, self._now)

    def _commit_is_due(self) -> bool:
        turn = self._caller.turn
        return (
            turn is not None
            and self.state in (State.THINKING, State.HELD)
            and turn.complete
            and not turn.is_noise
            and self._agent.is_settled
        )

    def _answer_is_missing(self) -> bool:
        answer = self._agent.answer
        if answer is None or self.state not in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            return False
        return answer.is_missing and has_words(self._no_answer)

    def _commit(self) -> None:
        """The caller's turn is over and understood."""
        self._caller.drop_afterthought()
        turn = self._caller.take_turn()
        turn.waterfall.mark(Stamp.TRANSCRIPT, self._now)
        if turn.text:
            self._silence.broken(by_words=True)
        self._agent.reply_to(turn, self._now)

    def _speculate(self) -> None:
        """Ask the model before the turn is surely over, if that is likely."""
        turn = self._caller.turn
        likely = self._now >= self._turn_end.likely_s(self._caller, self._weighing.asked)
        if likely and turn is not None and self._agent.is_settled:
            self._agent.speculation.begin(turn.guess, self._now)

    def _due(self) -> Event | None:
        answer, turn, position = self._agent.answer, self._caller.turn, self._agent.position
        match self.state:
            case State.LISTENING:
                return Event.VOICE_BEGAN if self._caller.voice.on else None
            case State.CALLER_SPEAKING:
                return None if self._caller.voice.on else Event.VOICE_ENDED
            case State.CALLER_PAUSED:
                over = self._now >= self._turn_end.over_s(self._caller, self._weighing.asked)
                return Event.TURN_ENDED if over else None
            case State.THINKING if turn is not None:
                noise = turn.complete and turn.is_noise and self._agent.is_settled
                return Event.NOTHING_SAID if noise else None
            case State.THINKING if answer is not None and answer.audible:
                return Event.SPEECH_BEGAN
            case State.HELD:
                return self._verdict()
            case State.PAUSED:
                ends = answer is not None and answer.words_out(position)
                return Event.AGENT_DONE if ends else self._verdict()
            case State.AGENT_SPEAKING if self._caller.voice.on and self._weighing.may_interrupt(self.state):
                return Event.VOICE_BEGAN  # into words that were protected, and after them
            case State.THINKING | State.AGENT_SPEAKING | State.LEAVING if answer is not None:
                return Event.AGENT_DONE if answer.heard_out(position) else None
        return None

    def _verdict(self) -> Event | None:
        """On the sound over the agent's words; none counts while the dialogue stands aside."""
        if self._silence.stands_aside:
            return Event.DISMISSED
        return self._weighing.verdict(self.state, self._now)

    # ------------------------------------------------------------------ the table's actions

    def _fire(self, event: Event) -> None:
        before = self.state
        for action in self._turns.on(event):
            self._act(action, before)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._call_time.last_words_begin(self._now)
        if self.state is State.CALLER_PAUSED and before is State.CALLER_SPEAKING:
            self._pause_began()

    def _pause_began(self) -> None:
        """Have a model judge it, where there is one."""
        number = self._outbox.number()
        self._turn_end.pause_began(number)
        turn = self._caller.turn
        if self._settings.detector and turn is not None:
            heard = self._agent.words_heard
            self._outbox.do(s.JudgePause(number, turn.started_s, turn.text_so_far, heard))

    def _act(self, action: Action, before: State) -> None:
        match action:
            case Action.PAUSE:
                self._paused_s = self._now
                self._outbox.do(s.Pause())
                if before is State.AGENT_SPEAKING:
                    self._outbox.tell(LiveKind.AGENT_PAUSED)
            case Action.RESUME:
                self._paused_s = None
                self._outbox.do(s.Resume())
            case Action.DISMISS_SOUND:
                said = self._caller.dismiss_sound()
                if before is State.PAUSED:
                    self._outbox.tell(LiveKind.AGENT_RESUMED, said)
            case Action.CLAIM_SOUND:
                self._caller.claim_sound(answer_needed=not self._agent.is_settled)
            case Action.INTERRUPT:
                silent_s, self._paused_s = self._paused_s, None
                self._agent.interrupt(self._now if silent_s is None else silent_s)
            case Action.FINISH:
                self._turn_end.ended()
                self._agent.finish(self._now)
            case Action.TAKE_DIGIT:
                self._agent.speculation.drop()
                self._caller.take_digit(self._digits[0].digit, self._digits[0].at_s)
            case Action.LEAVE:
                self._outbox.do(self._own_words.leave)
            case _ if action in own_words.ACTIONS:
                self._agent.speculation.drop()
                self._caller.forget_turn()
                self._agent.say(self._own_words.text_of(action), self._now)
            case _:
                if action in (Action.OPEN_UTTERANCE, Action.FORGET_TURN):
                    self._agent.speculation.drop()
                self._caller.act(action, self._now)
