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
from collections.abc import Iterable

from ari_bridge.dialogue import patience as p
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue import silence
from ari_bridge.dialogue.agent_side import AgentSide
from ari_bridge.dialogue.backchannel import Meaning, meaning
from ari_bridge.dialogue.call_time import CallTime
from ari_bridge.dialogue.caller_side import CallerSide
from ari_bridge.dialogue.endpoint import end_of_turn
from ari_bridge.dialogue.history import Entry, History
from ari_bridge.dialogue.interruption import Rule, Verdict
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.languages.registry import language as language_of
from ari_bridge.dialogue.latency import Stamp
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import Turn, TurnLog
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.question import Question, question_in
from ari_bridge.dialogue.turn_end import TRANSCRIPT_WAIT_S, TurnEnd
from ari_bridge.dialogue.turns import Action, Event, State, Turns
from ari_bridge.settings import PatienceSettings, TurnSettings

APOLOGY = "I am sorry, something went wrong on our side."
CONTINUED_MS = 250.0
"""Voice of this length, while the answer is not audible yet, is the turn going on."""


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
    ) -> None:
        """`rate_hz`: of the positions. `language`: a BCP 47 tag. `system`: the system message for the model,
        if any. `max_duration_s` after greet() the agent says `goodbye`, whatever is going on. `patience`:
        None where silence may last for ever."""
        self.history = History(system)
        self._settings = settings
        self._language = language_of(language)
        self._turns = Turns()
        self._log = TurnLog()
        self._outbox = Outbox()
        self._caller = CallerSide(self._outbox, Keypad(settings.digit_pause_ms / 1000, settings.digits_max))
        self._agent = AgentSide(self.history, self._log, self._outbox, rate_hz, settings.protected)
        self._turn_end = TurnEnd(end_of_turn(settings, self._language), eager=settings.eager)
        self._call_time = CallTime(max_duration_s)
        quiet = PatienceSettings(fillers=(), check_ins=())
        self._patience = silence.patience(patience or quiet)
        self._goodbye = goodbye
        self._words_to_say = ""
        """Of the check-in or farewell that is due."""
        self._paused_s: float | None = None
        self._digits: deque[s.DigitPressed] = deque()
        """Pressed, and not taken yet."""
        self._digit: s.DigitPressed | None = None
        self._stands_aside = self._keys_diverted = False
        self._leave = s.Leave()
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
        self._language = language_of(tag)
        self._turn_end = TurnEnd(end_of_turn(self._settings, self._language), eager=self._settings.eager)

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

    # ------------------------------------------------------------------ time

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        if self.state is State.ENDED:
            return None
        due_s = min(self._call_time.next_s, self._patience_due_s(), self._turn_due_s(), self._sound_due_s())
        return due_s if due_s < math.inf else None

    def _patience_due_s(self) -> float:
        rests = self.state not in (State.LISTENING, State.THINKING, State.AGENT_SPEAKING)
        return math.inf if rests or self._caller.voice.on else self._patience.next_timer()

    def _turn_due_s(self) -> float:
        """When something is to happen to the caller's turn."""
        turn = self._caller.turn
        if turn is None:
            return math.inf
        owed_s = turn.owed_since_s + TRANSCRIPT_WAIT_S
        if self.state is not State.CALLER_PAUSED:
            return owed_s
        asked = self._asked()
        over_s = self._turn_end.over_s(self._caller, asked)
        likely_s = self._turn_end.likely_s(self._caller, asked)
        return min(owed_s, likely_s if self._now < likely_s < over_s else over_s)

    def _sound_due_s(self) -> float:
        """When the sound over the agent's words is to be judged again."""
        sound = self._caller.sound
        if sound is None or self.state not in (State.HELD, State.PAUSED):
            return math.inf
        return self._rule().waits_until_s(sound)

    def _timer_due(self) -> None:
        while (event := self._call_time.due(self._now)) is not None:
            self._fire(event)
        if self._now >= self._patience_due_s():
            self._prompt(self._patience.due(self._now))
        if self._caller.turn is not None:
            self._caller.turn.give_up_waiting(TRANSCRIPT_WAIT_S, self._now)

    def _prompt(self, prompt: p.Prompt | None) -> None:
        """Somebody has waited for long enough."""
        if prompt is None:
            return
        if prompt.kind is p.Kind.FILLER:
            self._agent.fill(prompt.text)
            return
        self._words_to_say = prompt.text
        self._fire(Event.NO_INPUT if prompt.kind is p.Kind.CHECK_IN else Event.NOBODY_THERE)

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
                self._stands_aside = aside
                self._rest()
            case s.KeysDiverted(diverted):
                self._keys_diverted = diverted
                self._rest()
            case s.TimerDue():
                self._timer_due()

    def _take_voice(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff) -> None:
        voice = self._caller.voice
        match event:
            case s.VoiceOn(started_s):
                voice.begin(started_s)
                self._patience.answered()
                turn = self._caller.turn
                if self.state is State.CALLER_PAUSED and turn is not None:
                    self._turn_end.went_on(started_s - turn.last_voiced_s)
                if self._may_interrupt():
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
        was_an_answer = self._agent.flushed(position, self._now)
        turn = self._caller.turn
        if was_an_answer:
            self._turn_end.ended()
        elif turn is not None:
            before_s = self._agent.reopen_caller(turn)
            if before_s is not None:
                self._turn_end.went_on(before_s)

    def _rest(self) -> None:
        """Nobody is waited for while the caller is on hold, or busy with the keys."""
        if self._stands_aside or self._keys_diverted:
            self._patience.suspend()
        else:
            self._patience.resume(self._now)

    def _engine_failed(self, engine: s.Engine) -> None:
        if self._leave.failed is None:
            self._leave = s.Leave(failed=engine, time_up=self._leave.time_up)
        self._fire(Event.FAILED)

    # ------------------------------------------------------------------ what follows of itself

    def _advance(self) -> None:
        """Carry on until nothing is due."""
        while True:
            if self._digits and not self._agent.is_protected:
                self._digit = self._digits.popleft()
                self._fire(Event.DIGIT_PRESSED)
            elif (said := self._caller.afterthought) is not None:
                self._take_afterthought(said)
            elif self._commit_is_due():
                self._commit()
            elif (event := self._due()) is not None:
                self._fire(event)
            else:
                break
        if self.state is State.CALLER_PAUSED:
            self._speculate()
        # Not while the caller's voice puts the turn in question.
        if self.state in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            self._agent.run_tools()
        silence.follow(self._patience, self.state, self._agent.answer, self._agent.position, self._now)

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
        if turn.text:
            self._patience.caller_active()
        self._agent.reply_to(turn, self._now)

    def _speculate(self) -> None:
        """Ask the model before the turn is surely over, if that is likely."""
        turn = self._caller.turn
        likely = self._now >= self._turn_end.likely_s(self._caller, self._asked())
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
                over = self._now >= self._turn_end.over_s(self._caller, self._asked())
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
            case State.AGENT_SPEAKING if self._caller.voice.on and self._may_interrupt():
                return Event.VOICE_BEGAN  # into words that were protected, and after them
            case State.THINKING | State.AGENT_SPEAKING | State.LEAVING if answer is not None:
                return Event.AGENT_DONE if answer.heard_out(position) else None
        return None

    def _may_interrupt(self) -> bool:
        if self.state not in (State.THINKING, State.AGENT_SPEAKING):
            return True
        if self._agent.is_protected:
            return False
        return self._settings.barge_in or self.state is State.THINKING

    def _verdict(self) -> Event | None:
        """Whether the sound over the agent's words is an interruption."""
        sound = self._caller.sound
        if sound is None or self._stands_aside:
            return Event.DISMISSED
        match self._rule().judge(sound, self._language, self._asked(), self._now):
            case Verdict.INTERRUPTION:
                return Event.CLAIMED
            case Verdict.DISMISSED:
                return Event.DISMISSED
            case Verdict.OPEN:
                return None

    def _take_afterthought(self, said: str) -> None:
        """A sound that was dismissed was understood at last."""
        meant = meaning(said, self._language, self._asked(), words_min=self._settings.barge_in_min_words)
        if meant is Meaning.INTERRUPTION and self._may_interrupt() and not self._stands_aside:
            self._fire(Event.CLAIMED)
        self._caller.forget_sound(self._now)

    def _rule(self) -> Rule:
        settings = self._settings
        sure_ms = CONTINUED_MS if self.state is State.HELD else settings.barge_in_min_ms
        return Rule(sure_ms, settings.resume_after_ms, settings.barge_in_min_words)

    def _asked(self) -> Question:
        return question_in(self._agent.words_heard, self._language)

    # ------------------------------------------------------------------ the table's actions

    def _fire(self, event: Event) -> None:
        before = self.state
        for action in self._turns.on(event):
            self._act(action, before)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._call_time.last_words_begin(self._now)

    def _act(self, action: Action, before: State) -> None:
        if action in _CALLER_ACTIONS:
            self._act_for_caller(action)
        elif action in _OWN_WORDS:
            self._say(action)
        else:
            self._act_for_agent(action, before)

    def _act_for_caller(self, action: Action) -> None:
        caller = self._caller
        match action:
            case Action.OPEN_UTTERANCE:
                self._agent.speculation.drop()
                caller.open_utterance()
            case Action.OPEN_SOUND:
                caller.open_sound()
            case Action.CLOSE_UTTERANCE:
                caller.close_utterance(self._now)
            case Action.CLOSE_SOUND:
                caller.close_sound(self._now)
            case Action.CLAIM_SOUND:
                caller.claim_sound(answer_needed=not self._agent.is_settled)
            case Action.FORGET_SOUND:
                caller.forget_sound(self._now)
            case Action.END_TURN:
                caller.end_turn(self._now)
            case Action.TAKE_DIGIT:
                assert self._digit is not None
                self._agent.speculation.drop()
                caller.take_digit(self._digit.digit, self._digit.at_s)
            case Action.FORGET_TURN:
                caller.forget_turn()

    def _act_for_agent(self, action: Action, before: State) -> None:
        match action:
            case Action.FINISH:
                self._turn_end.ended()
                self._agent.finish(self._now)
            case Action.PAUSE:
                self._paused_s = self._now
                self._outbox.do(s.Pause())
                if before is State.AGENT_SPEAKING:
                    self._outbox.tell(LiveKind.AGENT_PAUSED)
            case Action.DISMISS_SOUND:
                said = self._caller.dismiss_sound()
                if before is State.PAUSED:
                    self._outbox.tell(LiveKind.AGENT_RESUMED, said)
            case Action.RESUME:
                self._paused_s = None
                self._outbox.do(s.Resume())
            case Action.INTERRUPT:
                silent_s, self._paused_s = self._paused_s, None
                self._agent.interrupt(self._now if silent_s is None else silent_s)
            case Action.LEAVE:
                self._outbox.do(self._leave)

    def _say(self, action: Action) -> None:
        """Words of the agent's that no model makes."""
        text = self._words_to_say
        match action:
            case Action.APOLOGISE:
                text = APOLOGY
            case Action.SAY_GOODBYE:
                text = self._goodbye
                self._leave = s.Leave(time_up=True)
            case Action.SAY_FAREWELL:
                self._leave = s.Leave(nobody_there=True)
        self._caller.forget_turn()
        self._agent.say(text, self._now)


_CALLER_ACTIONS = {
    Action.OPEN_UTTERANCE,
    Action.OPEN_SOUND,
    Action.CLOSE_UTTERANCE,
    Action.CLOSE_SOUND,
    Action.CLAIM_SOUND,
    Action.FORGET_SOUND,
    Action.END_TURN,
    Action.TAKE_DIGIT,
    Action.FORGET_TURN,
}
_OWN_WORDS = {Action.CHECK_IN, Action.SAY_FAREWELL, Action.SAY_GOODBYE, Action.APOLOGISE}
