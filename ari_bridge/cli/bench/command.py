"""The subcommand itself: `ari-bridge bench media`, `bench pacing`, `bench providers` and `bench trace`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeVar

from ari_bridge.cli.bench import media, pacing, providers
from ari_bridge.cli.bench.traces import command as traces
from ari_bridge.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(title="measurements", metavar="WHAT", required=True)
    cost = kinds.add_parser("media", help="CPU, memory, loss, latency and pacing of N calls")
    cost.add_argument("--calls", type=_count, default=100, metavar="N", help="default: %(default)s")
    cost.add_argument("--seconds", type=_seconds, default=10.0, metavar="S", help="default: %(default)s")
    cost.add_argument(
        "--impair", default="", metavar="loss=5,jitter=30", help="lose PERCENT, delay by MS on average"
    )
    cost.add_argument(
        "--engine", choices=sorted(media.ENGINES), default="rows", help="simple: the asyncio baseline"
    )
    cost.add_argument(
        "--delay-ms", type=_delay, default=40, help="the jitter buffer's (default: %(default)s)"
    )
    cost.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    cost.set_defaults(measure=media.run)
    late = kinds.add_parser("pacing", help="how late audio leaves while the bridge process is blocked")
    late.add_argument("--calls", type=_count, default=100, metavar="N", help="default: %(default)s")
    late.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    late.set_defaults(measure=pacing.run)
    clients = kinds.add_parser("providers", help="what clients of speech vendors cost and hold up")
    clients.add_argument("--streams", type=_count, default=100, metavar="N", help="default: %(default)s")
    clients.add_argument("--seconds", type=_seconds, default=10.0, metavar="S", help="default: %(default)s")
    clients.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    clients.set_defaults(measure=providers.run)
    again = kinds.add_parser("trace", help="what the jitter buffer makes of recorded packets (CSV, pcap)")
    traces.arguments(again)
    again.set_defaults(measure=traces.run)


def _count(text: str) -> int:
    return _within(int(text), 1, 4096)


def _delay(text: str) -> int:
    return _within(int(text), 20, 200)


def _seconds(text: str) -> float:
    return _within(float(text), 1.0, 150.0)


Number = TypeVar("Number", int, float)


def _within(value: Number, low: Number, high: Number) -> Number:
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{value} is not between {low} and {high}")
    return value


def _run(arguments: argparse.Namespace) -> int:
    code: int = arguments.measure(arguments)
    return code


COMMAND = Command(
    name="bench",
    summary="measure what calls cost and how late their audio is, and what becomes of recorded packets",
    arguments=_arguments,
    run=_run,
    epilog="Linux only. The engine has a core for itself where there are two; where permitted, all run with\n"
    "SCHED_FIFO, so that other programs are not measured with them.",
)
