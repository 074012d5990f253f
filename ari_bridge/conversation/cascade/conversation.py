"""The asyncio shell around a cascade's dialogue.

    port.read ─▶ VAD ─▶┐                 ┌─▶ ears ─▶ Recognition ─▶┐
    Line: keys, hold ─▶│ dialogue.Session├─▶ Replies, Line: tools ─▶│ back into the session
    the clock ────────▶│                 └─▶ Speaker ─▶ port ─────▶┘

The session decides, the parts carry out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from ari_bridge.conversation.cascade.context import Context
from ari_bridge.conversation.cascade.ears import Ears
from ari_bridge.conversation.cascade.engines import CascadeEngines
from ari_bridge.conversation.cascade.judge import Judge
from ari_bridge.conversation.cascade.metered import MeteredModel
from ari_bridge.conversation.cascade.recognition import Recognition
from ari_bridge.conversation.cascade.replies import Replies
from ari_bridge.conversation.cascade.speaker import Speaker
from ari_bridge.conversation.cascade.voice import Voice
from ari_bridge.conversation.line import Brief, Line, Turnstile, VoiceSignal, listen
from ari_bridge.conversation.line.past import history, turns
from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.log import Turn
from ari_bridge.dialogue.session import Session
from ari_bridge.dialogue.wording import wording
from ari_bridge.pbx.call import Outcome
from ari_bridge.providers.base import Speech, SpeechContext, VoiceContext, warmed


class CascadedConversation:
    """Made for one call; `run` it once. The line's `Dialogue`."""

    def __init__(self, brief: Brief, engines: CascadeEngines) -> None:
        agent = self._agent = brief.agent
        self._first_words, self._says = brief.first_words, brief.says
        self._clock, self._port = brief.clock, brief.call.port
        self._engines, self._languages = engines, engines.languages
        rate_hz = self._port.rate_hz
        phrases = (*agent.phrases, *engines.llm.phrases)
        self._session = _session(brief, phrases)
        line = self.line = Line(brief, self)
        self._turnstile: Turnstile[s.Event, s.Command] = Turnstile(
            self._session,
            self._carry_out,
            brief.clock,
            timer_due=s.TimerDue(),
            is_over=lambda: line.is_over,
            settled=line.keep_minutes,
        )
        handle = self._turnstile.handle
        self._voice = Voice(engines.tts, VoiceContext(rate_hz, brief.language, meter=brief.meter))
        self._ears = Ears()
        speech_context = SpeechContext(rate_hz, brief.language, phrases, brief.meter)
        self._recognition = Recognition(engines.stt, speech_context, self._ears, handle)
        self._judge = Judge(
            engines.detector,
            agent.turns.detector_timeout_ms,
            self._ears,
            self._voice,
            rate_hz,
            line.tasks,
            handle,
        )
        llm = MeteredModel(engines.llm, brief.meter)
        context = Context(llm, agent.context_tokens, line.tasks)
        self._replies = Replies(llm, line.tools, context, line.tasks, handle)
        self._speaker = Speaker(self._port, self._voice, line.tasks, handle, line.agent_may_speak)

    async def run(self) -> Outcome:
        """From the greeting to the outcome; raises what Line.run raises."""
        return await self.line.run(
            self._greet,
            self._listen,
            self._recognition.run,
            self._turnstile.run,
            self._warm,
            self._prepare_apology,
        )

    async def _greet(self) -> None:
        self._turnstile.begin(self._session.greet(self._first_words, self._clock()))

    async def _warm(self) -> None:
        """While the greeting plays, which is there already more often than not."""
        await asyncio.gather(warmed(self._engines.llm), warmed(self._engines.tts))

    async def _prepare_apology(self) -> None:
        """While there is time: when it is wanted the voice may be what fails."""
        await self._speaker.quiet()
        await self._voice.prepare(self._says.apology)

    async def _listen(self) -> None:
        await listen(
            self._port, is_aside=lambda: self.line.is_aside, hear=self._ears.hear, tell=self._voice_told
        )

    def _voice_told(self, event: VoiceSignal) -> None:
        if isinstance(event, s.VoiceOn):
            self._judge.pause_ended()
        self._turnstile.handle(event)

    # ------------------------------------------------------------------ what the session wants

    def _carry_out(self, command: s.Command) -> None:
        match command:
            case s.OpenUtterance(utterance, from_s):
                self._ears.open(utterance, from_s)
            case s.CloseUtterance(utterance):
                self._judge.pause_ended()
                self._ears.close(utterance)
            case s.JudgePause():
                self._judge.judge(command)
            case s.StartReply(number, messages, tentative):
                self.line.forget_early()
                if not tentative:
                    self.line.model_asked(messages)
                self._replies.start(number, messages)
            case s.CommitReply(messages):
                self.line.model_asked(messages)
            case s.CancelReply(number):
                self._replies.cancel(number)
            case s.RunEarly(call):
                self.line.run_early(call)
            case s.RunTool(call):
                self.line.run_tool(call)
            case s.Speak():
                self._speaker.say(command)
            case s.Pause():
                self._port.pause()
                self._tell_played()
            case s.Resume():
                self._port.resume()
            case s.Flush():
                self._speaker.flush()
            case s.WatchHeard(position):
                self.line.tasks.start(self._watch, position)
            case s.Tell(kind, text, figures):
                self.line.tell(kind, text, figures)
            case s.Leave():
                self.line.leave(command)

    async def _watch(self, position: int) -> None:
        await self._port.wait_heard(position)
        self._tell_played()

    def _tell_played(self) -> None:
        self._turnstile.handle(s.Played(self._port.heard, self._port.onset))

    # ------------------------------------------------------------------ for the line

    @property
    def finished(self) -> Sequence[Turn]:
        return self._session.finished

    def key_pressed(self, digit: str, at_s: float) -> None:
        self._turnstile.handle(s.DigitPressed(digit, at_s))

    def tool_returned(self, call: ToolCall, result: str, *, decides_outcome: bool) -> None:
        refused = self.line.refused(call)
        self._turnstile.handle(s.ToolReturned(call, result, decides_outcome, refused))

    def stand_aside(self, aside: bool) -> None:
        if aside:
            self._turnstile.handle(s.VoiceOff(self._clock()))
        self._turnstile.handle(s.StoodAside(aside))

    def divert_keys(self, diverted: bool) -> None:
        self._turnstile.handle(s.KeysDiverted(diverted))

    def set_pace(self, pace: float) -> None:
        self._voice.set_pace(pace)

    def switch_language(self, language: str) -> None:
        tongue = self._languages[language]
        self._voice.switch(tongue.tts, language)
        self._recognition.switch(tongue.stt, language)
        self._says = wording(self._agent, language)
        self._session.speak_language(language, self._says)
        self.line.tasks.start(self._prepare_apology)

    async def words_heard(self) -> None:
        while True:
            await self._replies.ended()
            if await self._speaker.quiet() and not self._replies.are_running:
                return

    def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        return self._voice.speak(sentence)

    def end(self) -> None:
        self._session.end(self._port.heard, self._clock())


def _session(brief: Brief, phrases: Sequence[str]) -> Session:
    agent = brief.agent
    session = Session(
        agent.turns,
        rate_hz=brief.call.port.rate_hz,
        system=brief.system,
        max_duration_s=brief.max_duration_s,
        says=brief.says,
        language=brief.language,
        patience=agent.patience,
        phrases=phrases,
    )
    if brief.past is not None:
        session.restore(history(brief.past), turns(brief.past, brief.start_s))
    return session
