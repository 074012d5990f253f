"""The agent's side of a dialogue: answers are made, spoken, interrupted, and kept as they were heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ari_bridge.core.audio import Onset
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.answer import Answer
from ari_bridge.dialogue.caller import CallerTurn
from ari_bridge.dialogue.history import History
from ari_bridge.dialogue.latency import Stamp, Waterfall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import TurnLog
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.sentences import sentences_of
from ari_bridge.dialogue.speculation import ReplyEvent, Speculation
from ari_bridge.dialogue.words import words


class AgentSide:
    def __init__(
        self, history: History, log: TurnLog, outbox: Outbox, rate_hz: int, protected: Iterable[str] = ()
    ) -> None:
        """`rate_hz`: of the positions. `protected`: phrases that have to be heard; an answer that holds one
        cannot be interrupted before."""
        self.answer: Answer | None = None
        """The one that is being made or spoken."""
        self.position = 0
        """Up to which agent audio is known to have left for the caller."""
        self._flushing: deque[Answer] = deque()
        """Interrupted answers whose last position is not known yet."""
        self._history, self._log = history, log
        self._outbox = outbox
        self.speculation = Speculation(history, outbox)
        self._rate_hz = rate_hz
        self._protected = [" ".join(words(part)) for phrase in protected for part in sentences_of(phrase)]
        self._last_words = ""
        """What was heard of the answer before."""
        self.missing_in_a_row = 0
        """Answers that came to nothing, since one that did not."""

    @property
    def is_settled(self) -> bool:
        """Every flush is accounted for."""
        return not self._flushing

    @property
    def is_protected(self) -> bool:
        """Words that must be heard are still to come."""
        return self.answer is not None and any(
            sentence.is_protected and not (sentence.complete and self.position >= sentence.end)
            for sentence in self.answer.sentences
        )

    @property
    def words_heard(self) -> str:
        """The last that the caller has heard of the agent."""
        now = "" if self.answer is None else self.answer.heard_by(self.position, self._rate_hz)
        return now or self._last_words

    # ------------------------------------------------------------------ an answer is made

    def say(self, text: str, now: float) -> None:
        """Words of our own, without the model."""
        answer = self.answer = Answer(Waterfall())
        answer.begin_round(None, self._history.agent_says())
        self._speak(answer, answer.add_text(text) + answer.end_round(), now)

    def fill(self, text: str) -> None:
        """Words to pass the time while the answer is made."""
        if self.answer is not None:
            number = self._outbox.number()
            self.answer.add_sentence(number, text, is_filler=True)
            self._outbox.do(s.Speak(number, text, is_filler=True))

    def make_up(self, text: str, now: float) -> None:
        """For an answer that came to nothing."""
        if self.answer is not None:
            self.missing_in_a_row += 1
            self.answer.is_made_up = True
            self._speak(self.answer, sentences_of(text), now)

    def reply_to(self, caller: CallerTurn, now: float) -> None:
        """The caller's turn becomes history, and the model is asked, unless it has been already."""
        self._history.caller_said(caller.text)
        self._log.caller_said(caller)
        answer = self.answer = Answer(caller.waterfall, answers_caller=True)
        begun = self.speculation.commit(caller.text, answer.waterfall)
        answer.waterfall.mark(Stamp.MODEL_ASKED, now)
        if begun is None:
            self._start_round(answer)
            return
        number, said = begun
        self._outbox.do(s.CommitReply(self._history.messages()))
        answer.begin_round(number, self._history.agent_says())
        for event in said:
            self.take_reply(event, now)

    def take_reply(self, event: ReplyEvent, now: float, *, may_call: bool = True) -> None:
        """What the model says. `may_call`: its tools are still wanted."""
        answer = self.answer
        if self.speculation.take(event, now) or answer is None or event.round != answer.round_number:
            return
        match event:
            case s.ReplyText(_, text):
                answer.waterfall.mark(Stamp.FIRST_TOKEN, now)
                self._speak_models(answer, answer.add_text(text), now)
            case s.ReplyToolCall(_, call):
                if may_call:
                    answer.calls_waiting.append(call)
            case s.ReplyEnded():
                self._speak_models(answer, answer.end_round(), now)

    def reply_failed(self, round_number: int) -> bool:
        """Whether an answer is lacking now."""
        if self.speculation.failed(round_number):
            return False
        return self.answer is not None and self.answer.round_number == round_number

    def run_tools(self) -> None:
        """Run what the model asked for, and ask it again once all of it is there."""
        answer = self.answer
        if answer is None:
            return
        for call in answer.calls_waiting:
            answer.acted = answer.round_owed = True
            answer.calls_running.add(call.call_id)
            self._history.tool_called(answer.rounds[-1], call)
            self._outbox.do(s.RunTool(call))
        answer.calls_waiting.clear()
        if answer.wants_round:
            self._start_round(answer)

    def tool_returned(self, event: s.ToolReturned) -> bool:
        """Whether the answer that is being made had asked for it."""
        call = event.call
        self._history.tool_answered(call.call_id, event.result)
        self._outbox.tell(LiveKind.TOOL, f"{call.name}: {event.result}")
        if self.answer is None or call.call_id not in self.answer.calls_running:
            return False
        self.answer.calls_running.discard(call.call_id)
        self.answer.has_done_something |= not event.refused
        return True

    def _start_round(self, answer: Answer) -> None:
        messages = self._history.messages()
        number = self._outbox.number()
        answer.begin_round(number, self._history.agent_says())
        self._outbox.do(s.StartReply(number, messages))

    def _speak_models(self, answer: Answer, sentences: list[str], now: float) -> None:
        if sentences:
            self.missing_in_a_row = 0
            self._speak(answer, sentences, now)

    def _speak(self, answer: Answer, sentences: list[str], now: float) -> None:
        for text in sentences:
            answer.waterfall.mark(Stamp.FIRST_SENTENCE, now)
            number = self._outbox.number()
            answer.add_sentence(number, text, is_protected=self._is_protected(text))
            self._outbox.do(s.Speak(number, text))

    def _is_protected(self, text: str) -> bool:
        said = f" {' '.join(words(text))} "
        return any(f" {phrase} " in said for phrase in self._protected)

    # ------------------------------------------------------------------ its audio leaves

    def take_speech(self, event: s.SpeechQueued | s.SpeechEnded, now: float) -> None:
        sentence = self.answer.sentence(event.sentence) if self.answer is not None else None
        if self.answer is None or sentence is None:
            return
        match event:
            case s.SpeechQueued(_, start, sample_count, words):
                if not sentence.is_filler:
                    self.answer.waterfall.mark(Stamp.FIRST_AUDIO, now)
                if sentence.start is None:
                    self._outbox.do(s.WatchHeard(start + 1))
                sentence.queue(start, sample_count, words)
            case s.SpeechEnded():
                sentence.complete = True
                if sentence.start is not None:
                    self._outbox.do(s.WatchHeard(sentence.end))

    def played(self, position: int, onset: Onset | None, now: float) -> None:
        self.position = max(self.position, position)
        if self.answer is None:
            return
        for sentence in self.answer.sentences:
            if sentence.start is not None and not sentence.told and position > sentence.start:
                sentence.told = True
                exact_s = None if onset is None else onset.at_s(sentence.start, self._rate_hz)
                left_s = now if exact_s is None else min(exact_s, now)
                if not sentence.is_filler and self.answer.first_heard_s is None:
                    self.answer.first_heard_s = left_s
                    self.answer.waterfall.mark(Stamp.FIRST_PACKET, left_s)
                    self._time(self.answer)
                self._outbox.tell(LiveKind.AGENT_SAYS, sentence.text)

    def _time(self, answer: Answer) -> None:
        if figures := answer.waterfall.metrics_ms():
            self._outbox.tell(LiveKind.ANSWER_TIMED, figures=figures)

    # ------------------------------------------------------------------ it ends

    def finish(self, now: float) -> None:
        """It was heard to its end."""
        answer, self.answer = self.answer, None
        if answer is not None:
            self._last_words = answer.kept
            self._log.agent_said(answer, now)

    def interrupt(self, silenced_s: float) -> None:
        """Drop the answer; `silenced_s`: since when the caller hears nothing of it."""
        answer, self.answer = self.answer, None
        if answer is None:
            self._outbox.do(s.Resume())
            return
        answer.silenced_s = silenced_s
        if answer.round_number is not None:
            self._outbox.do(s.CancelReply(answer.round_number))
        self._flushing.append(answer)
        self._outbox.do(s.Pause())
        self._outbox.do(s.Flush())

    def flushed(self, position: int, now: float, *, by_voice: bool = False) -> bool:
        """The oldest interrupted answer's audio ended at `position`: keep what was heard of it. `by_voice`:
        it was the caller's that interrupted it.

        False when that is nothing, or the one word of an answer that had just begun, and nothing was done:
        then the answer never was, and the caller goes on with the turn before it."""
        self.position = max(self.position, position)
        answer = self._flushing.popleft()
        for said in answer.rounds:
            unfinished = said is answer.rounds[-1] and answer.round_number is not None
            said.cut(position, self._rate_hz, more_meant=unfinished)
        if answer.acted or (answer.kept and not (by_voice and answer.has_just_begun)):
            self._last_words = answer.kept
            self._outbox.tell(LiveKind.AGENT_INTERRUPTED, answer.kept)
            self._log.agent_said(answer, answer.silenced_s or now, interrupted=True)
            return True
        for said in answer.rounds:
            self._history.drop(said)
        return False

    def reopen_caller(self, caller: CallerTurn) -> float | None:
        """`caller` goes on with the turn that was history already. Returns how long the silence between was;
        None where there is no such turn."""
        text = self._history.reopen_caller()
        if text is None:
            return None
        before = self._log.reopen_caller()
        silent_s = caller.started_s - before.end_s
        caller.continue_from(text, before.start_s, before.end_s)
        return silent_s

    def end(self, position: int, now: float) -> None:
        """The call is over; agent audio had left up to `position`."""
        while self._flushing:
            self.flushed(self.position, now)
        if self.answer is not None:
            self._flushing.append(self.answer)
            self.answer = None
            self.flushed(position, now)
