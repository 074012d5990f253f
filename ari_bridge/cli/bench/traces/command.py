"""`ari-bridge bench trace [FILE ...]`: what the jitter buffer makes of recorded packets."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ari_bridge.cli.bench import report
from ari_bridge.cli.bench.traces import paths
from ari_bridge.cli.bench.traces.pcap import is_capture, read_pcap
from ari_bridge.cli.bench.traces.picture import draw
from ari_bridge.cli.bench.traces.replay import Heard, replay
from ari_bridge.cli.bench.traces.trace import Trace, read_csv, write_csv
from ari_bridge.cli.terminal import Progress
from ari_bridge.core.errors import SettingsError
from ari_bridge.media.delay import DelayRange

BUFFERS = {
    "adaptive": DelayRange(0.04, 0.02, 0.2),
    "fixed 60 ms": DelayRange.fixed(0.06),
    "fixed 100 ms": DelayRange.fixed(0.1),
}
"""The first is the product's as it comes (settings.py)."""
_COLUMNS = ("trace", "buffer", "lost", "late", "mean", "p95 delay", "concealed", "MOS")
_HEADING = "  {:<16} {:<13} {:>6} {:>7} {:>6} {:>10} {:>11} {:>5}".format(*_COLUMNS)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="CSV or pcap; none: made-up paths"
    )
    parser.add_argument("--svg", type=Path, metavar="DIR", help="a picture of each trace there")
    parser.add_argument("--save", type=Path, metavar="DIR", help="each trace as CSV there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")


def run(order: argparse.Namespace) -> int:
    """Raises AriBridgeError."""
    report.check(order.json)
    traces = [read(path) for path in order.files] or [paths.made_up(name) for name in paths.PATHS]
    progress = Progress(sys.stdout)
    show = report.bar(progress, "replaying")
    runs: list[tuple[Trace, dict[str, Heard]]] = []
    for one in traces:
        heard = {}
        for name, allowed in BUFFERS.items():
            heard[name] = replay(one, allowed)
            show((len(runs) + len(heard) / len(BUFFERS)) / len(traces))
        runs.append((one, heard))
    progress.end()
    print(_HEADING)
    for one, heard in runs:
        print("\n".join(_line(one, name, each) for name, each in heard.items()))
        _write(order.svg, f"{one.name}.svg", draw(one, heard))
        if order.save is not None:
            _write(order.save, f"{one.name}.csv", "")
            write_csv(order.save / f"{one.name}.csv", one)
    report.write(
        order.json,
        {"traces": {one.name: {name: _figures(each) for name, each in heard.items()} for one, heard in runs}},
    )
    return 0


def read(path: Path) -> Trace:
    """Of either kind, by its first bytes. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    return read_pcap(path) if is_capture(head) else read_csv(path)


def _line(one: Trace, name: str, heard: Heard) -> str:
    return (
        f"  {one.name[:16]:<16} {name:<13} {heard.lost:6.1%} {heard.late:7.2%} {heard.mean_delay_ms:6.0f} "
        f"{heard.p95_delay_ms:7.0f} ms {heard.concealed_s * 1000:8.0f} ms {heard.mos:5.2f}"
    )


def _figures(heard: Heard) -> dict[str, float]:
    return {
        "packets": heard.packets,
        "lost": round(heard.lost, 5),
        "late": round(heard.late, 5),
        "mean_delay_ms": round(heard.mean_delay_ms, 1),
        "p95_delay_ms": round(heard.p95_delay_ms, 1),
        "concealed_ms": round(heard.concealed_s * 1000),
        "seconds": round(heard.seconds, 2),
        "mos": round(heard.mos, 2),
    }


def _write(folder: Path | None, name: str, content: str) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {folder / name}: {error.strerror}") from None
