"""A trace and what the buffers made of it, as plain SVG: when each packet came, and when it was played."""

from __future__ import annotations

import math
from html import escape

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench.traces.replay import Heard
from ari_bridge.cli.bench.traces.trace import Trace

WIDTH, HEIGHT = 900, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 70, 50
_MOST_DOTS = 6000
_BACK_S = 2.0
"""The delay is counted from the fastest packet of so long."""
COLOURS = ("a", "b", "c")

STYLE = """
text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2328}
.h{font-size:18px;font-weight:600}.m{fill:#636c76}.e{text-anchor:end}.n{text-anchor:middle}
.bg{fill:#fff;stroke:#d1d9e0}.ax{stroke:#d1d9e0}.dot{stroke:#8c959f;stroke-width:2;stroke-linecap:round}
.lost{stroke:#cf222e}.l{fill:none;stroke-width:1.8}.a{stroke:#0969da}.b{stroke:#9a6700}.c{stroke:#1a7f37}
.af{fill:#0969da}.bf{fill:#9a6700}.cf{fill:#1a7f37}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}.bg{fill:#0d1117;stroke:#30363d}
.ax{stroke:#30363d}.dot{stroke:#6e7681}.a{stroke:#58a6ff}.b{stroke:#d29922}.c{stroke:#3fb950}
.af{fill:#58a6ff}.bf{fill:#d29922}.cf{fill:#3fb950}}
"""


def draw(one: Trace, heard: dict[str, Heard]) -> str:
    """`heard` by the name of the buffer, up to three."""
    came = np.isfinite(one.arrived_s)
    at_s, transit_ms = one.arrived_s[came], one.transit_s[came] * 1000
    lines = {name: _waited_until_ms(one, run) for name, run in heard.items()}
    last_s = max(float(at_s.max()), 1e-3)
    highest = max(float(transit_ms.max()), *(float(np.nanmax(line)) for line in lines.values()))
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 5000, 50_000, 10**9) if highest / s < 9)
    top_ms = step * math.ceil(highest / step)

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / last_s

    def y(ms: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ms / top_ms

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="Arrivals and delay over time">',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>',
        f'<text class="h" x="22" y="32">{escape(one.name)}</text>',
        '<text class="m" x="22" y="52">ms after the fastest packet: when each packet came (dots; red: '
        "lost), and when it was played (lines)</text>",
    ]
    for ms in range(0, top_ms + 1, step):
        parts.append(f'<path class="ax" d="M{LEFT} {y(ms):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="m e" x="{LEFT - 8}" y="{y(ms) + 4:.1f}">{ms}</text>')
    for share in range(5):
        seconds = last_s * share / 4
        parts.append(
            f'<text class="m n" x="{x(seconds):.1f}" y="{HEIGHT - BOTTOM + 20}">{seconds:.0f} s</text>'
        )
    every = -(-len(at_s) // _MOST_DOTS)
    dots = "".join(
        f"M{x(t):.1f} {y(ms):.1f}h0" for t, ms in zip(at_s[::every], transit_ms[::every], strict=True)
    )
    parts.append(f'<path class="dot" d="{dots}"/>')
    gone = "".join(f"M{x(t):.1f} {TOP}v6" for t in _lost_at_s(one)[:_MOST_DOTS])
    parts.append(f'<path class="lost" d="{gone}"/>')
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        run = heard[name]
        known = np.flatnonzero(np.isfinite(line))[:: max(1, len(line) // 1500)]
        path = "L".join(f"{x(run.at_s[i]):.1f} {y(line[i]):.1f}" for i in known)
        parts.append(f'<path class="l {colour}" d="M{path}"/>')
        height = 20 * list(lines).index(name) + TOP + 10
        parts.append(f'<text class="{colour}f" x="{WIDTH - RIGHT + 12}" y="{height}">{escape(name)}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def _waited_until_ms(one: Trace, run: Heard) -> NDArray[np.float64]:
    """How long after the fastest packet of all the buffer played, at each time."""
    came = np.flatnonzero(np.isfinite(one.arrived_s))
    order = came[np.argsort(one.arrived_s[came], kind="stable")]
    at_s, transit_s = one.arrived_s[order], one.transit_s[order]
    first = np.searchsorted(at_s, run.at_s - _BACK_S)
    last = np.searchsorted(at_s, run.at_s, side="right")
    fastest_s = [float(transit_s[a:b].min()) if b > a else np.nan for a, b in zip(first, last, strict=True)]
    return (np.array(fastest_s) + run.delay_s) * 1000


def _lost_at_s(one: Trace) -> NDArray[np.float64]:
    """About when the lost ones would have come."""
    came = np.isfinite(one.arrived_s)
    lost_s: NDArray[np.float64] = np.interp(one.sequence[~came], one.sequence[came], one.arrived_s[came])
    return lost_s
