"""Callers cut off against the silence waited, as plain SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 860, 430
LEFT, RIGHT, TOP, BOTTOM = 70, 40, 80, 62
WAIT_MAX_MS, CUT_MAX = 1500, 35
PROMISE = 5
COLOURS = ("g", "b")

STYLE = """
text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2328}
.h{font-size:19px;font-weight:600}.m{fill:#636c76}.e{text-anchor:end}.c{text-anchor:middle}
.bg{fill:#fff;stroke:#d1d9e0}.ax{stroke:#d1d9e0;stroke-width:1}.p{stroke:#1a7f37;stroke-dasharray:5 4}
.l{fill:none;stroke-width:2.2;stroke-linejoin:round}.l.b{stroke:#0969da}.l.g{stroke:#9a6700}
circle.b{fill:#0969da}circle.g{fill:#9a6700}text.b,text.g{font-weight:600}text.b{fill:#0969da}text.g{fill:#9a6700}
.d{stroke-dasharray:4 4}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.m{fill:#9198a1}.bg{fill:#0d1117;stroke:#30363d}.ax{stroke:#30363d}.p{stroke:#3fb950}
.l.b{stroke:#58a6ff}.l.g{stroke:#d29922}circle.b{fill:#58a6ff}circle.g{fill:#d29922}
text.b{fill:#58a6ff}text.g{fill:#d29922}}
"""


def draw(curves: Mapping[str, Sequence[tuple[int, Mapping[str, float]]]], default_ms: int) -> str:
    """`curves`: by name, points of (end_of_turn_ms, figures of end_of_turn.py), at most two."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="Callers cut off against the silence waited">',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>',
        '<text class="h" x="22" y="36">Callers cut off, against the silence waited</text>',
        '<text class="m" x="22" y="58">Turns taken for finished at a pause, by the median silence after a '
        "turn; dashed: turns whose words tell their end</text>",
    ]
    for cut in range(0, CUT_MAX + 1, 5):
        parts.append(
            f'<path class="ax{" p" if cut == PROMISE else ""}" d="M{LEFT} {_y(cut)}H{WIDTH - RIGHT}"/>'
        )
        parts.append(f'<text class="m e" x="{LEFT - 10}" y="{_y(cut) + 4}">{cut} %</text>')
    parts += [
        f'<text class="m c" x="{_x(wait_ms)}" y="{HEIGHT - BOTTOM + 20}">{wait_ms}</text>'
        for wait_ms in range(0, WAIT_MAX_MS + 1, 250)
    ]
    parts.append(
        f'<text class="m c" x="{_x(WAIT_MAX_MS / 2)}" y="{HEIGHT - BOTTOM + 42}">ms of silence</text>'
    )
    for colour, (name, points) in zip(COLOURS, curves.items(), strict=False):
        parts += _curve(colour, name, points, default_ms)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _curve(
    colour: str, name: str, points: Sequence[tuple[int, Mapping[str, float]]], default_ms: int
) -> list[str]:
    seen = [
        (ms, figures)
        for ms, figures in points
        if figures["wait_p50_ms"] <= WAIT_MAX_MS and figures["cut_percent"] <= CUT_MAX
    ]
    at = [(_x(figures["wait_p50_ms"]), _y(figures["cut_percent"])) for _, figures in seen]
    clear = [(_x(figures["clear_p50_ms"]), _y(figures["cut_percent"])) for _, figures in seen]
    parts = [f'<path class="l {colour}" d="M{"L".join(f"{x} {y}" for x, y in at)}"/>']
    if clear != at:
        parts.append(f'<path class="l d {colour}" d="M{"L".join(f"{x} {y}" for x, y in clear)}"/>')
    parts += [f'<circle class="{colour}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in at]
    is_default = [clear != at and ms == default_ms for ms, _ in seen]
    parts += [
        f'<circle class="{colour}" cx="{x}" cy="{y}" r="6.5"/>'
        f'<text class="m" x="{x + 4}" y="{y + 22}">{default_ms}, the default</text>'
        for (x, y), marked in zip(at, is_default, strict=True)
        if marked
    ]
    x, y = at[len(at) // 4]
    parts.append(f'<text class="{colour}" x="{x + 12}" y="{y - 6}">{name}</text>')
    return parts


def _x(wait_ms: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * wait_ms / WAIT_MAX_MS, 1)


def _y(cut_percent: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * cut_percent / CUT_MAX, 1)
