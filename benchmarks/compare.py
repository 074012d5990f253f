"""`make bench`: the product's engine and the baseline in turn, over several numbers of calls, and a picture.

    python benchmarks/compare.py [--dir build/bench] [--calls 100,500,1000] [--seconds 8] [--repeats 3]

Each point is a run of `ari-bridge bench media` of its own; engines take turns, so that a slow minute of the
machine hits both. The figure of a point is the median of its repeats. The baseline is left out above the
number of calls at which it lost more than 1 % of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from chart import Point, draw

ENGINES = ("rows", "simple")
LOST_TOO_MUCH = 0.01


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=Path("build/bench"))
    parser.add_argument("--calls", default="100,250,500,1000,1500,2000")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    arguments.dir.mkdir(parents=True, exist_ok=True)
    runs: list[dict[str, Any]] = []
    given_up = set()
    for calls in map(int, arguments.calls.split(",")):
        for repeat in range(arguments.repeats):
            for engine in ENGINES:
                if engine not in given_up:
                    target = arguments.dir / f"{engine}-{calls}-{repeat + 1}.json"
                    runs.append(measure(engine, calls, arguments.seconds, target))
        for engine in ENGINES:
            own = [run for run in runs if run["engine"] == engine and run["calls"] == calls]
            if own and statistics.median(run["lost"] / run["sent"] for run in own) > LOST_TOO_MUCH:
                given_up.add(engine)
    points = [
        summary(engine, calls, [run for run in runs if run["engine"] == engine and run["calls"] == calls])
        for engine in ENGINES
        for calls in sorted({run["calls"] for run in runs if run["engine"] == engine})
    ]
    machine = runs[-1]["machine"]
    (arguments.dir / "bench.json").write_text(json.dumps({"machine": machine, "points": points}, indent=2))
    (arguments.dir / "table.md").write_text(table(points))
    (arguments.dir / "cpu.svg").write_text(
        draw(
            {
                engine: [
                    Point(point["calls"], *point["cpu_us_per_call_second"])
                    for point in points
                    if point["engine"] == engine and point["lost"][0] <= LOST_TOO_MUCH * point["sent"]
                ]
                for engine in ENGINES
            },
            f"{machine['cpu']}, Python {machine['python']}, numpy {machine['numpy']}",
        )
    )
    print((arguments.dir / "table.md").read_text())
    return 0


def measure(engine: str, calls: int, seconds: float, target: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "ari_bridge.cli.main", "bench", "media"]
    command += ["--engine", engine, "--calls", str(calls), "--seconds", str(seconds), "--json", str(target)]
    subprocess.run(command, check=True)
    figures: dict[str, Any] = json.loads(target.read_text("utf-8"))
    return figures


def summary(engine: str, calls: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each figure [median, lowest, highest] over the repeats."""

    def over(*path: str) -> list[float]:
        values = []
        for run in runs:
            value: Any = run
            for key in path:
                value = value[key]
            values.append(value)
        return [statistics.median(values), min(values), max(values)]

    return {
        "engine": engine,
        "calls": calls,
        "repeats": len(runs),
        "sent": runs[0]["sent"],
        "cpu_us_per_call_second": over("cpu_us_per_call_second"),
        "lost": over("lost"),
        "added_p50_ms": over("added_ms", "p50"),
        "added_p99_ms": over("added_ms", "p99"),
        "pacing_p99_ms": over("pacing_ms", "p99"),
        "pacing_max_ms": over("pacing_ms", "max"),
        "kb_per_call": over("kb_per_call"),
    }


def table(points: list[dict[str, Any]]) -> str:
    heading = ("engine", "calls", "CPU µs per call-second", "of a core", "lost", "added p50 / p99 ms")
    heading += ("pacing p99 ms", "kB a call")
    lines = ["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|"]
    for point in points:
        median, low, high = point["cpu_us_per_call_second"]
        cells = (
            point["engine"],
            str(point["calls"]),
            f"**{median:.0f}** ({low:.0f}-{high:.0f})",
            f"{median * point['calls'] / 1e4:.1f} %",
            f"{point['lost'][0]:.0f} of {point['sent']}",
            f"{point['added_p50_ms'][0]:.1f} / {point['added_p99_ms'][0]:.1f}",
            "{:.2f} ({:.2f}-{:.2f})".format(*point["pacing_p99_ms"]),
            f"{point['kb_per_call'][0]:.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
