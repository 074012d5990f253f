"""A call with an engine that hears and speaks itself, made of timelines."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ari_bridge.actions.base import Action, ActionContext
from ari_bridge.conversation.line import Brief
from ari_bridge.conversation.speech import SpeechConversation, SpeechEngines
from ari_bridge.core.audio import dbfs
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.pbx.call import CallerGone, CallInfo, PbxEvent
from ari_bridge.providers.speech import base as b
from ari_bridge.settings import AgentSettings, PatienceSettings
from ari_bridge.store.journal import Journal, NoJournal, Past
from ari_bridge.tools.workshop import AgentTools
from tests.conversation.fakes import LOOK_UP, QUIET, TRANSFER, FakeCall, FakePort, FakeTts, Says, now_s

WORD_S = 0.3
LOUD_DBFS = -40.0
FAR_S = 0.05
"""How long a signal or an event is on its way."""

Part: TypeAlias = "str | float | ToolCall | ProviderError | b.SpeechEvent"
"""Words to say (as audio, six times faster than they sound), seconds to wait, a tool, a failure, an event."""
Answer: TypeAlias = Sequence[Part]


class FakeSession:
    """Hears voice by its level, as a server's own voice detection does, and answers after `silence_s`."""

    def __init__(self, engine: FakeEngine, opening: b.Opening) -> None:
        self._engine, self.opening = engine, opening
        self._events: asyncio.Queue[b.SpeechEvent | ProviderError | None] = asyncio.Queue()
        self._responding: asyncio.Task[None] | None = None
        self._loud_frames = 0
        self._silent_s = 0.0
        self._voice = False
        self._turns = 0
        self._count = 0
        self._number = len(engine.sessions)
        self.signals: list[b.Signal] = []
        """All but audio."""
        self.heard_at: list[tuple[float, float]] = []
        """When, and the level of the caller's audio that came."""

    async def events(self) -> AsyncGenerator[b.SpeechEvent, None]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, ProviderError):
                raise event
            yield event

    async def send(self, signal: b.Signal) -> None:
        if isinstance(signal, b.CallerAudio):
            self._hear(signal)
            return
        self.signals.append(signal)
        self._engine.hook(signal)
        match signal:
            case b.Ask(instruction):
                self._respond(self._engine.asked(instruction))
            case b.CallerEntry(digits):
                self._respond(self._engine.answer(f"keys {digits}"))
            case b.ToolResult(_, text, True):
                self._respond(self._engine.answer(f"result {text}"))
            case b.Cut():
                self._cancel()

    def put(self, event: b.SpeechEvent | ProviderError | None) -> None:
        self._events.put_nowait(event)

    def _hear(self, audio: b.CallerAudio) -> None:
        self.heard_at.append((now_s(), dbfs(audio.pcm)))
        if self._engine.is_deaf:
            return
        if dbfs(audio.pcm) > LOUD_DBFS:
            self._loud_frames += 1
            self._silent_s = 0.0
        else:
            self._silent_s += 0.02
        if not self._voice and self._loud_frames >= self._engine.onset_frames:
            self._voice = True
            self._turns += 1
            self.put(b.CallerBegan(f"caller {self._number}.{self._turns}"))
            self._cancel()
        elif self._voice and self._silent_s >= self._engine.silence_s:
            self._voice, self._loud_frames = False, 0
            item = f"caller {self._number}.{self._turns}"
            self.put(b.CallerStopped(item))
            said = self._engine.next_text()
            asyncio.get_running_loop().call_later(
                self._engine.text_delay_s, self.put, b.CallerText(item, said, final=True)
            )
            self._respond(self._engine.answer(said))
        elif self._silent_s > 0.5:
            self._loud_frames = 0

    def _respond(self, answer: Answer) -> None:
        self._cancel()
        self._responding = asyncio.get_running_loop().create_task(self._play(answer))

    def _cancel(self) -> None:
        if self._responding is not None:
            self._responding.cancel()

    async def _play(self, answer: Answer) -> None:
        await asyncio.sleep(self._engine.thinks_s)
        for part in answer:
            match part:
                case str():
                    await self._say(part)
                case float():
                    await asyncio.sleep(part)
                case ToolCall() | ProviderError():
                    self.put(part)
                case _:
                    self.put(part)

    async def _say(self, text: str) -> None:
        self._count += 1
        item = f"item {self._number}.{self._count}"
        for word in text.split():
            self.put(b.AgentText(item, f"{word} "))
            self.put(b.AgentAudio(item, np.ones(round(WORD_S * self.opening.rate_hz), np.int16)))
            await asyncio.sleep(WORD_S / 6)
        self.put(b.AgentDone(item))

    def close(self) -> None:
        self._cancel()


class FakeEngine:
    def __init__(self, scene: SpeechScene) -> None:
        self._scene = scene
        self.abilities = scene.abilities
        self.sessions: list[FakeSession] = []
        self.open = 0
        self.refuses: list[ProviderError] = []
        self.connects_s = 0.1
        self.thinks_s = 0.2
        self.silence_s = 0.5
        self.onset_frames = 8
        self.text_delay_s = 0.4
        self.is_deaf = False
        self.hook: Callable[[b.Signal], None] = lambda signal: None
        """Called with every signal but audio."""
        self._told = 0

    @asynccontextmanager
    async def converse(self, opening: b.Opening) -> AsyncIterator[b.SpeechSession]:
        await asyncio.sleep(self.connects_s)
        if self.refuses:
            raise self.refuses.pop(0)
        session = FakeSession(self, opening)
        self.sessions.append(session)
        self.open += 1
        try:
            yield session
        finally:
            self.open -= 1
            session.close()

    def next_text(self) -> str:
        self._told += 1
        return self._scene.timeline[min(self._told, len(self._scene.timeline)) - 1].text

    def asked(self, instruction: str) -> Answer:
        return self._scene.asked(instruction)

    def answer(self, said: str) -> Answer:
        return self._scene.answer(said)

    @property
    def signals(self) -> list[b.Signal]:
        return [signal for session in self.sessions for signal in session.signals]

    async def close(self) -> None: ...


def obey(instruction: str) -> Answer:
    return [instruction.partition(": ")[2]]


@dataclass
class SpeechScene:
    """One call, from its timeline to its outcome."""

    timeline: Sequence[Says] = ()
    answer: Callable[[str], Answer] = lambda said: [f"You said {said}."]
    asked: Callable[[str], Answer] = obey
    agent: AgentSettings = field(
        default_factory=lambda: AgentSettings(
            greeting="Hello there.",
            prompt="Be kind.",
            actions=("transfer", "look_up", "hold", "unhold", "collect_digits"),
        )
    )
    events: Sequence[tuple[float, PbxEvent]] = ()
    hangs_up_at_s: float = 20.0
    max_duration_s: float = math.inf
    patience: PatienceSettings = QUIET
    prepare: Callable[[SpeechScene], None] = lambda scene: None
    actions: Sequence[Action] = (TRANSFER, LOOK_UP)
    context: ActionContext = field(default_factory=lambda: ActionContext({}))
    journal: Journal | None = None
    past: Past | None = None
    tools: AgentTools | None = None
    abilities: b.Abilities = field(default_factory=b.Abilities)
    has_own_voice: bool = False

    async def play(self) -> SpeechScene:
        self.port = FakePort(self.timeline)
        start = self.port.start_s
        events = sorted(
            [*self.events, (self.hangs_up_at_s, CallerGone(start + self.hangs_up_at_s))],
            key=lambda event: event[0],
        )
        info = CallInfo("c1", "ch1", "sales", "100", "200", "Ann")
        self.engine = FakeEngine(self)
        self.tts = FakeTts()
        self.live: list[LiveEvent] = []
        self.prepare(self)
        self.call = FakeCall(self.port, events, info)
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
        )
        engines = SpeechEngines(self.engine, self.tts if self.has_own_voice else None)
        self.conversation = SpeechConversation(brief, engines)
        self.outcome = await self.conversation.run()
        self.ended_s = now_s() - start
        assert self.engine.open == 0
        return self

    def told(self, kind: LiveKind) -> list[str]:
        return [event.text for event in self.live if event.kind is kind]

    def sent_between(self, from_s: float, to_s: float) -> int:
        """Frames of agent audio that left in that time."""
        return sum(from_s <= at_s < to_s for at_s, _ in self.port.sent_at)

    @property
    def turns(self) -> list[tuple[str, str]]:
        return [(turn.who, turn.text.strip()) for turn in self.conversation.line.turns]

    def of(self, kind: type[b.Signal]) -> list[b.Signal]:
        return [signal for signal in self.engine.signals if isinstance(signal, kind)]
