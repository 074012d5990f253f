"""CPU per call against the number of calls, as plain SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 860, 430
LEFT, RIGHT, TOP, BOTTOM = 80, 150, 80, 62
NAMES = {"rows": "ari_bridge", "simple": "asyncio, a socket a call"}

STYLE = """
text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2328}
.h{font-size:19px;font-weight:600}.m{fill:#636c76}.e{text-anchor:end}.c{text-anchor:middle}
.bg{fill:#fff;stroke:#d1d9e0}.ax{stroke:#d1d9e0;stroke-width:1}
.l{fill:none;stroke-width:2.2;stroke-linejoin:round}.rows{stroke:#0969da}.simple{stroke:#9a6700}
.rows-f{fill:#0969da}.simple-f{fill:#9a6700}.b{font-weight:600}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.m{fill:#9198a1}.bg{fill:#0d1117;stroke:#30363d}.ax{stroke:#30363d}
.rows{stroke:#58a6ff}.simple{stroke:#d29922}.rows-f{fill:#58a6ff}.simple-f{fill:#d29922}}
"""


@dataclass(frozen=True, slots=True)
class Point:
    calls: int
    median: float
    """µs per call-second; with the lowest and the highest of the repeats."""
    low: float
    high: float


def draw(lines: dict[str, list[Point]], machine: str) -> str:
    points = [point for line in lines.values() for point in line]
    most = max(point.calls for point in points)
    step = _step(max(point.high for point in points))
    top = step * math.ceil(max(point.high for point in points) / step)

    def x(calls: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * calls / most

    def y(cost: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * cost / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="CPU per call against the number of calls">',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>',
        '<text class="h" x="22" y="36">What a call costs</text>',
        '<text class="m" x="22" y="58">CPU time of the media engine, µs per second of one call; median of '
        "the repeats, bars from lowest to highest</text>",
    ]
    for cost in range(0, top + 1, step):
        parts.append(f'<path class="ax" d="M{LEFT} {y(cost):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="m e" x="{LEFT - 10}" y="{y(cost) + 4:.1f}">{cost}</text>')
    parts += [
        f'<text class="m c" x="{x(calls):.1f}" y="{HEIGHT - BOTTOM + 20}">{calls}</text>'
        for calls in sorted({0, *(point.calls for point in points if point.calls * 10 >= most)})
    ]
    parts.append(f'<text class="m c" x="{x(most / 2):.1f}" y="{HEIGHT - BOTTOM + 42}">calls at once</text>')
    parts.append(f'<text class="m e" x="{WIDTH - 22}" y="36">{machine}</text>')
    for name, line in lines.items():
        if line:
            path = "L".join(f"{x(point.calls):.1f} {y(point.median):.1f}" for point in line)
            parts.append(f'<path class="l {name}" d="M{path}"/>')
        for point in line:
            at = x(point.calls)
            parts.append(f'<path class="l {name}" d="M{at:.1f} {y(point.low):.1f}V{y(point.high):.1f}"/>')
            parts.append(f'<circle class="{name}-f" cx="{at:.1f}" cy="{y(point.median):.1f}" r="3.5"/>')
        if line:
            end = line[-1]
            at = f'x="{x(end.calls) + 12:.1f}"'
            parts.append(f'<text class="b" {at} y="{y(end.median) - 4:.1f}">{NAMES[name]}</text>')
            parts.append(f'<text class="m" {at} y="{y(end.median) + 12:.1f}">{end.median:.0f} µs</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def _step(highest: float) -> int:
    """Of the grid: 1, 2 or 5 times a power of ten, for four to nine lines."""
    power = 10 ** int(math.log10(highest))
    return next(int(power * share) for share in (0.1, 0.2, 0.5, 1) if highest / (power * share) < 9)
