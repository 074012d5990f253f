"""Plays a scenario's steps on whatever line and telephone it is given: in a real call, or in virtual time.

All times are those of the event loop's clock, which is CLOCK_MONOTONIC in a real call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import singledispatchmethod
from queue import Empty, SimpleQueue
from typing import Protocol

from ari_bridge.core.audio import Pcm16
from ari_bridge.sandbox.ear import Ear, Noticed, Sound
from ari_bridge.sandbox.scenario import (
    Awaited,
    Hangup,
    Hold,
    MakeNoise,
    Pause,
    Press,
    Say,
    Scenario,
    Step,
    Wait,
)
from ari_bridge.sandbox.sounds import noise

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
    MAKES_NOISE = "makes noise"
    """text: the sound"""
    HOLDS = "holds"
    IS_BACK = "is back"
    HUMAN_ANSWERED = "human answered"
    HUNG_UP = "hung up"
    """text: "caller" or "other side"."""


@dataclass(frozen=True, slots=True)
class CallerEvent:
    at_s: float
    """Monotonic: when it happened on the line."""
    kind: CallerEventKind
    text: str = ""


class CallerLine(Protocol):
    """Where the caller speaks and listens."""

    ear: Ear

    @property
    def spoken_rate_hz(self) -> int: ...

    def say(self, pcm: Pcm16) -> None:
        """From the next packet on, after what is being said."""
        ...

    def add_noise(self, pcm: Pcm16) -> None:
        """From the next packet on, under what is being said."""
        ...

    @property
    def speaking(self) -> bool: ...

    def caller_acted(self) -> None:
        """Tell the ear; see Ear.caller_spoke."""
        ...


class Telephone(Protocol):
    """What the caller's call is controlled by."""

    hangup_cause: str
    ended: asyncio.Event

    async def press(self, digits: str, *, duration_ms: int, between_ms: int) -> None: ...

    async def hold(self) -> None:
        """Raises SandboxError where that cannot be done."""
        ...

    async def unhold(self) -> None: ...


_HEARD = {
    Sound.AGENT_STARTED: CallerEventKind.AGENT_STARTED,
    Sound.AGENT_STOPPED: CallerEventKind.AGENT_STOPPED,
    Sound.HUMAN_ANSWERED: CallerEventKind.HUMAN_ANSWERED,
}


class EndOfCall(Exception):
    """The rest of the scenario cannot be played; the text says why ("" when it need not be)."""


class Player:
    """Plays the steps of one call that is up."""

    def __init__(
        self,
        telephone: Telephone,
        line: CallerLine,
        speech: Mapping[str, Pcm16],
        noticed: SimpleQueue[Noticed],
        on_event: Callable[[CallerEvent], None] | None = None,
    ) -> None:
        """`speech`: what each of the scenario's texts sounds like, at the line's spoken rate. `noticed`:
        where the line puts what the ear notices."""
        self._telephone = telephone
        self._line = line
        self._speech = speech
        self._noticed = noticed
        self._on_event = on_event
        self._clock = asyncio.get_running_loop().time
        self._turns_before = 0
        """Turns that the agent had begun when the caller last did something that it is to react to."""
        self._last_sound_s = 0.0
        """When the caller's latest backchannel or noise ended."""
        self.events: list[CallerEvent] = []
        self.problem = ""

    async def play(self, scenario: Scenario) -> None:
        """To its end, or until it cannot go on: then `problem` says why."""
        where = ""
        try:
            for number, step in enumerate(scenario.steps, 1):
                where = f"step {number}"
                await self._do(step)
        except EndOfCall as end:
            self.problem = f"{where}: {end}" if str(end) else ""

    def report_heard(self) -> None:
        """Pass on what the line has noticed meanwhile."""
        while True:
            try:
                heard = self._noticed.get_nowait()
            except Empty:
                return
            self._keep(CallerEvent(heard.at_s, _HEARD[heard.sound]))

    @singledispatchmethod
    async def _do(self, step: Step) -> None:
        raise NotImplementedError(type(step))

    @_do.register
    async def _(self, step: Wait) -> None:
        ear = self._line.ear
        if step.what is Awaited.HANGUP:
            try:
                await self._until(lambda: False, step.timeout_s, "the other side did not hang up")
            except EndOfCall:
                if self._telephone.ended.is_set():
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
        self.tell(CallerEventKind.SAYS, step.text)
        pcm = self._speech[step.text]
        self._line.say(pcm)
        await self._until(
            lambda: not self._line.speaking, len(pcm) / self._line.spoken_rate_hz + 5, "it went silent"
        )
        if step.backchannel:
            self._last_sound_s = self._clock()
        else:
            self._acted()
        self.tell(CallerEventKind.SAID, step.text)

    @_do.register
    async def _(self, step: MakeNoise) -> None:
        if step.interrupt_after_ms is not None:
            await self._wait_to_interrupt(step.interrupt_after_ms / 1000)
        self.tell(CallerEventKind.MAKES_NOISE, step.sound.value)
        self._line.add_noise(noise(step.sound, step.duration_ms, step.level_dbfs, self._line.spoken_rate_hz))
        if not step.in_background:
            await self._pass(step.duration_ms)
            self._last_sound_s = self._clock()

    @_do.register
    async def _(self, step: Press) -> None:
        await self._telephone.press(step.digits, duration_ms=_DIGIT_MS, between_ms=_BETWEEN_DIGITS_MS)
        self._acted()
        if self._line.ear.agent_speaks:
            self._turns_before -= 1  # a digit needs no end of turn: the answer to it has begun
        self.tell(CallerEventKind.PRESSED, step.digits)

    @_do.register
    async def _(self, step: Pause) -> None:
        await self._pass(step.duration_ms)

    @_do.register
    async def _(self, step: Hold) -> None:
        self.tell(CallerEventKind.HOLDS)
        await self._telephone.hold()
        await self._pass(step.duration_ms)
        await self._telephone.unhold()
        self._acted()
        self.tell(CallerEventKind.IS_BACK)

    @_do.register
    async def _(self, _step: Hangup) -> None:
        raise EndOfCall

    async def _wait_to_interrupt(self, after_s: float) -> None:
        ear = self._line.ear
        await self._until(
            lambda: self._new_turn() and ear.agent_speaks, 20.0, "there was no turn to interrupt"
        )
        speak_at_s = max(ear.turn_started_s, self._last_sound_s) + after_s
        await self._until(
            lambda: self._clock() >= speak_at_s or not ear.agent_speaks, after_s + 5, "the clock stopped"
        )
        if not ear.audible(self._clock()):
            raise EndOfCall("the agent's turn was over before it could be interrupted")

    async def _pass(self, duration_ms: float) -> None:
        until_s = self._clock() + duration_ms / 1000
        await self._until(lambda: self._clock() >= until_s, duration_ms / 1000 + 5, "the clock stopped")

    def _new_turn(self) -> bool:
        return self._line.ear.turns_started > self._turns_before

    def _acted(self) -> None:
        self._line.caller_acted()
        self._turns_before = self._line.ear.turns_started

    async def _until(self, reached: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
        deadline_s = self._clock() + timeout_s
        while True:
            self.report_heard()
            if reached():
                return
            if self._telephone.ended.is_set():
                raise EndOfCall(f"the call ended ({self._telephone.hangup_cause or 'no cause given'})")
            if self._clock() >= deadline_s:
                raise EndOfCall(f"{otherwise} within {timeout_s:g} s")
            await asyncio.sleep(_LOOK_S)

    def tell(self, kind: CallerEventKind, text: str = "") -> None:
        self._keep(CallerEvent(self._clock(), kind, text))

    def _keep(self, event: CallerEvent) -> None:
        self.events.append(event)
        if self._on_event is not None:
            self._on_event(event)
