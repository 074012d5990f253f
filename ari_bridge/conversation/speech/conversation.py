"""The asyncio shell around the dialogue with an engine that hears and speaks itself.

    port.read ─┬─▶ VAD ─────────▶┐             ┌─▶ Player ─▶ port ──▶┐
               └─▶ Link ─▶ engine│    core     ├─▶ Line: tools ─────▶│ back into the core
    engine ─▶ Link ─────────────▶│             ├─▶ OwnVoice ────────▶│
    Line: keys, hold, clock ────▶┘             └─▶ Link ─▶ engine    ┘

The core decides, the parts carry out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import numpy as np

from ari_bridge.conversation.line import Brief, Line, Turnstile, VoiceSignal, listen
from ari_bridge.conversation.line.past import history, turns
from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.core import SpeechDialogue
from ari_bridge.conversation.speech.link import Link
from ari_bridge.conversation.speech.own_voice import OwnVoice
from ari_bridge.conversation.speech.player import Player
from ari_bridge.core.audio import AudioChunk
from ari_bridge.core.errors import InternalError
from ari_bridge.core.messages import Message, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.log import Turn
from ari_bridge.pbx.call import Outcome
from ari_bridge.providers.base import Speech, TextToSpeech, VoiceContext
from ari_bridge.providers.speech import base as b


@dataclass(frozen=True, slots=True)
class SpeechEngines:
    """Shared by all calls of an agent."""

    speech: b.SpeechToSpeech
    tts: TextToSpeech | None = None
    """For words of our own that the engine cannot say."""


class SpeechConversation:
    """Made for one call; `run` it once. The line's `Dialogue`."""

    def __init__(self, brief: Brief, engines: SpeechEngines) -> None:
        self._brief = brief
        self._clock, self._port = brief.clock, brief.call.port
        self._core = _core(brief, engines)
        line = self.line = Line(brief, self)
        self._changed = asyncio.Event()
        self._turnstile: Turnstile[c.Event, c.Command] = Turnstile(
            self._core,
            self._carry_out,
            brief.clock,
            timer_due=s.TimerDue(),
            is_over=lambda: line.is_over,
            settled=self._settled,
        )
        handle = self._turnstile.handle
        self._player = Player(self._port, line.tasks, handle, line.agent_may_speak)
        self._own_voice = OwnVoice(
            engines.tts, VoiceContext(self._port.rate_hz, brief.language, meter=brief.meter), handle
        )
        self._link = Link(engines.speech, self._opening, line.tasks, handle)

    async def run(self) -> Outcome:
        """From the greeting to the outcome; raises what Line.run raises."""
        return await self.line.run(self._begin, self._listen, self._player.run, self._turnstile.run)

    async def _begin(self) -> None:
        self._link.open(self._core.messages)
        self._turnstile.begin(self._core.begin(self._brief.first_words, self._clock()))

    def _opening(self, so_far: Sequence[Message]) -> b.Opening:
        brief, info = self._brief, self._brief.call.info
        return b.Opening(
            rate_hz=self._port.rate_hz,
            language=brief.language,
            prompt=brief.system,
            history=so_far,
            tools=self.line.tools,
            call_id=info.call_id,
            caller_number=info.caller_number,
            did=info.did,
            meter=brief.meter,
        )

    def _settled(self) -> None:
        self._changed.set()
        self.line.keep_minutes()

    # ------------------------------------------------------------------ the caller

    async def _listen(self) -> None:
        # The caller's audio is an engine's clock: it goes on, as silence, while the call stands aside.
        await listen(self._port, is_aside=lambda: False, hear=self._hear, tell=self._voice_told)

    def _hear(self, chunk: AudioChunk) -> None:
        pcm = chunk.pcm if self._core.hears_caller else np.zeros_like(chunk.pcm)
        self._link.send(b.CallerAudio(pcm))

    def _voice_told(self, event: VoiceSignal) -> None:
        if not self.line.is_aside:
            self._turnstile.handle(event)

    # ------------------------------------------------------------------ what the core wants

    def _carry_out(self, command: c.Command) -> None:
        match command:
            case c.Play() | c.PassMark():
                self._player.put(command)
            case c.Send(signal):
                self._link.send(signal)
            case c.SayOurselves(item, text):
                self.line.tasks.start(self._own_voice.say, item, text)
            case c.Reconnect(so_far):
                self._link.open(so_far)
            case c.ModelInformed(messages):
                self.line.model_asked(messages)
            case s.RunTool(call):
                self.line.run_tool(call)
            case s.Pause():
                self._port.pause()
            case s.Resume():
                self._port.resume()
            case s.Flush():
                self._player.flush()
            case s.WatchHeard(position):
                self.line.tasks.start(self._watch, position)
            case s.Tell(kind, text, figures):
                self.line.tell(kind, text, figures)
            case s.Leave():
                self.line.leave(command)

    async def _watch(self, position: int) -> None:
        await self._port.wait_heard(position)
        self._turnstile.handle(s.Played(self._port.heard, self._port.onset))

    # ------------------------------------------------------------------ for the line

    @property
    def finished(self) -> Sequence[Turn]:
        return self._core.finished

    def key_pressed(self, digit: str, at_s: float) -> None:
        self._turnstile.handle(s.DigitPressed(digit, at_s))

    def tool_returned(self, call: ToolCall, result: str, *, decides_outcome: bool) -> None:
        self._turnstile.handle(s.ToolReturned(call, result, decides_outcome))

    def stand_aside(self, aside: bool) -> None:
        if aside:
            self._turnstile.handle(s.VoiceOff(self._clock()))
        self._turnstile.handle(s.StoodAside(aside))

    def divert_keys(self, diverted: bool) -> None:
        self._turnstile.handle(s.KeysDiverted(diverted))

    def set_pace(self, pace: float) -> None:
        self._link.send(b.Pace(pace))

    def switch_language(self, language: str) -> None:
        raise InternalError("an agent with a speech engine has one language in its settings")

    async def words_heard(self) -> None:
        while True:
            await self._player.quiet()
            if not self._core.is_speaking:
                return
            self._changed.clear()
            await self._changed.wait()

    def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        return self._own_voice.speak(sentence)

    def end(self) -> None:
        self._core.end(self._port.heard, self._clock())


def _core(brief: Brief, engines: SpeechEngines) -> SpeechDialogue:
    past = brief.past
    return SpeechDialogue(
        brief.agent,
        engines.speech.abilities,
        brief.says,
        rate_hz=brief.call.port.rate_hz,
        max_duration_s=brief.max_duration_s,
        has_own_voice=engines.tts is not None,
        past=() if past is None else history(past),
        past_turns=() if past is None else turns(past, brief.start_s),
    )
