"""The dialogue beside an engine that hears and speaks itself: events in, commands out; no I/O, and time is an
argument.

    voice, keys ──────────▶ caller's side ─┐               ┌─▶ audio to play, pause, resume, flush
    the engine's events ──▶ both sides     ├── the table ──┼─▶ signals to the engine: cuts, results, requests
    queued, played, cut ──▶ agent's side  ─┤               ├─▶ tools to run
    the clock ────────────▶ patience, ends ┘               └─▶ reconnect, leave

`turns.TABLE` says what the caller hears; the engine decides the rest. What this guarantees: the engine is
told of every item how much of it was heard, if that was not all; a tool runs when the caller's words before
it are known, if they can be; an engine that is lost is tried once more with the history as it was heard; and
nobody is left in silence: whoever waits too long is asked after, and an engine that does not answer has
failed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.agent_side import AgentSide
from ari_bridge.conversation.speech.caller_side import CallerSide
from ari_bridge.conversation.speech.engine_side import EngineSide, Loss
from ari_bridge.conversation.speech.outbox import Outbox
from ari_bridge.conversation.speech.silence import Silence
from ari_bridge.conversation.speech.story import Story
from ari_bridge.conversation.speech.tool_calls import ToolCalls
from ari_bridge.conversation.speech.turns import Action, Event, State, Turns
from ari_bridge.conversation.speech.weighing import Weighing
from ari_bridge.core.messages import Message, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue import turns as cascade
from ari_bridge.dialogue.call_time import CallTime
from ari_bridge.dialogue.history import Entry
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import Turn
from ari_bridge.dialogue.patience import Kind
from ari_bridge.providers.speech import base as b
from ari_bridge.settings import AgentSettings


class SpeechDialogue:
    """The dialogue of one call. Feed it every event in order; carry out every command in order."""

    def __init__(
        self,
        agent: AgentSettings,
        abilities: b.Abilities,
        says: Sayings,
        *,
        rate_hz: int,
        max_duration_s: float = math.inf,
        has_own_voice: bool = False,
        past: Iterable[Entry] = (),
        past_turns: Iterable[Turn] = (),
    ) -> None:
        """`rate_hz`: of the positions. `has_own_voice`: SayOurselves can be carried out."""
        self._settings, self._says = agent.turns, says
        self._turns = Turns()
        self._outbox = Outbox()
        self._story = Story(past, past_turns)
        self._engine_decides = abilities.decides_interruptions
        self._agent = AgentSide(self._story, self._outbox, rate_hz, engine_tells_ends=abilities.tells_ends)
        keypad = Keypad(self._settings.digit_pause_ms / 1000, self._settings.digits_max)
        self._caller = CallerSide(self._story, self._outbox, keypad, engine_tells=abilities.tells_of_caller)
        self._weighing = Weighing(self._caller, self._settings, engine_decides=self._engine_decides)
        self._tools = ToolCalls(self._outbox)
        self._engine = EngineSide(abilities, self._outbox, has_own_voice=has_own_voice)
        self._silence = Silence(agent.patience, says, can_speak=self._engine.can_speak)
        self._call_time = CallTime(max_duration_s)
        self._leave = s.Leave()
        self._paused_s = math.inf
        self._filler_comes = False
        self._now = 0.0

    # ------------------------------------------------------------------ for the shell

    @property
    def state(self) -> State:
        return self._turns.state

    @property
    def finished(self) -> list[Turn]:
        return self._story.finished

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said so far, as a model gets it."""
        return self._story.messages()

    @property
    def is_speaking(self) -> bool:
        """The engine has begun something that has not all been heard."""
        return self._agent.is_speaking

    @property
    def hears_caller(self) -> bool:
        """Whether the engine is to get the caller's voice; else it gets silence, in which its own voice
        detection finds nobody."""
        match self.state:
            case State.LEAVING | State.ENDED:
                return False
            case State.SPEAKING | State.WEIGHED if not self._settings.barge_in:
                return False
        return not (self._silence.stands_aside or self._silence.keys_diverted)

    def begin(self, first_words: str, now: float) -> list[c.Command]:
        """Begin the call with the agent's words; with none, the caller speaks first, or the engine by
        itself."""
        self._now = now
        self._call_time.begin(now)
        if first_words.strip():
            self._engine.say(first_words, now)
        self._advance()
        return self._outbox.drain()

    def handle(self, event: c.Event, now: float) -> list[c.Command]:
        """What is to be done about it."""
        self._now = now
        if self.state is not State.ENDED:
            self._take(event)
            self._advance()
        return self._outbox.drain()

    def end(self, position: int, now: float) -> None:
        """The call is over, for whatever reason; agent audio had left up to `position`."""
        self._agent.end(position, now)
        self._caller.end()
        self._outbox.drain()

    # ------------------------------------------------------------------ time

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        if self.state is State.ENDED:
            return None
        due_s = min(
            self._call_time.next_s,
            self._silence.due_s(is_quiet=self._is_quiet),
            self._weighing.due_s(self.state),
            self._caller.entry_over_s,
            self._tools.due_s,
            self._engine.stalls_s(leaving=self.state is State.LEAVING),
            self._agent.gap_due_s,
        )
        return due_s if due_s < math.inf else None

    @property
    def _is_quiet(self) -> bool:
        """Neither side is heard."""
        return self.state is State.QUIET and not self._caller.voice.on

    def _timer_due(self) -> None:
        now = self._now
        while (event := self._call_time.due(now)) is not None:
            if event is cascade.Event.TIME_UP:
                self._end_with(self._says.goodbye, replace(self._leave, time_up=True))
            else:
                self._fire(Event.OVER)
        if now >= self._silence.due_s(is_quiet=self._is_quiet):
            self._prompt()
        if now >= self._agent.gap_due_s:
            self._agent.look_for_gap()
        if now >= self._engine.stalls_s(leaving=self.state is State.LEAVING):
            self._stalled()

    def _prompt(self) -> None:
        """Somebody has waited for long enough."""
        prompt = self._silence.prompt(self._now)
        if prompt is None:
            return
        if prompt.kind is Kind.GIVE_UP:
            self._end_with(prompt.text, replace(self._leave, nobody_there=True))
            return
        self._filler_comes = prompt.kind is Kind.FILLER
        self._engine.say(prompt.text, self._now)

    # ------------------------------------------------------------------ events

    def _take(self, event: c.Event) -> None:
        match event:
            case s.VoiceOn() | s.VoiceHeld() | s.VoiceOff():
                self._take_voice(event)
            case s.DigitPressed(digit, at_s):
                if self.state is not State.LEAVING:
                    self._silence.broken(by_words=True)
                    if not self._engine_decides:
                        self._fire(Event.CLAIMED)
                    self._caller.press(digit, at_s)
            case s.ToolReturned():
                self._tool_returned(event)
            case c.Queued():
                self._agent.queued(event)
            case s.Played(position, onset):
                self._agent.played(position, onset, self._now)
            case s.Flushed(position):
                if self.state is State.WEIGHED:
                    self._outbox.do(s.Pause())  # the flush has undone it
                self._agent.flushed(position)
            case c.MarkPassed(name):
                self._outbox.send(b.MarkHeard(name))
            case c.EngineLost(may_return):
                self._lost(may_return=may_return)
            case s.StoodAside(aside):
                self._silence.stands_aside = aside
                if aside:
                    self._fire(Event.DISMISSED)
                self._silence.rest(self._now)
            case s.KeysDiverted(diverted):
                self._silence.keys_diverted = diverted
                self._silence.rest(self._now)
            case s.TimerDue():
                self._timer_due()
            case _:
                self._take_from_engine(event)

    def _take_voice(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff) -> None:
        self._caller.take_voice(event)
        if isinstance(event, s.VoiceOn):
            self._silence.broken(by_words=False)
            if self._settings.barge_in:
                self._fire(Event.VOICE_BEGAN)

    def _take_from_engine(self, event: b.SpeechEvent) -> None:
        match event:
            case b.AgentAudio(item) | b.AgentText(item):
                self._agent_speaks(event, item)
            case b.AgentDone(item):
                self._agent.done(item)
            case b.CallerText():
                self._engine.shown()
                self._caller.understood(event, self._now)
                if event.final and event.text.strip():
                    self._silence.broken(by_words=True)
            case b.CallerBegan(item):
                self._engine.shown()
                if self.hears_caller:
                    self._engine.answered()
                    self._fire(Event.CLAIMED)
                    self._caller.speaks(self._now, item)
            case b.CallerStopped():
                self._silence.broken(by_words=True)
                self._caller.stopped(self._now)
            case b.Clear():
                self._fire(Event.CLAIMED)
                if self.state is not State.LEAVING:
                    self._agent.want_again()
            case b.Mark(name):
                self._outbox.do(c.PassMark(name))
            case ToolCall():
                self._tool_called(event)
            case b.ToolCancelled(call_id):
                self._tools.cancelled(call_id)
            case b.Ended():
                self._agent.break_off()
                self._fire(Event.DECIDED)

    def _agent_speaks(self, event: b.AgentAudio | b.AgentText, item: str) -> None:
        self._engine.shown()
        is_late = isinstance(event, b.AgentText) and self._agent.knows(item)
        if self._agent.wants(item) and not self._agent.makes(item) and not is_late:
            self._engine.answered()
            if self._agent.turn is None:
                self._agent.begin(self._caller.answered())
                self._inform()
            self._agent.begin_utterance(item, self._now, is_filler=self._filler_comes)
            self._filler_comes = False
        if isinstance(event, b.AgentText):
            self._agent.text(event, self._now)
        elif self._agent.wants(item):
            self._agent.audio(event, self._now)
            self._audio_came()

    def _audio_came(self) -> None:
        was_quiet = self.state is State.QUIET
        self._fire(Event.AUDIO_CAME)
        if not was_quiet:
            return
        if self._caller.speaks_again and self._settings.barge_in:
            self._fire(Event.VOICE_BEGAN)
        else:  # our detection tells the end of a voice a little later than an engine that answers it
            self._caller.voice.spend()

    # ------------------------------------------------------------------ tools

    def _tool_called(self, call: ToolCall) -> None:
        self._engine.shown()
        self._engine.answered()
        if self.state is State.LEAVING:
            return  # the outcome is decided: the call only ends
        if self._agent.turn is None:
            self._agent.begin(self._caller.answered())
        self._agent.tool_called(call)
        self._tools.called(call, self._now)

    def _tool_returned(self, event: s.ToolReturned) -> None:
        self._story.tool_answered(event.call.call_id, event.result)
        last_words_said = event.decides_outcome and self._agent.has_spoken
        if self._tools.returned(event.call, event.result, answer_wanted=not last_words_said):
            self._engine.awaits_answer(self._now)
        self._inform()
        if event.decides_outcome:
            self._fire(Event.DECIDED)

    def _inform(self) -> None:
        self._outbox.do(c.ModelInformed(self._story.messages()))

    # ------------------------------------------------------------------ ends that nobody has decided

    def _end_with(self, words: str, leave: s.Leave) -> None:
        """These, and then the call is over."""
        if self.state is State.LEAVING:
            return
        self._leave = leave
        self._fire(Event.CUT_SHORT)
        self._engine.answered()
        if words.strip():
            self._engine.say(words, self._now)

    def _stalled(self) -> None:
        if self.state is State.LEAVING:
            self._engine.answered()  # the call ends without its words
        else:
            self._lost(may_return=True)

    def _lost(self, *, may_return: bool) -> None:
        unfinished = not self._agent.is_made or self._story.waits_for_answer or self._engine.is_awaited
        self._agent.break_off()
        self._tools.session_ended()
        if self.state is State.LEAVING:
            self._engine.answered()
            return
        resumption = self._says.resumption if unfinished else ""
        loss = self._engine.lost(self._now, self._story.messages, resumption, may_return=may_return)
        if loss is Loss.FINAL:
            self._leave = replace(self._leave, failed=s.Engine.SPEECH)
            self._fire(Event.CUT_SHORT)
            self._engine.say_ourselves(self._says.apology, self._now)

    # ------------------------------------------------------------------ what follows of itself

    def _advance(self) -> None:
        """Carry on until nothing is due."""
        if self._now >= self._caller.entry_over_s:
            self._caller.take_entry(self._now)
            self._silence.broken(by_words=True)
            self._inform()
            self._engine.awaits_answer_if_asked(self._now)
        self._run_tools()
        while (event := self._due()) is not None:
            self._fire(event)
        if self.state is State.QUIET and not self.is_speaking and not self._answer_goes_on:
            self._agent.finish(self._now)
        self._silence.follow(
            self._agent,
            self._now,
            is_quiet=self.state is State.QUIET,
            engine_awaited=self._engine.is_awaited,
        )

    @property
    def _answer_goes_on(self) -> bool:
        return self._agent.tools_run or self._engine.is_awaited

    def _run_tools(self) -> None:
        ready, in_vain = self._tools.take_ready(self._now, words_owed=self._caller.owes_text())
        if in_vain:
            self._caller.transcribes = False
        if ready:
            self._inform()
        for call in ready:
            self._outbox.do(s.RunTool(call))

    def _due(self) -> Event | None:
        match self.state:
            case State.SPEAKING | State.WEIGHED if not self.is_speaking:
                return Event.HEARD_OUT
            case State.WEIGHED:
                return self._weighing.verdict(self._now)
            case State.LEAVING if not self.is_speaking and not self._answer_goes_on:
                return Event.OVER
        return None

    # ------------------------------------------------------------------ the table's actions

    def _fire(self, event: Event) -> None:
        before = self.state
        for action in self._turns.on(event):
            self._act(action, before)
        if event is Event.CLAIMED and before is State.WEIGHED:
            self._caller.speaks(self._now)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._call_time.last_words_begin(self._now)

    def _act(self, action: Action, before: State) -> None:
        match action:
            case Action.PAUSE:
                self._paused_s = self._now
                self._outbox.do(s.Pause())
                self._outbox.tell(LiveKind.AGENT_PAUSED)
            case Action.RESUME:
                self._paused_s = math.inf
                self._outbox.do(s.Resume())
                if self._agent.turn is not None and not self._agent.is_silent:
                    self._outbox.tell(LiveKind.AGENT_RESUMED)
            case Action.CUT:
                silenced_s, self._paused_s = min(self._now, self._paused_s), math.inf
                if not self._agent.cut(silenced_s) and before is State.WEIGHED:
                    self._outbox.do(s.Resume())
            case Action.LEAVE:
                self._outbox.do(self._leave)
