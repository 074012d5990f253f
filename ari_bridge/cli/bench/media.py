"""`ari-bridge bench media`: N calls for S seconds, both ways."""

from __future__ import annotations

import argparse
import asyncio
import sys

from ari_bridge.cli.bench import report
from ari_bridge.cli.bench.engine import Engine, ScriptEngine
from ari_bridge.cli.bench.figures import Spread
from ari_bridge.cli.bench.rows_engine import RowsEngine
from ari_bridge.cli.bench.run import Order, Outcome, measure
from ari_bridge.cli.bench.schedule import Impairment
from ari_bridge.cli.terminal import Progress

ENGINES: dict[str, type[RowsEngine] | type[ScriptEngine]] = {"rows": RowsEngine, "simple": ScriptEngine}


def run(arguments: argparse.Namespace) -> int:
    """Raises AriBridgeError."""
    report.check(arguments.json)
    order = Order(arguments.calls, arguments.seconds, Impairment.parse(arguments.impair), arguments.delay_ms)
    engine: Engine = ENGINES[arguments.engine]()
    progress = Progress(sys.stdout)
    what = f"{engine.name}: {order.calls} calls for {order.seconds:.0f} s"
    outcome = asyncio.run(measure(engine, order, report.bar(progress, what)))
    progress.end()
    print(_table(outcome))
    report.write(arguments.json, outcome.to_dict())
    return 0


def _table(outcome: Outcome) -> str:
    figures = outcome.figures
    rows = [
        ("CPU", f"{outcome.cpu_us_per_call_second:.0f} µs per call-second"),
        ("", f"{outcome.cpu_us_per_call_second * outcome.calls / 1e4:.1f} % of a core"),
        ("memory", f"{outcome.kb_per_call:.0f} kB per call"),
        ("frames sent", str(figures.sent)),
        ("lost", str(figures.lost)),
        ("back with no frame's audio", str(figures.damaged)),
        ("back at another call", str(figures.foreign)),
        ("added to the delay", _spread(figures.added)),
        ("... on the way in", _spread(figures.inbound)),
        ("pacing", _spread(figures.pacing)),
        ("load process late", _spread(figures.load_late)),
    ]
    if figures.reader_late:
        rows.insert(5, ("read too late by the bench", str(figures.reader_late)))
    return report.table(rows)


def _spread(times: Spread) -> str:
    if times.p50 != times.p50:  # NaN: there were none
        return "-"
    return f"p50 {times.p50:7.2f}   p99 {times.p99:7.2f}   max {times.max:7.2f} ms"
