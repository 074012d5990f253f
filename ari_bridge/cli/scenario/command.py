"""The subcommand itself: `ari-bridge scenario run DIR` and `ari-bridge scenario check DIR`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path

from ari_bridge.cli.command import Command
from ari_bridge.cli.scenario.live import play_live
from ari_bridge.cli.terminal import Colour, Lines, Progress, paint, wants_colour
from ari_bridge.core.errors import SettingsError
from ari_bridge.scenario import loading
from ari_bridge.scenario.rehearsal import Task, run_all, tasks
from ari_bridge.scenario.report import Report, Verdict, junit, text

SHIPPED = "shipped"
"""In DIR's place: the scenarios that come with ari_bridge."""
_COLOURS = {
    Verdict.PASSED: Colour.GREEN,
    Verdict.FAILED: Colour.RED,
    Verdict.BROKEN: Colour.RED,
    Verdict.SKIPPED: Colour.DIM,
}
FAILED = 1


def _arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(title="what to do", metavar="WHAT", required=True)
    run = kinds.add_parser("run", help="play scenarios, and say which went as they must")
    _where(run)
    run.add_argument("--parallel", type=_at_least_one, default=1, metavar="N", help="so many at a time")
    run.add_argument("--junit", type=Path, metavar="FILE", help="the results as JUnit XML, for CI")
    run.add_argument("--live", action="store_true", help="through a real Asterisk, in real time")
    run.add_argument(
        "--out",
        type=Path,
        default=Path("build/scenarios"),
        metavar="OUT",
        help="where calls that failed leave picture, sound and table (default: %(default)s)",
    )
    run.set_defaults(do=_play)
    check = kinds.add_parser("check", help="only read the files, and say what is wrong with them")
    _where(check)
    check.set_defaults(do=_check, out=Path())


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dir", metavar="DIR", help=f"scenarios (*.yaml) below it, or one file; {SHIPPED!r}: ours"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the agent's settings (default: DIR/ari_bridge.toml)"
    )


def _at_least_one(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return number


def _run(arguments: argparse.Namespace) -> int:
    if arguments.dir == SHIPPED and not Path(SHIPPED).exists():
        with as_file(files("ari_bridge.scenario") / SHIPPED) as place:
            return int(arguments.do(arguments, place))
    return int(arguments.do(arguments, Path(arguments.dir)))


def _check(arguments: argparse.Namespace, place: Path) -> int:
    wrong = 0
    for path in loading.find(place):
        try:
            loading.load(path)
        except SettingsError as error:
            wrong += 1
            print(error, file=sys.stderr)
    return FAILED if wrong else 0


def _play(arguments: argparse.Namespace, place: Path) -> int:
    logging.getLogger("ari_bridge").setLevel(logging.CRITICAL)
    chosen = tasks(place, arguments.config, arguments.out)
    began_s = time.monotonic()
    if arguments.live:
        progress = Progress(sys.stdout)
        reports = asyncio.run(play_live(chosen, arguments.parallel, progress, _Shown(len(chosen))))
    else:
        reports = _shown(chosen, run_all(chosen, arguments.parallel))
    print(_summary(reports, time.monotonic() - began_s), flush=True)
    if arguments.junit is not None:
        _write(arguments.junit, junit(sorted(reports, key=lambda report: report.name), place.name))
    return 0 if all(report.good for report in reports) else FAILED


def _shown(chosen: list[Task], reports: Iterable[Report]) -> list[Report]:
    show = _Shown(len(chosen))
    found = []
    for report in reports:
        show(report)
        found.append(report)
    return found


class _Shown:
    """Prints each report as it comes, with how many there are."""

    def __init__(self, total: int) -> None:
        self._lines = Lines(sys.stdout)
        self._colour = wants_colour(sys.stdout)
        self._total = total
        self._count = 0

    def __call__(self, report: Report) -> None:
        self._count += 1
        first, *rest = text(report).splitlines()
        verdict, colour = report.verdict.value, _COLOURS[report.verdict]
        first = first.replace(verdict, paint(verdict, colour, self._colour), 1)
        self._lines.write(f"[{self._count:{len(str(self._total))}}/{self._total}] {first}")
        for line in rest:
            self._lines.write(line)


def _summary(reports: list[Report], took_s: float) -> str:
    counts = [
        f"{sum(report.verdict is verdict for report in reports)} {verdict.value}"
        for verdict in Verdict
        if any(report.verdict is verdict for report in reports)
    ]
    calls_s = sum(report.call_s for report in reports)
    return f"{', '.join(counts)}: {calls_s:.0f} s of calls in {took_s:.1f} s"


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from None


COMMAND = Command(
    name="scenario",
    summary="rehearse an agent with synthetic callers, in virtual time or through a real Asterisk",
    arguments=_arguments,
    run=_run,
    epilog="docs/scenarios.md tells how to write them. Exit code 1: something was not as it must be.",
)
