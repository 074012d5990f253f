"""The synthetic caller: plays a scenario in a real call, and keeps what was on its line."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import singledispatchmethod
from queue import Empty, SimpleQueue

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox import voices
from ari_bridge.sandbox.carrier_call import CarrierCall, open_call
from ari_bridge.sandbox.debian import Progress
from ari_bridge.sandbox.ear import Noticed, Sound
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.line import Line, wire_for
from ari_bridge.sandbox.recording import Recording
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Press, Say, Scenario, Wait

ANSWER_TIMEOUT_S = 15.0
_DIGIT_MS, _BETWEEN_DIGITS_MS = 100, 100
_LOOK_S = 0.01
"""How often a waiting caller looks whether what it waits for has come."""


class CallerEventKind(Enum):
    DIALLED = "dialled"
    ANSWERED = "answered"
    AGENT_STARTED = "agent started"
    AGENT_STOPPED = "agent stopped"
    SAYS = "says"
    SAID = "said"
    PRESSED = "pressed"
    HUMAN_ANSWERED = "human answered"
    HUNG_UP = "hung up"
    """text: "caller" or "other side"."""


@dataclass(frozen=True, slots=True)
class CallerEvent:
    at_s: float
    """Monotonic: when it happened on the line."""
    kind: CallerEventKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class CallerResult:
    recording: Recording
    """From the answer to the end."""
    events: list[CallerEvent]
    """In the order in which they happened."""
    hangup_cause: str
    arrivals_s: Sequence[float] = ()
    """When each RTP packet reached the caller (monotonic)."""
    problem: str = ""
    """Why the scenario could not be played to its end; empty when it could."""

    def longest_gap_ms(self, from_s: float = 0.0, until_s: float = math.inf) -> float:
        """Since the agent was first heard: the longest time without a packet that ended between the two
        instants, beyond the 20 ms that there are between any two packets."""
        first = self.first(CallerEventKind.AGENT_STARTED)
        times_s = [at_s for at_s in self.arrivals_s if first is not None and at_s >= first.at_s]
        pairs = itertools.pairwise(times_s)
        gaps_s = (after - before for before, after in pairs if from_s <= after <= until_s)
        return max(gaps_s, default=0.0) * 1000 - 20

    def first(self, kind: CallerEventKind) -> CallerEvent | None:
        return next((event for event in self.events if event.kind is kind), None)


_HEARD = {
    Sound.AGENT_STARTED: CallerEventKind.AGENT_STARTED,
    Sound.AGENT_STOPPED: CallerEventKind.AGENT_STOPPED,
    Sound.HUMAN_ANSWERED: CallerEventKind.HUMAN_ANSWERED,
}


async def place_call(
    lab: Lab,
    scenario: Scenario,
    on_event: Callable[[CallerEvent], None] | None = None,
    *,
    progress: Progress | None = None,
) -> CallerResult:
    """Play `scenario` against the lab's PBX. Raises SandboxError when the call cannot be placed; what goes
    wrong in it is the result's `problem`."""
    if scenario.codec not in lab.carrier.codecs:
        known = ", ".join(lab.carrier.codecs)
        raise SandboxError(f"codec: this Asterisk has no {scenario.codec} (it has {known})")
    wire = wire_for(scenario.codec)
    tell = progress or (lambda _line: None)
    speech = await asyncio.to_thread(
        lambda: {
            text: voices.speak(text, scenario.voice, wire.spoken.rate_hz, tell) for text in scenario.lines
        }
    )
    noticed: SimpleQueue[Noticed] = SimpleQueue()
    line = Line(wire, noticed.put)
    try:
        async with open_call(lab.carrier) as call:
            caller = _Caller(call, line, speech, noticed, on_event)
            await caller.play(scenario)
        line.stop()
        caller.report_heard()
        recording = await asyncio.to_thread(line.recording, caller.answered_s, caller.ended_s)
        return CallerResult(
            recording,
            sorted(caller.events, key=lambda event: event.at_s),
            call.hangup_cause,
            line.arrivals_s(caller.answered_s, caller.ended_s),
            caller.problem,
        )
    finally:
        line.stop()


class _EndOfCall(Exception):
    """The rest of the scenario cannot be played; the text says why ("" when it need not be)."""


class _Caller:
    """Plays the steps of one call."""

    def __init__(
        self,
        call: CarrierCall,
        line: Line,
        speech: dict[str, Pcm16],
        noticed: SimpleQueue[Noticed],
        on_event: Callable[[CallerEvent], None] | None,
    ) -> None:
        self._call = call
        self._line = line
        self._speech = speech
        self._noticed = noticed
        self._on_event = on_event
        self._turns_before = 0
        """Turns that the agent had begun when the caller last did something."""
        self.events: list[CallerEvent] = []
        self.answered_s = self.ended_s = time.monotonic()
        self.problem = ""

    async def play(self, scenario: Scenario) -> None:
        peer = await self._call.attach_line(
            self._line.address, self._line.wire.format, scenario.caller_number
        )
        self._line.start(peer)
        self._tell(CallerEventKind.DIALLED, scenario.did)
        await self._call.dial(scenario.did, scenario.codec)
        where = "dialling"
        try:
            await self._until(self._call.answered.is_set, ANSWER_TIMEOUT_S, "nobody answered")
            self.answered_s = time.monotonic()
            self._tell(CallerEventKind.ANSWERED)
            for number, step in enumerate(scenario.steps, 1):
                where = f"step {number}"
                await self._do(step)
        except _EndOfCall as end:
            self.problem = f"{where}: {end}" if str(end) else ""
        by = "other side" if self._call.ended.is_set() else "caller"
        self.ended_s = time.monotonic()
        self._tell(CallerEventKind.HUNG_UP, by)

    def report_heard(self) -> None:
        """Pass on what the line has noticed meanwhile."""
        while True:
            try:
                heard = self._noticed.get_nowait()
            except Empty:
                return
            self._keep(CallerEvent(heard.at_s, _HEARD[heard.sound]))

    @singledispatchmethod
    async def _do(self, step: object) -> None:
        raise NotImplementedError(type(step))

    @_do.register
    async def _(self, step: Wait) -> None:
        ear = self._line.ear
        if step.what is Awaited.HANGUP:
            try:
                await self._until(lambda: False, step.timeout_s, "the other side did not hang up")
            except _EndOfCall:
                if self._call.ended.is_set():
                    return
                raise
        elif step.what is Awaited.AGENT_STARTS:
            await self._until(self._new_turn, step.timeout_s, "the agent did not speak")
        elif step.what is Awaited.AGENT_DONE:
            await self._until(
                lambda: self._new_turn() and not ear.agent_speaks, step.timeout_s, "the agent did not finish"
            )
        else:
            await self._until(lambda: ear.human_answered, step.timeout_s, "no human answered")

    @_do.register
    async def _(self, step: Say) -> None:
        if step.interrupt_after_ms is not None:
            await self._wait_to_interrupt(step.interrupt_after_ms / 1000)
        self._tell(CallerEventKind.SAYS, step.text)
        pcm = self._speech[step.text]
        self._line.say(pcm)
        await self._until(
            lambda: not self._line.speaking, len(pcm) / self._line.wire.spoken.rate_hz + 5, "it went silent"
        )
        self._acted()
        self._tell(CallerEventKind.SAID, step.text)

    @_do.register
    async def _(self, step: Press) -> None:
        await self._call.press(step.digits, duration_ms=_DIGIT_MS, between_ms=_BETWEEN_DIGITS_MS)
        self._acted()
        self._tell(CallerEventKind.PRESSED, step.digits)

    @_do.register
    async def _(self, step: Pause) -> None:
        until_s = time.monotonic() + step.duration_ms / 1000
        await self._until(lambda: time.monotonic() >= until_s, step.duration_ms / 1000 + 5, "")

    @_do.register
    async def _(self, _step: Hangup) -> None:
        raise _EndOfCall

    async def _wait_to_interrupt(self, after_s: float) -> None:
        ear = self._line.ear
        await self._until(
            lambda: self._new_turn() and ear.agent_speaks, 20.0, "there was no turn to interrupt"
        )
        speak_at_s = ear.turn_started_s + after_s
        await self._until(
            lambda: time.monotonic() >= speak_at_s or not ear.agent_speaks, after_s + 5, "the clock stopped"
        )
        if not ear.audible(time.monotonic()):
            raise _EndOfCall("the agent's turn was over before it could be interrupted")

    def _new_turn(self) -> bool:
        return self._line.ear.turns_started > self._turns_before

    def _acted(self) -> None:
        self._line.caller_acted()
        self._turns_before = self._line.ear.turns_started

    async def _until(self, reached: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
        deadline_s = time.monotonic() + timeout_s
        while True:
            self.report_heard()
            if reached():
                return
            if self._call.ended.is_set():
                raise _EndOfCall(f"the call ended ({self._call.hangup_cause or 'no cause given'})")
            if time.monotonic() >= deadline_s:
                raise _EndOfCall(f"{otherwise} within {timeout_s:g} s")
            await asyncio.sleep(_LOOK_S)

    def _tell(self, kind: CallerEventKind, text: str = "") -> None:
        self._keep(CallerEvent(time.monotonic(), kind, text))

    def _keep(self, event: CallerEvent) -> None:
        self.events.append(event)
        if self._on_event is not None:
            self._on_event(event)
