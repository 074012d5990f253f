"""Drives a sans-IO core: one event after the other, from whatever task, each with all its commands.

So no decision is ever based on half of another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from ari_bridge.conversation.line.alarm import Alarm
from ari_bridge.core.clock import Clock

E = TypeVar("E")
C = TypeVar("C")
EventIn = TypeVar("EventIn", contravariant=True)
CommandOut = TypeVar("CommandOut", covariant=True)


class Core(Protocol[EventIn, CommandOut]):
    def handle(self, event: EventIn, now: float) -> Sequence[CommandOut]:
        """What is to be done about it, in order."""
        ...

    def next_timer(self) -> float | None:
        """When the timer's event is to be handled next; it may change with every event."""
        ...


class Turnstile(Generic[E, C]):
    def __init__(
        self,
        core: Core[E, C],
        carry_out: Callable[[C], None],
        clock: Clock,
        *,
        timer_due: E,
        is_over: Callable[[], bool],
        settled: Callable[[], None],
    ) -> None:
        """`timer_due`: the event of next_timer(). `is_over`: then events are dropped. `settled`: called
        whenever all that came so far has been dealt with."""
        self._core, self._carry_out = core, carry_out
        self._clock = clock
        self._is_over, self._settled = is_over, settled
        self._inbox: deque[E] = deque()
        self._is_busy = False
        self._alarm = Alarm(clock, lambda: self.handle(timer_due))

    async def run(self) -> None:
        """Keep the time, until cancelled."""
        await self._alarm.run()

    def begin(self, commands: Iterable[C]) -> None:
        """The core's first commands, of its own accord."""
        self._is_busy = True
        self._carry_out_all(commands)
        self._handle_all()

    def handle(self, event: E) -> None:
        """Give the core an event, and carry out what it says; an event that comes while a command is carried
        out is taken after all that were there before it."""
        self._inbox.append(event)
        if not self._is_busy:
            self._handle_all()

    def _handle_all(self) -> None:
        self._is_busy = True
        while self._inbox and not self._is_over():
            self._carry_out_all(self._core.handle(self._inbox.popleft(), self._clock()))
        self._is_busy = False
        self._settled()
        self._alarm.set(self._core.next_timer())

    def _carry_out_all(self, commands: Iterable[C]) -> None:
        for command in commands:
            self._carry_out(command)
