"""One event after the other, each with all its commands, and the timer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ari_bridge.conversation.line import Turnstile
from ari_bridge.core.clock import Clock
from ari_bridge.scenario.virtual_time import run


class Echo:
    """A core whose commands are its events; "twice" asks for a second one, "in 5" for the timer."""

    def __init__(self) -> None:
        self.due_s: float | None = None

    def handle(self, event: str, now: float) -> Sequence[str]:
        self.due_s = now + 5 if event == "in 5" else None
        return [f"{event} 1", f"{event} 2"]

    def next_timer(self) -> float | None:
        return self.due_s


class Bench:
    def __init__(self, over_at: str = "", clock: Clock = lambda: 0.0) -> None:
        self.done: list[str] = []
        self.settled: list[int] = []
        self.is_over = False
        self._over_at = over_at
        self.turnstile: Turnstile[str, str] = Turnstile(
            Echo(),
            self.carry_out,
            clock,
            timer_due="timer",
            is_over=lambda: self.is_over,
            settled=lambda: self.settled.append(len(self.done)),
        )

    def carry_out(self, command: str) -> None:
        self.done.append(command)
        self.is_over |= command == self._over_at
        if command == "nested 1":
            self.turnstile.handle("inner")


def test_an_event_that_a_command_brings_waits_for_the_other_commands() -> None:
    bench = Bench()
    bench.turnstile.handle("nested")
    assert bench.done == ["nested 1", "nested 2", "inner 1", "inner 2"]
    assert bench.settled == [4]  # once, when all is dealt with


def test_so_does_one_that_the_first_commands_bring() -> None:
    bench = Bench()
    bench.turnstile.begin(["nested 1", "greet"])
    assert bench.done == ["nested 1", "greet", "inner 1", "inner 2"]


def test_what_comes_after_the_end_is_dropped() -> None:
    bench = Bench(over_at="a 1")
    bench.turnstile.handle("a")
    bench.turnstile.handle("b")
    assert bench.done == ["a 1", "a 2"]


def test_the_timer_rings_when_the_core_wants_it_and_not_otherwise() -> None:
    async def main() -> tuple[list[str], list[str]]:
        bench = Bench(clock=asyncio.get_running_loop().time)
        keeping_time = asyncio.create_task(bench.turnstile.run())
        bench.turnstile.handle("in 5")
        await asyncio.sleep(4.9)
        before = list(bench.done)
        await asyncio.sleep(60)
        keeping_time.cancel()
        await asyncio.wait([keeping_time])
        return before, bench.done

    before, after = run(main())
    assert before == ["in 5 1", "in 5 2"]
    assert after == [*before, "timer 1", "timer 2"]
