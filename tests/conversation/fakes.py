"""A call, its port and its engines, made of timelines."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ari_bridge.actions.base import Action, ActionContext, ActionResult, Desk
from ari_bridge.conversation.cascade import CascadedConversation, CascadeEngines, Tongue
from ari_bridge.conversation.line import Brief
from ari_bridge.core.audio import AudioChunk, Onset, Pcm16
from ari_bridge.core.errors import MediaError, PortClosed, ProviderError, RequestFailed
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.media.plane import MediaStats
from ari_bridge.pbx.call import CallerGone, CallInfo, Digit, Outcome, PbxEvent, Status
from ari_bridge.pbx.control import Ear, Lost, Party, PartyLost
from ari_bridge.providers.base import (
    Heard,
    Meter,
    ReplyDelta,
    Speech,
    SpeechContext,
    SttInput,
    TextDelta,
    Transcript,
    TurnDetector,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
    WordTime,
    unmetered,
)
from ari_bridge.settings import AgentSettings, PatienceSettings, TurnSettings
from ari_bridge.store.journal import Journal, NoJournal, Past
from ari_bridge.tools.workshop import AgentTools

RATE_HZ = 8000
FRAME = 160
WORD_S = 0.3
QUIET = PatienceSettings(fillers=(), check_ins=())
FIXED = TurnSettings(end_of_turn="fixed", end_of_turn_ms=500)
"""The same silence after every turn."""


@dataclass
class Says:
    """The caller's voice, from `at_s` of the call on; `text` is what a recogniser makes of it."""

    at_s: float
    text: str
    seconds: float = 1.0


def now_s() -> float:
    return asyncio.get_running_loop().time()


def _noise(count: int, level_dbfs: float, seed: int) -> Pcm16:
    wave = np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_dbfs / 20), count)
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


@dataclass
class FakePort:
    """The caller's timeline one way, a ring that empties in real time the other."""

    timeline: Sequence[Says] = ()
    rate_hz: int = RATE_HZ
    codec: str = "ulaw"
    heard: int = 0
    queued: int = 0
    sent_at: list[tuple[float, int]] = field(default_factory=list)
    """When frames of agent audio left, and the position after them."""
    flushes: list[float] = field(default_factory=list)
    flushed: list[tuple[float, int, int]] = field(default_factory=list)
    """When, and the positions between which audio was dropped."""
    dies_at_s: float | None = None

    def __post_init__(self) -> None:
        self.start_s = now_s()
        self._frame = 0
        self._paused = False
        self._onset: Onset | None = None
        self._left_s = -1.0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._loud = _noise(RATE_HZ * 10, -22, 1)
        self._quiet = _noise(RATE_HZ * 10, -66, 2)

    def set_gain_db(self, gain_db: float) -> None:
        self.gain_db = gain_db

    @property
    def onset(self) -> Onset | None:
        return self._onset

    async def read(self) -> AudioChunk:
        self._frame += 1
        await asyncio.sleep(max(0.0, self.start_s + self._frame * 0.02 - now_s()))
        at_s = (self._frame - 1) * 0.02
        if self.dies_at_s is not None and at_s >= self.dies_at_s:
            raise PortClosed("the port was closed")
        self._play_out()
        loud = any(says.at_s <= at_s + 0.001 < says.at_s + says.seconds for says in self.timeline)
        pcm = (self._loud if loud else self._quiet)[(self._frame * FRAME) % (RATE_HZ * 9) :][:FRAME]
        flags = np.zeros(1, np.uint8)
        return AudioChunk(pcm, RATE_HZ, (self._frame - 1) * FRAME, now_s(), flags)

    def _play_out(self) -> None:
        if not self._paused and self.heard < self.queued:
            if now_s() > self._left_s + 0.03:
                self._onset = Onset(self.heard, now_s())
            self._left_s = now_s()
            self.heard = min(self.queued, self.heard + FRAME)
            self.sent_at.append((now_s() - self.start_s, self.heard))
            self._wake()

    def _wake(self) -> None:
        for mark, waiter in self._waiters:
            if mark <= self.heard and not waiter.done():
                waiter.set_result(None)
        self._waiters = [(m, w) for m, w in self._waiters if m > self.heard]

    async def play(self, pcm: Pcm16) -> int:
        await self.wait_heard(self.queued + len(pcm) - 10 * RATE_HZ)  # a ring of ten seconds
        self.queued += len(pcm)
        return self.queued

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    async def flush(self) -> int:
        await asyncio.sleep(0.0025)
        position, self.heard, self._paused = self.heard, self.queued, False
        self.flushes.append(now_s() - self.start_s)
        self.flushed.append((now_s() - self.start_s, position, self.queued))
        self._wake()
        return position

    async def wait_heard(self, mark: int) -> None:
        if mark > self.heard:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((mark, waiter))
            await waiter

    def stats(self) -> MediaStats:
        return MediaStats(self.codec)

    async def close(self) -> None:
        raise MediaError("the conversation does not own the port")


class FakePerson:
    """Somebody who answers after `answers_s` and then presses `keys`: (seconds later, key); what `ends`
    says becomes of them in the end."""

    def __init__(
        self, *, answers_s: float = 1.0, keys: Sequence[tuple[float, str]] = (), ends: Lost | None = None
    ) -> None:
        self._answers_s = answers_s
        self._keys = list(keys)
        self._ends = ends
        self.did: list[str] = []

    async def answered(self) -> None:
        await asyncio.sleep(self._answers_s)
        if self._ends not in (None, Lost.HUNG_UP):
            raise PartyLost(self._ends)

    async def digit(self) -> str:
        if self._keys:
            delay_s, key = self._keys.pop(0)
            await asyncio.sleep(delay_s)
            return key
        if self._ends is not None:
            raise PartyLost(self._ends)
        await asyncio.Event().wait()
        return ""

    async def join(self) -> None:
        self.did.append("join")

    async def leave(self) -> None:
        self.did.append("leave")

    def hand_over(self) -> str:
        self.did.append("hand over")
        return "PJSIP/6001-0001"

    async def hang_up(self) -> None:
        self.did.append("hang up")


class FakeControl:
    """Notes what is asked of the PBX; `person` is who can be rung."""

    def __init__(self, person: FakePerson | None = None) -> None:
        self.person = person
        self.did: list[tuple[float, str]] = []
        self.variables: dict[str, str] = {}
        self.recording = False
        self.unhold_works_from_s = 0.0
        """Before, the PBX does not answer."""

    def _note(self, what: str) -> None:
        self.did.append((now_s(), what))

    @property
    def verbs(self) -> list[str]:
        return [what for _, what in self.did]

    async def hold(self) -> None:
        self._note("hold")

    async def unhold(self) -> None:
        self._note("unhold")
        if now_s() < self.unhold_works_from_s:
            raise RequestFailed("no answer in time", status=0)

    async def stop_music(self) -> None:
        self._note("stop music")

    async def mute(self) -> None:
        self._note("mute")

    async def unmute(self) -> None:
        self._note("unmute")

    async def send_digits(self, digits: str) -> None:
        self._note(f"send {digits}")

    async def set_secret(self, name: str, value: str) -> None:
        self.variables[name] = value

    async def has_place(self, context: str, exten: str, priority: int = 1) -> bool:
        return context != "nowhere"

    async def ring(self, endpoint: str, *, within_s: float) -> Party:
        self._note(f"ring {endpoint}")
        if self.person is not None:
            return self.person
        raise RequestFailed("nobody can be rung here", status=500)

    async def start_recording(self) -> str:
        self.recording = True
        self._note("record")
        return "recording-1"

    async def pause_recording(self) -> None:
        self._note("pause recording")

    async def resume_recording(self) -> None:
        self._note("resume recording")

    async def stop_recording(self) -> None:
        self.recording = False
        self._note("stop recording")

    async def let_listen(self, endpoint: str, ear: Ear, *, within_s: float) -> None:
        self._note(f"{ear.name} {endpoint}")


class FakeCall:
    def __init__(self, port: FakePort, events: Sequence[tuple[float, PbxEvent]], info: CallInfo) -> None:
        self.port, self.info = port, info
        self.control = FakeControl()
        self._events = list(events)

    async def next_event(self) -> PbxEvent:
        if not self._events:
            await asyncio.Event().wait()
        at_s, event = self._events.pop(0)
        await asyncio.sleep(max(0.0, self.port.start_s + at_s - now_s()))
        return event


class FakeStt:
    """Understands an utterance by when it ended on the timeline."""

    def __init__(self, port: FakePort, *, delay_s: float = 0.05) -> None:
        self._port, self._delay_s = port, delay_s
        self.contexts: list[SpeechContext] = []
        self.seconds: list[float] = []
        """Of audio, for each utterance."""
        self.running = 0
        self.fail_on: dict[int, ProviderError] = {}
        """By the count of UtteranceEnds so far."""
        self._ends = 0

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncIterator[Transcript]:
        self.contexts.append(context)
        self.running += 1
        told, samples = 0.0, 0
        try:
            async for item in audio:
                match item:
                    case UtteranceStart():
                        samples = 0
                    case Heard(pcm):
                        samples += len(pcm)
                    case UtteranceEnd(number):
                        error = self.fail_on.get(self._ends)
                        self._ends += 1
                        if error is not None:
                            raise error
                        self.seconds.append(samples / RATE_HZ)
                        await asyncio.sleep(self._delay_s)
                        now = now_s() - self._port.start_s
                        texts = [says.text for says in self._port.timeline if told <= says.at_s < now - 0.2]
                        told = now - 0.2
                        yield Transcript(number, " ".join(filter(None, texts[-1:])), final=True)
        finally:
            self.running -= 1

    async def close(self) -> None: ...


Answer: TypeAlias = Sequence[str | float | ToolCall | ProviderError]
"""Text, seconds to wait, tools to call, a failure."""


class FakeLlm:
    def __init__(self, answer: Callable[[Sequence[Message]], Answer]) -> None:
        self._answer = answer
        self.asked: list[tuple[Message, ...]] = []
        self.tools: Sequence[ToolSpec] = ()
        self.running = 0
        self.cancelled = 0
        self.phrases: tuple[str, ...] = ("what are your hours",)

    async def reply(self, history: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncIterator[ReplyDelta]:
        self.asked.append(tuple(history))
        self.tools = tools
        self.running += 1
        try:
            for part in self._answer(history):
                match part:
                    case str():
                        for word in part.split(" "):
                            yield TextDelta(word + " ")
                    case float():
                        await asyncio.sleep(part)
                    case ToolCall():
                        yield part
                    case ProviderError():
                        raise part
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def close(self) -> None: ...


class FakeTts:
    """Every word takes 300 ms to say and `cost_s` to make."""

    def __init__(self, *, cost_s: float = 0.02) -> None:
        self._cost_s = cost_s
        self.spoken: list[tuple[float, str]] = []
        self.contexts: list[VoiceContext] = []
        self.running = 0
        self.errors: list[ProviderError] = []

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncIterator[Speech]:
        self.spoken.append((now_s(), sentence))
        self.contexts.append(context)
        self.running += 1
        try:
            if self.errors:
                raise self.errors.pop(0)
            size, at = round(WORD_S * context.rate_hz), 0
            for index, word in enumerate(sentence.split()):
                await asyncio.sleep(self._cost_s)
                begin = sentence.index(word, at)
                at = begin + len(word)
                yield Speech(
                    np.ones(size, np.int16), (WordTime(begin, at, index * size, (index + 1) * size),)
                )
        finally:
            self.running -= 1

    async def close(self) -> None: ...


async def _transfer(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    return ActionResult("transferring", Outcome(Status.TRANSFER, "HUMAN", "humans"))


async def _look_up(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
    return ActionResult(f"order {arguments['order']} is on its way")


TRANSFER = Action("transfer", lambda _: ToolSpec("transfer", "to a human", {"type": "object"}), _transfer)
LOOK_UP = Action("look_up", lambda _: ToolSpec("look_up", "an order", {"type": "object"}), _look_up)
UNFIT = Action("unfit", lambda _: None, _look_up)


@dataclass
class Scene:
    """One call, from its timeline to its outcome."""

    timeline: Sequence[Says] = ()
    answer: Callable[[Sequence[Message]], Answer] = lambda history: [f"You said {history[-1].text}."]
    agent: AgentSettings = field(
        default_factory=lambda: AgentSettings(
            greeting="Hello there.",
            prompt="Be kind.",
            actions=("transfer", "look_up", "hold", "unhold", "collect_digits", "attended_transfer"),
            turns=TurnSettings(end_of_turn_ms=500),
        )
    )
    events: Sequence[tuple[float, PbxEvent]] = ()
    """Besides the caller's hanging up."""
    hangs_up_at_s: float = 20.0
    variables: dict[str, str] = field(default_factory=dict)
    tts_cost_s: float = 0.02
    stt_delay_s: float = 0.05
    max_duration_s: float = math.inf
    patience: PatienceSettings = QUIET
    person: FakePerson | None = None
    unhold_works_from_s: float = 0.0
    prepare: Callable[[Scene], None] = lambda scene: None
    actions: Sequence[Action] = (TRANSFER, LOOK_UP, UNFIT)
    context: ActionContext = field(default_factory=lambda: ActionContext({}))
    journal: Journal | None = None
    past: Past | None = None
    tools: AgentTools | None = None
    languages: Mapping[str, Tongue] = field(default_factory=dict)
    """`prepare` may fill it."""
    detector: TurnDetector | None = None
    meter: Meter = unmetered
    in_service: Callable[[CascadeEngines], CascadeEngines] = lambda engines: engines
    """What a service puts around the engines."""

    async def play(self) -> Scene:
        self.port = FakePort(self.timeline)
        start = self.port.start_s
        events = sorted(
            [*self.events, (self.hangs_up_at_s, CallerGone(start + self.hangs_up_at_s))],
            key=lambda event: event[0],
        )
        info = CallInfo("c1", "ch1", "sales", "100", "200", "Ann", variables=self.variables)
        self.stt = FakeStt(self.port, delay_s=self.stt_delay_s)
        self.llm = FakeLlm(self.answer)
        self.tts = FakeTts(cost_s=self.tts_cost_s)
        self.live: list[LiveEvent] = []
        self.prepare(self)
        self.call = FakeCall(self.port, events, info)
        self.call.control.person = self.person
        self.call.control.unhold_works_from_s = start + self.unhold_works_from_s
        brief = Brief(
            self.call,
            self.agent.model_copy(update={"patience": self.patience}),
            self.actions,
            self.context,
            self.live.append,
            now_s(),
            now_s,
            self.max_duration_s,
            NoJournal() if self.journal is None else self.journal,
            self.past,
            self.tools,
            self.meter,
        )
        engines = CascadeEngines(self.stt, self.llm, self.tts, self.languages, self.detector)
        self.conversation = CascadedConversation(brief, self.in_service(engines))
        self.outcome = await self.conversation.run()
        self.ended_s = now_s() - start
        assert (self.stt.running, self.llm.running, self.tts.running) == (0, 0, 0)
        return self

    def told(self, kind: LiveKind) -> list[str]:
        return [event.text for event in self.live if event.kind is kind]

    def sent_between(self, from_s: float, to_s: float) -> int:
        """Frames of agent audio that left in that time."""
        return sum(from_s <= at_s < to_s for at_s, _ in self.port.sent_at)

    @property
    def turns(self) -> list[tuple[str, str]]:
        return [(turn.who, turn.text) for turn in self.conversation.line.turns]


def digit(at_s: float, key: str) -> tuple[float, PbxEvent]:
    return at_s, Digit(key, 100, now_s() + at_s)


async def until_cancelled(scene: Scene, after_s: float) -> None:
    """Cancel the conversation from outside, as a supervisor does."""
    task = asyncio.create_task(scene.play())
    await asyncio.sleep(after_s)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
