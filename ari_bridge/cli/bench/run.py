"""One run: load, engine and ledger put together, for as long as asked."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench import machine
from ari_bridge.cli.bench.engine import Engine, child
from ari_bridge.cli.bench.figures import Figures, Window, figures
from ari_bridge.cli.bench.ledger import Ledger, size
from ari_bridge.cli.bench.load import Start
from ari_bridge.cli.bench.schedule import Impairment, frames_in, plan
from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.errors import MediaError
from ari_bridge.media.shared import create_memory

WARM_S = 2.0
_LEAD_S = 0.5
_SEED = 1


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be measured."""

    calls: int
    seconds: float
    """Of the measurement, after WARM_S."""
    impairment: Impairment
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    engine: str
    calls: int
    seconds: float
    cpu_us_per_call_second: float
    load_cpu: float
    """Share of a core that the load process took."""
    kb_per_call: float
    """Private memory of the engine's process."""
    shared_kb_per_call: float
    """PCM rings, shared with the bridge process."""
    figures: Figures

    def to_dict(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "calls": self.calls,
            "seconds": self.seconds,
            "cpu_us_per_call_second": self.cpu_us_per_call_second,
            "kb_per_call": self.kb_per_call,
            "shared_kb_per_call": self.shared_kb_per_call,
            "load_cpu": self.load_cpu,
            **self.figures.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Live:
    """A run that is going on."""

    ledger: Ledger
    window: Window
    engine_pid: int
    load: asyncio.subprocess.Process
    empty_kb: int
    due_s: NDArray[np.float64]
    """When each frame of each call is to leave; NaN: never."""


@asynccontextmanager
async def running(engine: Engine, order: Order) -> AsyncIterator[Live]:
    """Load and engine, each on its core, from before the warm-up until the block ends."""
    machine.require_linux()
    frame_count = frames_in(WARM_S + order.seconds)
    fd = create_memory(size(order.calls, frame_count))
    affinity = os.sched_getaffinity(0)
    machine.prefer(0)  # inherited by the load process
    try:
        ledger = Ledger(fd, order.calls, frame_count)
        ledger.clear()
        start = Start(order.calls, frame_count, fd, order.impairment.loss, order.impairment.jitter_s, _SEED)
        cores = machine.choose_cores()
        if cores is not None:
            cores.pin_others(0)
        async with child("-m", "ari_bridge.cli.bench.load", start.text(), pass_fds=(fd,)) as load:
            assert load.stdin is not None
            assert load.stdout is not None
            callers = json.loads(await load.stdout.readline() or "[]")
            if not callers:
                raise MediaError(f"bench: the load process could not open {order.calls} sockets")
            async with engine.running(callers, order.delay_ms, ledger) as answering:
                if cores is not None:
                    cores.pin_engine(answering.pid)
                start_s = monotonic_s() + _LEAD_S
                load.stdin.write(json.dumps([start_s, answering.ports]).encode() + b"\n")
                schedule = plan(order.calls, frame_count, order.impairment, np.random.default_rng(_SEED))
                due_s = np.full((order.calls, frame_count), np.nan)
                due_s[schedule.call, schedule.frame] = start_s + schedule.due_s
                window = Window(start_s + WARM_S, start_s + WARM_S + order.seconds)
                yield Live(ledger, window, answering.pid, load, answering.empty_kb, due_s)
    finally:
        os.sched_setaffinity(0, affinity)
        machine.prefer_no_more()
        os.close(fd)


async def measure(engine: Engine, order: Order, progress: Callable[[float], None]) -> Outcome:
    """`progress` is told the share that is done. Raises AriBridgeError."""
    async with running(engine, order) as live:
        await _until(live.window.start_s)
        cpu_s, load_s, at_s = machine.cpu_s(live.engine_pid), machine.cpu_s(live.load.pid), monotonic_s()
        while (left_s := live.window.end_s - monotonic_s()) > 0:
            progress(1 - left_s / order.seconds)
            await asyncio.sleep(min(0.25, left_s))
        took_s = monotonic_s() - at_s
        cpu_s = machine.cpu_s(live.engine_pid) - cpu_s
        load_s = machine.cpu_s(live.load.pid) - load_s
        private_kb, shared_kb = machine.private_kb(live.engine_pid), machine.shared_kb(live.engine_pid)
        progress(1.0)
        await live.load.wait()
    return Outcome(
        engine=engine.name,
        calls=order.calls,
        seconds=order.seconds,
        cpu_us_per_call_second=round(cpu_s / took_s / order.calls * 1e6, 1),
        load_cpu=round(load_s / took_s, 3),
        kb_per_call=round((private_kb - live.empty_kb) / order.calls, 1),
        shared_kb_per_call=round(shared_kb / order.calls, 1),
        figures=figures(
            live.ledger, live.due_s, live.window, delay_s=order.delay_ms / 1000, echo_s=engine.echo_s
        ),
    )


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - monotonic_s()))
