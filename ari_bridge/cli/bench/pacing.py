"""`ari-bridge bench pacing`: outgoing lateness while the bridge process does nothing for the audio.

The bridge process, this one, is blocked for BLOCK_S again and again, each time by another kind of thing that
happens in one: a call into C that holds the interpreter lock, a busy loop, a big JSON. The agents' audio is
queued beforehand, as a sentence is.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ari_bridge.cli.bench import report
from ari_bridge.cli.bench.figures import Spread, Window, lateness_s
from ari_bridge.cli.bench.rows_engine import RowsEngine
from ari_bridge.cli.bench.run import Order, running
from ari_bridge.cli.bench.schedule import Impairment
from ari_bridge.cli.terminal import Progress
from ari_bridge.core.clock import monotonic_s

BLOCK_S = 0.3
_ROUNDS = 5
_REST_S = 0.3
_DELAY_MS = 40


def _sleep() -> None:
    """In C, without letting go of the interpreter lock (PyDLL does not)."""
    ctypes.PyDLL(None).usleep(round(BLOCK_S * 1e6))


def _busy() -> None:
    until_s = monotonic_s() + BLOCK_S
    while monotonic_s() < until_s:
        pass


def _json() -> None:
    until_s = monotonic_s() + BLOCK_S
    while monotonic_s() < until_s:
        json.loads(json.dumps(list(range(200_000))))


KINDS: dict[str, Callable[[], None]] = {"sleep": _sleep, "busy loop": _busy, "big JSON": _json}


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    window: Window


def run(arguments: argparse.Namespace) -> int:
    """Raises AriBridgeError."""
    report.check(arguments.json)
    progress = Progress(sys.stdout)
    seconds = len(KINDS) * _ROUNDS * (BLOCK_S + _REST_S) + 1.0
    order = Order(arguments.calls, seconds, Impairment(), _DELAY_MS)
    found = asyncio.run(_measure(order, progress))
    progress.end()
    heading = ("bridge process", "worst lateness of a packet")
    print(report.table([heading, *((kind, f"{times.max:.2f} ms") for kind, times in found.items())]))
    report.write(
        arguments.json,
        {
            "calls": order.calls,
            "block_s": BLOCK_S,
            "late_ms": {kind: times.to_dict() for kind, times in found.items()},
        },
    )
    return 0


async def _measure(order: Order, progress: Progress) -> dict[str, Spread]:
    show = report.bar(progress, f"{order.calls} calls, bridge process blocked for {BLOCK_S} s")
    blocks: list[Block] = []
    async with running(RowsEngine(), order) as live:
        await asyncio.sleep(max(0.0, live.window.start_s - monotonic_s()))
        for number in range(_ROUNDS):
            for kind, block in KINDS.items():
                await asyncio.sleep(_REST_S)
                began_s = monotonic_s()
                block()
                blocks.append(Block(kind, Window(began_s, monotonic_s())))
            show((number + 1) / _ROUNDS)
        await live.load.wait()
    when_s, late_s = lateness_s(live.ledger.heard_s, live.window)
    blocked = np.zeros(len(when_s), dtype=np.bool_)
    found: dict[str, Spread] = {}
    for kind in KINDS:
        inside = np.zeros(len(when_s), dtype=np.bool_)
        for window in (block.window for block in blocks if block.kind == kind):
            inside |= (when_s >= window.start_s) & (when_s < window.end_s)
        found[kind] = Spread.of(late_s[inside])
        blocked |= inside
    return {"free": Spread.of(late_s[~blocked]), **found}
