"""One call's conversation: the asyncio shell that streams between port, PBX, engines and dialogue.

    port.read ─▶ VAD ─▶┐                 ┌─▶ ears ─▶ speech to text ─▶┐
    PBX events ───────▶│ dialogue.Session├─▶ language model, tools ──▶│ back into the session
    timer ────────────▶│                 └─▶ text to speech ─▶ port ─▶┘

The session decides, this file carries out. Events are handled one at a time in the order they come, each with
all its commands, from whatever task: so no decision is ever based on half of another. Every task belongs to
one TaskGroup and ends with `run()`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ParamSpec

from ari_bridge.actions.base import Action, ActionContext, Desk
from ari_bridge.conversation.ears import Ears
from ari_bridge.conversation.past import history, turns
from ari_bridge.conversation.streams import closable, stubborn
from ari_bridge.conversation.talk import TAIL_S, CallTalk, KeyUse
from ari_bridge.conversation.toolbox import Toolbox
from ari_bridge.core.audio import samples
from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.core.errors import MediaError, ProviderError
from ari_bridge.core.messages import Message, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import WordSpan
from ari_bridge.dialogue.live import LiveEvent, Observer
from ari_bridge.dialogue.log import Turn
from ari_bridge.dialogue.session import Session
from ari_bridge.media.vad import EnergyVad, VoiceContinued, VoiceEvent, VoiceStarted, VoiceStopped
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
    LanguageModel,
    SpeechContext,
    SpeechToText,
    TextDelta,
    TextToSpeech,
    VoiceContext,
)
from ari_bridge.settings import AgentSettings
from ari_bridge.store.journal import Journal, NoJournal, Past
from ari_bridge.store.record import DigitRecord, TurnRecord
from ari_bridge.tools.workshop import AgentTools

log = logging.getLogger(__name__)

P = ParamSpec("P")

SPEECH_LEAD_MS = 2000
"""A sentence is synthesised when the audio before it has this much left: early enough never to be late, and
little is thrown away when the caller interrupts."""


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
    ) -> None:
        """`max_duration_s`: after which the agent says goodbye. `start_s`: the instant from which the records
        count; now, when None. `past`: what there was before, where the call is taken over."""
        info = call.info
        self._call, self._port = call, call.port
        self._port.set_gain_db(agent.gain_db)
        self._stt, self._llm, self._tts = stt, llm, tts
        self._observer, self._clock = observer, clock
        self._start_s = clock() if start_s is None else start_s
        language = info.args.get("lang") or info.variables.get("AI_LANG") or agent.language
        phrases = (*agent.phrases, *llm.phrases)
        self._speech_context = SpeechContext(self._port.rate_hz, language, phrases)
        self._voice_context = VoiceContext(self._port.rate_hz, language)
        greeting = info.variables.get("AI_GREETING") or agent.greeting
        self._first_words = greeting if past is None else agent.resumption
        system = "\n\n".join(filter(None, (agent.prompt, info.variables.get("AI_CONTEXT"))))
        self._session = Session(
            agent.turns,
            rate_hz=self._port.rate_hz,
            system=system,
            max_duration_s=max_duration_s,
            goodbye=agent.goodbye,
        )
        if past is not None:
            self._session.restore(history(past), turns(past, self._start_s))
        self._journal = NoJournal() if journal is None else journal
        self._written = list(self._session.finished)
        """The finished turns that the journal has."""
        self._talk = CallTalk(self, self._port, tts, self._voice_context)
        desk = Desk(action_context, call.control, self._talk)
        self._toolbox = Toolbox(
            actions,
            desk,
            agent_may=agent.actions,
            tools=tools,
            call_id=info.call_id,
            language=language,
            journal=self._journal,
            past=() if past is None else past.tools,
        )
        self._ears = Ears()
        self._inbox: deque[s.Event] = deque()
        self._handling = False
        self._due_s: float | None = None
        self._due_changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies: dict[int, asyncio.Task[None]] = {}
        self.digits: list[DigitRecord] = []

    @property
    def turns(self) -> list[TurnRecord]:
        """The finished turns so far; all of them once `run` has ended, however it ended."""
        return [self._record(turn) for turn in self._session.finished]

    def _record(self, turn: Turn) -> TurnRecord:
        return TurnRecord(
            who=turn.who.value,
            text=turn.text,
            start_ms=self._since_start_ms(turn.start_s),
            end_ms=self._since_start_ms(turn.end_s),
            heard=turn.heard,
            interrupted=turn.interrupted,
            latency_ms=turn.latency_ms,
        )

    def _write_turns(self) -> None:
        """Bring the journal up to date: turns were added, or the last was taken back."""
        finished = self._session.finished
        same = 0
        for mine, theirs in zip(finished, self._written, strict=False):
            if mine is not theirs:
                break
            same += 1
        if same < max(len(finished), len(self._written)):
            self._journal.turns_from(same, [self._record(turn) for turn in finished[same:]])
            self._written = list(finished)

    async def run(self) -> Outcome:
        """From the greeting to the outcome. What cannot be mended (a bug of ours) comes out as an
        exception group; failing engines and media are outcomes."""
        self._ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as self._group:
                self._spawn(self._listen)
                self._spawn(self._transcribe)
                self._spawn(self._follow_pbx)
                self._spawn(self._keep_time)
                self._sentences: asyncio.Queue[s.Speak] = asyncio.Queue()
                self._flushing: asyncio.Task[None] | None = None
                self._speaker = self._spawn(self._speak_all, self._sentences, None)
                self._handle(None)
                outcome = await self._ended
                for task in tuple(self._tasks):
                    task.cancel()
            return outcome
        finally:
            self._session.end(self._port.heard, self._clock())
            self._write_turns()

    # ------------------------------------------------------------------ the session and its commands

    def _handle(self, event: s.Event | None) -> None:
        """Give the session an event (None: the call begins), and carry out what it says."""
        if self._ended.done():
            return
        if event is None:
            self._carry_out(self._session.greet(self._first_words, self._clock()))
        else:
            self._inbox.append(event)
        if self._handling:
            return  # we are inside a command: the loop below takes this event after it
        self._handling = True
        while self._inbox:
            self._carry_out(self._session.handle(self._inbox.popleft(), self._clock()))
        self._handling = False
        self._write_turns()
        if self._due_s != self._session.next_timer():
            self._due_s = self._session.next_timer()
            self._due_changed.set()

    def _carry_out(self, commands: Sequence[s.Command]) -> None:
        for command in commands:
            match command:
                case s.OpenUtterance(utterance, from_s):
                    self._ears.open(utterance, from_s)
                case s.CloseUtterance(utterance):
                    self._ears.close(utterance)
                case s.StartReply(number, messages):
                    self._replies[number] = self._spawn(self._reply, number, messages)
                case s.CancelReply(number):
                    self._replies.pop(number).cancel()
                case s.RunTool(call):
                    self._spawn(self._run_tool, call)
                case s.Speak():
                    self._sentences.put_nowait(command)
                case s.Pause():
                    self._port.pause()
                    self._inbox.append(s.Played(self._port.heard))
                case s.Resume():
                    self._port.resume()
                case s.Flush():
                    self._flush()
                case s.WatchHeard(position):
                    self._spawn(self._watch, position)
                case s.Tell(kind, text):
                    self._observer(LiveEvent(self._clock(), self._call.info.call_id, kind, text))
                case s.Leave():
                    self._spawn(self._end_after_tail, self._outcome(command))

    def _outcome(self, leave: s.Leave) -> Outcome:
        if leave.time_up:
            return Outcome(Status.TIMEOUT, Cause.MAX_DURATION)
        decided = self._toolbox.outcome
        if decided is not None and decided.outcome is not None:
            return decided.outcome
        if leave.failed is not None:
            return Outcome(Status.FAILED, Cause(leave.failed.value))
        return Outcome(Status.COMPLETED)

    async def _end_after_tail(self, outcome: Outcome) -> None:
        await asyncio.sleep(TAIL_S)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        if not self._ended.done():
            self._ended.set_result(outcome)

    # ------------------------------------------------------------------ actions

    @property
    def verbs(self) -> Collection[str]:
        """The actions that `act` knows in this call."""
        return self._toolbox.names

    async def act(self, verb: str, arguments: Mapping[str, Any]) -> str:
        """Do what somebody besides the agent wants done. Returns what came of it, in a sentence."""
        said = ["The call has ended."]
        if not self._ended.done():
            await asyncio.wait({self._spawn(self._act, verb, arguments, said)})
        return said[-1]

    async def _act(self, verb: str, arguments: Mapping[str, Any], said: list[str]) -> None:
        result = await self._toolbox.run(verb, arguments)
        said.append(result.result)
        if result.outcome is not None:
            if not result.at_once:
                await self._talk.words_heard()  # at once where nobody hears them
            self._end(result.outcome)

    async def _run_tool(self, call: ToolCall) -> None:
        result = await self._toolbox.run_for_agent(call, len(self._session.finished))
        if result.outcome is not None and result.at_once:
            self._end(result.outcome)
        self._handle(s.ToolReturned(call, result.result, decides_outcome=result.outcome is not None))

    def caller_is_silent(self) -> None:
        self._handle(s.VoiceOff(self._clock()))

    async def words_heard(self) -> None:
        """Until all that the agent has to say so far has been heard, or was cut off."""
        while True:
            if self._replies:
                await asyncio.wait(set(self._replies.values()))
            sentences = self._sentences
            await sentences.join()
            await self._port.wait_heard(self._port.queued)
            if sentences is self._sentences and not self._replies:
                return

    def start(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def run() -> None:
            await work()

        return self._spawn(run)

    # ------------------------------------------------------------------ tasks

    def _spawn(
        self, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Task[None]:
        task = self._group.create_task(self._guarded(work, *args, **kwargs))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(
        self, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        try:
            await work(*args, **kwargs)
        except MediaError as error:
            log.warning("the call's audio ended: %s", error)
            self._end(Outcome(Status.FAILED, Cause.MEDIA_FAILED))

    async def _keep_time(self) -> None:
        """Tell the session when the time it waits for has come."""
        while True:
            self._due_changed.clear()
            delay_s = None if self._due_s is None else max(0.0, self._due_s - self._clock())
            try:
                async with asyncio.timeout(delay_s):
                    await self._due_changed.wait()
            except TimeoutError:
                self._handle(s.TimerDue())

    async def _listen(self) -> None:
        vad = EnergyVad()
        while True:
            chunk = await self._port.read()
            if self._talk.aside:
                vad = EnergyVad()
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
                        self.digits.append(DigitRecord(digit, self._since_start_ms(at_s)))
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

    async def _watch(self, position: int) -> None:
        await self._port.wait_heard(position)
        self._handle(s.Played(self._port.heard))

    async def _transcribe(self) -> None:
        """Keep a recogniser running; one that fails is started anew if it had worked at all."""
        worked = True
        while True:
            try:
                async with (
                    aclosing(self._ears.stream()) as audio,
                    aclosing(closable(self._stt.transcribe(audio, self._speech_context))) as stream,
                ):
                    async for transcript in stream:
                        if transcript.final:
                            worked = True
                            self._ears.answered(transcript.utterance)
                            self._handle(s.Transcribed(transcript.utterance, transcript.text))
                raise ProviderError("the recogniser ended in the middle of the call", retryable=True)
            except ProviderError as error:
                log.warning("speech to text: %s", error)
                if not (error.retryable and worked):
                    self._handle(s.EngineFailed(s.Engine.STT))
                    return
                worked = False
                for utterance in self._ears.restart():
                    self._handle(s.Transcribed(utterance, ""))

    async def _reply(self, number: int, messages: Sequence[Message]) -> None:
        self._toolbox.asked(messages)
        try:
            deltas = stubborn(lambda: self._llm.reply(messages, self._toolbox.specs))
            async with aclosing(deltas) as stream:
                async for delta in stream:
                    match delta:
                        case TextDelta(text):
                            self._handle(s.ReplyText(number, text))
                        case ToolCall():
                            self._handle(s.ReplyToolCall(number, delta))
        except ProviderError as error:
            log.warning("language model: %s", error)
            self._handle(s.EngineFailed(s.Engine.LLM))
        else:
            self._handle(s.ReplyEnded(number))
        finally:
            self._replies.pop(number, None)

    async def _speak_all(self, sentences: asyncio.Queue[s.Speak], after: asyncio.Task[None] | None) -> None:
        """Speak what comes, in order, never far ahead of what is heard."""
        if after is not None:
            await asyncio.wait([after])
        lead = samples(SPEECH_LEAD_MS, self._port.rate_hz)
        try:
            while True:
                sentence = await sentences.get()
                try:
                    await self._talk.agent_may_speak()
                    await self._port.wait_heard(max(0, self._port.queued - lead))
                    await self._speak(sentence)
                finally:
                    sentences.task_done()
        except ProviderError as error:
            log.warning("text to speech: %s", error)
            self._handle(s.EngineFailed(s.Engine.TTS))

    async def _speak(self, sentence: s.Speak) -> None:
        pieces = stubborn(lambda: self._tts.speak(sentence.text, self._voice_context))
        async with aclosing(pieces) as stream:
            async for piece in stream:
                words = tuple(WordSpan(word.end_char, word.end_sample) for word in piece.words)
                start = self._port.queued
                self._handle(s.SpeechQueued(sentence.sentence, start, len(piece.pcm), words))
                if len(piece.pcm):
                    await self._port.play(piece.pcm)
        self._handle(s.SpeechEnded(sentence.sentence))

    def _flush(self) -> None:
        """Stop the speaker, then drop its audio; the next speaker begins when that is done."""
        self._flushing = self._spawn(self._cut_off, self._speaker, self._flushing)
        unsaid, self._sentences = self._sentences, asyncio.Queue()
        while not unsaid.empty():
            unsaid.get_nowait()
            unsaid.task_done()
        self._speaker = self._spawn(self._speak_all, self._sentences, self._flushing)

    async def _cut_off(self, speaker: asyncio.Task[None], after: asyncio.Task[None] | None) -> None:
        speaker.cancel()
        await asyncio.wait([speaker] if after is None else [speaker, after])
        self._handle(s.Flushed(await self._port.flush()))

    def _since_start_ms(self, at_s: float) -> float:
        return round((at_s - self._start_s) * 1000, 1)


def _to_session(event: VoiceEvent) -> s.Event:
    match event:
        case VoiceStarted(at_s):
            return s.VoiceOn(at_s)
        case VoiceContinued(until_s):
            return s.VoiceHeld(until_s)
        case VoiceStopped(at_s):
            return s.VoiceOff(at_s)
