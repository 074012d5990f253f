"""One call's conversation: the asyncio shell around its dialogue.

    port.read ─▶ VAD ─▶┐                 ┌─▶ ears ─▶ Recognition ─▶┐
    PBX events ───────▶│ dialogue.Session├─▶ Replies, Errands ────▶│ back into the session
    Alarm ────────────▶│                 └─▶ Speaker ─▶ port ─────▶┘

The session decides, the parts carry out. Events are handled one at a time in the order they come, each with
all its commands, from whatever task: so no decision is ever based on half of another.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ari_bridge.actions.base import Action, ActionContext, Desk
from ari_bridge.conversation.alarm import Alarm
from ari_bridge.conversation.context import Context
from ari_bridge.conversation.ears import Ears
from ari_bridge.conversation.errands import Errands
from ari_bridge.conversation.languages import Tongue
from ari_bridge.conversation.minutes import Minutes
from ari_bridge.conversation.past import history, turns
from ari_bridge.conversation.recognition import Recognition
from ari_bridge.conversation.replies import Replies
from ari_bridge.conversation.speaker import Speaker
from ari_bridge.conversation.talk import TAIL_S, CallTalk, KeyUse
from ari_bridge.conversation.tasks import Tasks
from ari_bridge.conversation.toolbox import Toolbox
from ari_bridge.conversation.verdict import verdict
from ari_bridge.conversation.voice import Voice
from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.core.errors import MediaError
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveEvent, Observer
from ari_bridge.dialogue.log import Who
from ari_bridge.dialogue.session import Session
from ari_bridge.media.vad import VoiceContinued, VoiceEvent, VoiceStarted, VoiceStopped
from ari_bridge.media.voice_activity import VoiceDetector
from ari_bridge.pbx.call import (
    CallerBack,
    CallerGone,
    CallerHeld,
    CallerReplaced,
    Digit,
    Outcome,
    PbxCall,
    Status,
)
from ari_bridge.pbx.causes import Cause
from ari_bridge.providers.base import (
    CallerPause,
    LanguageModel,
    SpeechContext,
    SpeechToText,
    TextToSpeech,
    TurnDetector,
    VoiceContext,
)
from ari_bridge.settings import AgentSettings
from ari_bridge.store.journal import Journal, NoJournal, Past
from ari_bridge.store.record import DigitRecord, TurnRecord
from ari_bridge.tools.workshop import AgentTools

log = logging.getLogger(__name__)


class Conversation:
    """Made for one call; `run` it once."""

    def __init__(
        self,
        call: PbxCall,
        agent: AgentSettings,
        stt: SpeechToText,
        llm: LanguageModel,
        tts: TextToSpeech,
        actions: Sequence[Action],
        action_context: ActionContext,
        observer: Observer,
        clock: Clock = monotonic_s,
        *,
        max_duration_s: float = math.inf,
        start_s: float | None = None,
        journal: Journal | None = None,
        past: Past | None = None,
        tools: AgentTools | None = None,
        languages: Mapping[str, Tongue] = MappingProxyType({}),
        detector: TurnDetector | None = None,
    ) -> None:
        """`max_duration_s`: after which the agent says goodbye. `start_s`: the instant from which the records
        count; now, when None. `past`: what there was before, where the call is taken over. `languages`: those
        that the agent may switch to, by their tags."""
        info = call.info
        self._call, self._port = call, call.port
        self._port.set_gain_db(agent.gain_db)
        self._observer, self._clock = observer, clock
        rate_hz = self._port.rate_hz
        language = info.args.get("lang") or info.variables.get("AI_LANG") or agent.language
        greeting = info.variables.get("AI_GREETING") or agent.greeting
        self._first_words = greeting if past is None else agent.resumption
        phrases = (*agent.phrases, *llm.phrases)
        system = "\n\n".join(filter(None, (agent.prompt, info.variables.get("AI_CONTEXT"))))
        self._session = Session(
            agent.turns,
            rate_hz=rate_hz,
            system=system,
            max_duration_s=max_duration_s,
            goodbye=agent.goodbye,
            language=language,
            patience=agent.patience,
            phrases=phrases,
        )
        start_s = clock() if start_s is None else start_s
        if past is not None:
            self._session.restore(history(past), turns(past, start_s))
        self._journal = NoJournal() if journal is None else journal
        self._minutes = Minutes(self._journal, start_s, self._session.finished)
        self._inbox: deque[s.Event] = deque()
        self._handling = False

        self._languages = languages
        self._detector, self._detector_timeout_ms = detector, agent.turns.detector_timeout_ms
        voice = self._voice = Voice(tts, VoiceContext(rate_hz, language))
        self._tasks = Tasks(self._audio_ended)
        self._alarm = Alarm(clock, lambda: self._handle(s.TimerDue()))
        self._ears = Ears()
        speech_context = SpeechContext(rate_hz, language, phrases)
        self._recognition = Recognition(stt, speech_context, self._ears, self._handle)
        self._talk = CallTalk(self, self._port, voice)
        self._toolbox = Toolbox(
            actions,
            Desk(action_context, call.control, self._talk),
            agent_may=agent.actions,
            tools=tools,
            call_id=info.call_id,
            language=language,
            journal=self._journal,
            past=() if past is None else past.tools,
        )
        self._errands = Errands(self._toolbox, self._talk, self._tasks, self._handle, self._end)
        context = Context(llm, agent.context_tokens, self._tasks)
        self._replies = Replies(llm, self._toolbox.specs, context, self._tasks, self._handle)
        self._speaker = Speaker(self._port, voice, self._tasks, self._handle, self._talk.agent_may_speak)

    @property
    def turns(self) -> list[TurnRecord]:
        """The finished turns so far; all of them once `run` has ended, however it ended."""
        return self._minutes.record(self._session.finished)

    @property
    def digits(self) -> list[DigitRecord]:
        return self._minutes.digits

    async def run(self) -> Outcome:
        """From the greeting to the outcome. What cannot be mended (a bug of ours) comes out as an
        exception group; failing engines and media are outcomes."""
        self._ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            async with self._tasks as tasks:
                tasks.start(self._listen)
                tasks.start(self._recognition.run)
                tasks.start(self._follow_pbx)
                tasks.start(self._alarm.run)
                self._carry_out(self._session.greet(self._first_words, self._clock()))
                self._handle_all()
                return await self._ended
        finally:
            self._session.end(self._port.heard, self._clock())
            self._minutes.write(self._session.finished)

    # ------------------------------------------------------------------ the session and its commands

    def _handle(self, event: s.Event) -> None:
        """Give the session an event, and carry out what it says."""
        self._inbox.append(event)
        if not self._handling:  # else we are inside a command: this event is taken after it
            self._handle_all()

    def _handle_all(self) -> None:
        self._handling = True
        while self._inbox and not self._ended.done():
            self._carry_out(self._session.handle(self._inbox.popleft(), self._clock()))
        self._handling = False
        self._minutes.write(self._session.finished)
        self._alarm.set(self._session.next_timer())

    def _carry_out(self, commands: Sequence[s.Command]) -> None:
        for command in commands:
            match command:
                case s.OpenUtterance(utterance, from_s):
                    self._ears.open(utterance, from_s)
                case s.CloseUtterance(utterance):
                    self._ears.close(utterance)
                case s.JudgePause():
                    self._tasks.start(self._judge, command)
                case s.StartReply(number, messages, tentative):
                    if not tentative:
                        self._toolbox.asked(messages)
                    self._replies.start(number, messages)
                case s.CommitReply(messages):
                    self._toolbox.asked(messages)
                case s.CancelReply(number):
                    self._replies.cancel(number)
                case s.RunTool(call):
                    self._errands.run_tool(call, after_turn=len(self._session.finished))
                case s.Speak():
                    self._speaker.say(command)
                case s.Pause():
                    self._port.pause()
                    self._inbox.append(s.Played(self._port.heard, self._port.onset))
                case s.Resume():
                    self._port.resume()
                case s.Flush():
                    self._speaker.flush()
                case s.WatchHeard(position):
                    self._tasks.start(self._watch, position)
                case s.Tell(kind, text, figures):
                    self._observer(LiveEvent(self._clock(), self._call.info.call_id, kind, text, figures))
                case s.Leave():
                    self._tasks.start(self._end_after_tail, self._outcome(command))

    async def _watch(self, position: int) -> None:
        await self._port.wait_heard(position)
        self._handle(s.Played(self._port.heard, self._port.onset))

    async def _judge(self, pause: s.JudgePause) -> None:
        if self._detector is None:
            return
        audio = self._ears.since(pause.from_s)
        heard = CallerPause(
            audio, self._port.rate_hz, self._voice.language, pause.text or None, pause.agent_text
        )
        ends = await verdict(self._detector, heard, self._detector_timeout_ms)
        if ends is not None:
            self._handle(s.PauseJudged(pause.pause, ends))

    # ------------------------------------------------------------------ the end

    def _outcome(self, leave: s.Leave) -> Outcome:
        if leave.time_up:
            return Outcome(Status.TIMEOUT, Cause.MAX_DURATION)
        if leave.nobody_there:
            return Outcome(Status.TIMEOUT, Cause.NO_INPUT)
        if self._errands.decided is not None:
            return self._errands.decided
        if leave.failed is not None:
            return Outcome(Status.FAILED, Cause(leave.failed.value))
        return Outcome(Status.COMPLETED)

    async def _end_after_tail(self, outcome: Outcome) -> None:
        await asyncio.sleep(TAIL_S)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        if not self._ended.done():
            self._ended.set_result(outcome)

    def _audio_ended(self, error: MediaError) -> None:
        log.warning("the call's audio ended: %s", error)
        self._end(Outcome(Status.FAILED, Cause.MEDIA_FAILED))

    # ------------------------------------------------------------------ from outside, and for actions

    @property
    def verbs(self) -> Collection[str]:
        """The actions that `act` knows in this call."""
        return self._errands.verbs

    async def act(self, verb: str, arguments: Mapping[str, Any]) -> str:
        """Do what somebody besides the agent wants done. Returns what came of it, in a sentence."""
        if self._ended.done():
            return "The call has ended."
        return await self._errands.act(verb, arguments)

    def stand_aside(self, aside: bool) -> None:
        if aside:
            self._handle(s.VoiceOff(self._clock()))
        self._handle(s.StoodAside(aside))

    def divert_keys(self, diverted: bool) -> None:
        self._handle(s.KeysDiverted(diverted))

    def switch_language(self, language: str) -> None:
        tongue = self._languages[language]
        self._voice.switch(tongue.tts, language)
        self._recognition.switch(tongue.stt, language)
        self._session.speak_language(language)

    def last_words(self) -> str:
        said = (turn.text for turn in reversed(self._session.finished) if turn.who is Who.AGENT)
        return next(said, "")

    async def words_heard(self) -> None:
        """Until all that the agent has to say so far has been heard, or was cut off."""
        while True:
            await self._replies.ended()
            if await self._speaker.quiet() and not self._replies.are_running:
                return

    def start(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def run() -> None:
            await work()

        return self._tasks.start(run)

    # ------------------------------------------------------------------ what comes from the caller

    async def _listen(self) -> None:
        vad = VoiceDetector()
        while True:
            chunk = await self._port.read()
            if self._talk.aside:
                vad = VoiceDetector()
                continue
            self._ears.hear(chunk)
            for event in vad.process(chunk):
                self._handle(_to_session(event))

    async def _follow_pbx(self) -> None:
        while True:
            event = await self._call.next_event()
            match event:
                case Digit(digit, _, at_s):
                    use = self._talk.take_key(digit)
                    if use is not KeyUse.SECRET:
                        self._minutes.pressed(digit, at_s)
                    if use is KeyUse.FREE:
                        self._handle(s.DigitPressed(digit, at_s))
                case CallerHeld():
                    self._talk.caller_held()
                case CallerBack():
                    self._talk.caller_back()
                case CallerReplaced():
                    self._journal.caller_is_now(self._call.info)
                case CallerGone():
                    self._end(Outcome(Status.HANGUP, Cause.CALLER))
                    return


def _to_session(event: VoiceEvent) -> s.Event:
    match event:
        case VoiceStarted(at_s):
            return s.VoiceOn(at_s)
        case VoiceContinued(until_s):
            return s.VoiceHeld(until_s)
        case VoiceStopped(at_s):
            return s.VoiceOff(at_s)
