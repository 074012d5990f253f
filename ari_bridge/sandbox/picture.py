"""A call as a picture: both voices over time, written like a score.

Each row is a stretch of the call, broken where nobody speaks, as a line of music is broken between bars.
The caller is above the row's time line, the agent below it; words stand beside the voice that said them.
What an interrupted agent never said aloud is struck out. Plain SVG with system fonts, readable in light
and dark, nothing fetched, well below 200 KB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape as escape_markup

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.sandbox.evidence import Evidence, Turn
from ari_bridge.sandbox.measure import Span, audible, runs
from ari_bridge.sandbox.score import LANE, LEFT, LINE, RIGHT, WIDTH, Row, Word, bottom, rows

HEADER = 74
BAR, GAP = 2, 1
"""Of the envelope's bars, px."""

STYLE = """
text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2328}
.h{font-size:19px;font-weight:600}.m{fill:#636c76}.s{font-size:11px}.e{text-anchor:end}.c{text-anchor:middle}
.bg{fill:#fff;stroke:#d1d9e0}.ax{stroke:#d1d9e0;stroke-width:1}
.w{fill:none;stroke-width:2;stroke-linecap:round}.cw{stroke:#0969da}.aw{stroke:#1a7f37}.ow{stroke:#8c959f}
.cb{fill:#0969da;fill-opacity:.08}.ab{fill:#1a7f37;fill-opacity:.08}
.ct{fill:#0a58ba}.at{fill:#116329}.d{fill:#8c959f;text-decoration:line-through}
.i{fill:#cf222e}.iz{fill:#cf222e;fill-opacity:.16}.il{stroke:#cf222e;stroke-width:1.5;fill:none}
.l{stroke:#9a6700;stroke-width:1.2;fill:none}.lt{fill:#7d4e00}
.k{fill:#fff;stroke:#57606a;stroke-width:1.2}.kt{font-weight:600}.f{fill:#8250df}.fl{stroke:#8250df;stroke-width:1.5}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.m{fill:#9198a1}.bg{fill:#0d1117;stroke:#30363d}.ax{stroke:#30363d}
.cw{stroke:#58a6ff}.aw{stroke:#3fb950}.ow{stroke:#6e7681}.cb{fill:#58a6ff;fill-opacity:.1}.ab{fill:#3fb950;fill-opacity:.1}
.ct{fill:#79c0ff}.at{fill:#7ee787}.d{fill:#6e7681}.i{fill:#ff7b72}.iz{fill:#ff7b72;fill-opacity:.2}.il{stroke:#ff7b72}
.l{stroke:#d29922}.lt{fill:#e3b341}.k{fill:#161b22;stroke:#9198a1}.f{fill:#d2a8ff}.fl{stroke:#d2a8ff}}
"""


TICKS_S = (1, 2, 5, 10, 30, 60, 300, 600, 3600)
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""


def escape(text: str) -> str:
    return escape_markup(_NO_XML.sub("", text), {'"': "&quot;"})


def draw(evidence: Evidence, caller: Pcm16, agent: Pcm16, rate_hz: int) -> str:
    """The SVG of a call; `caller` and `agent` are the two sides of its recording."""
    busy = runs(audible(caller, rate_hz) | audible(agent, rate_hz))
    busy += [Span(digit.at_ms - 400, digit.at_ms + 400) for digit in evidence.digits]
    score = rows(max(evidence.duration_ms, 1000.0), evidence.turns, busy, HEADER)
    height = round(bottom(score[-1])) + 16
    peaks = _loudest(caller, rate_hz), _loudest(agent, rate_hz)
    left_ms = _left_ms(evidence)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(_title(evidence))}">',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
        *_header(evidence),
    ]
    for row in score:
        parts += [
            *_frame(row),
            *_bands(row, evidence.turns),
            *_waves(row, caller, agent, rate_hz, peaks, left_ms),
            *_words(row),
            *_barge_in(row, evidence),
            *_latencies(row, evidence),
            *_digits(row, evidence),
            *_leaving(row, evidence, left_ms),
        ]
    parts.append("</svg>\n")
    return "\n".join(parts)


# ------------------------------------------------------------------ rows


def _frame(row: Row) -> list[str]:
    parts = [
        f'<path class="ax" d="M{LEFT} {row.axis:.0f}H{row.x(row.span.end_ms):.0f}"/>',
        f'<text class="ct e" x="{LEFT - 12}" y="{row.axis - LANE / 2 + 4:.0f}">caller</text>',
        f'<text class="at e" x="{LEFT - 12}" y="{row.axis + LANE / 2 + 4:.0f}">agent</text>',
        f'<text class="m s e" x="{LEFT - 12}" y="{row.axis + LANE + 17:.0f}">'
        f"{_clock(row.span.start_ms)}</text>",
    ]
    step_ms = 1000 * next((step for step in TICKS_S if step * 1000 * row.px_per_ms >= 8), TICKS_S[-1])
    at_ms = -(-row.span.start_ms // step_ms) * step_ms
    while at_ms < row.span.end_ms:
        half = 4 if at_ms % (5 * step_ms) == 0 else 2
        parts.append(f'<path class="ax" d="M{row.x(at_ms):.1f} {row.axis - half:.1f}v{2 * half}"/>')
        at_ms += step_ms
    return parts


def _clock(at_ms: float) -> str:
    return f"{int(at_ms // 60_000)}:{int(at_ms // 1000) % 60:02d}"


# ------------------------------------------------------------------ voices


def _loudest(pcm: Pcm16, rate_hz: int) -> float:
    """The level that fills a lane: that of the loudest 50 ms."""
    size = rate_hz // 20
    blocks = pcm[: len(pcm) // size * size].reshape(-1, size)
    return max((_level(block) for block in blocks), default=0.0) or 1.0


def _level(pcm: Pcm16) -> float:
    """RMS, in samples' units."""
    return float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64))))


def _waves(
    row: Row, caller: Pcm16, agent: Pcm16, rate_hz: int, peaks: tuple[float, float], left_ms: float | None
) -> list[str]:
    after = left_ms if left_ms is not None else row.span.end_ms
    until = Span(row.span.start_ms, min(row.span.end_ms, after))
    beyond = Span(max(row.span.start_ms, after), row.span.end_ms)
    return [
        _wave("cw", row, row.span, caller, rate_hz, peaks[0], row.axis - LANE / 2),
        _wave("aw", row, until, agent, rate_hz, peaks[1], row.axis + LANE / 2),
        _wave("ow", row, beyond, agent, rate_hz, peaks[1], row.axis + LANE / 2),
    ]


def _wave(look: str, row: Row, span: Span, pcm: Pcm16, rate_hz: int, peak: float, middle: float) -> str:
    """The envelope as bars; quiet ones are left out."""
    pitch_ms = (BAR + GAP) / row.px_per_ms
    steps = []
    for index in range(max(0, int(span.length_ms // pitch_ms))):
        at_ms = span.start_ms + index * pitch_ms
        piece = pcm[round(at_ms * rate_hz / 1000) : round((at_ms + pitch_ms) * rate_hz / 1000)]
        if len(piece) == 0:
            break
        high = min(1.0, _level(piece) / peak) * (LANE / 2 - 2)
        if high >= 0.3:
            steps.append(f"M{row.x(at_ms) + BAR / 2:.1f} {middle - high:.1f}v{2 * high:.1f}")
    return f'<path class="w {look}" d="{"".join(steps)}"/>' if steps else ""


# ------------------------------------------------------------------ words


def _bands(row: Row, turns: Sequence[Turn]) -> list[str]:
    parts = []
    for turn in turns:
        start, end = max(turn.start_ms, row.span.start_ms), min(turn.end_ms, row.span.end_ms)
        if start >= end:
            continue
        y = row.axis - LANE - 2 if turn.who == "caller" else row.axis + 2
        look = "cb" if turn.who == "caller" else "ab"
        parts.append(
            f'<rect class="{look}" x="{row.x(start):.1f}" y="{y:.0f}" '
            f'width="{row.x(end) - row.x(start):.1f}" height="{LANE}" rx="4"/>'
        )
    return parts


def _words(row: Row) -> list[str]:
    parts = []
    for entry in row.words:
        look, y = ("ct", row.axis - LANE - 10 - LINE * (len(entry.lines) - 1))
        if entry.who == "agent":
            look, y = ("at", row.axis + LANE + 18)
        parts += [_line(line, look, entry.x + 1, y + LINE * n) for n, line in enumerate(entry.lines)]
    return parts


def _line(line: Sequence[Word], look: str, x: float, y: float) -> str:
    heard = escape(" ".join(word.text for word in line if word.heard))
    dropped = escape(" ".join(word.text for word in line if not word.heard))
    tail = f'{" " if heard else ""}<tspan class="d">{dropped}</tspan>' if dropped else ""
    return f'<text class="{look}" x="{x:.1f}" y="{y:.1f}">{heard}{tail}</text>'


# ------------------------------------------------------------------ what happened


def _barge_in(row: Row, evidence: Evidence) -> list[str]:
    moment = evidence.barge_in
    if moment is None or not row.holds(moment.caller_voice_ms):
        return []
    x1, x2 = row.x(moment.caller_voice_ms), row.x(moment.agent_silent_ms)
    top, below = row.axis - LANE - 4, row.axis + LANE + 6
    at, anchor = (x1 - 7, " e") if x1 - LEFT > 130 else (x2 + 7, "")
    label = ("interrupted:", f"silent after {moment.yield_ms:.0f} ms")
    return [
        f'<rect class="iz" x="{x1:.1f}" y="{top:.1f}" '
        f'width="{max(x2 - x1, 1):.1f}" height="{2 * LANE + 10}"/>',
        f'<path class="il" d="M{x1:.1f} {top:.1f}V{below:.1f}M{x2:.1f} {top:.1f}V{below:.1f}"/>',
        *(
            f'<text class="i s{anchor}" x="{at:.1f}" y="{row.axis - 21 + 13 * n:.1f}" font-weight="600">'
            f"{line}</text>"
            for n, line in enumerate(label)
        ),
    ]


def _latencies(row: Row, evidence: Evidence) -> list[str]:
    """A bracket from the caller's last audible frame to the agent's first."""
    parts = []
    for turn in evidence.turns:
        if turn.response_ms is None or turn.voice_ms is None or not row.holds(turn.voice_ms):
            continue
        x2 = row.x(turn.voice_ms)
        x1 = max(row.x(turn.voice_ms - turn.response_ms), LEFT)
        y = row.axis - 7
        parts += [
            f'<path class="l" d="M{x1:.1f} {y - 5}v10M{x1:.1f} {y}H{x2:.1f}M{x2:.1f} {y - 5}v10"/>',
            f'<text class="lt s" x="{x2 + 5:.1f}" y="{y + 1}">{turn.response_ms:.0f} ms</text>',
        ]
    return parts


def _digits(row: Row, evidence: Evidence) -> list[str]:
    parts = []
    for digit in evidence.digits:
        if row.holds(digit.at_ms):
            x, y = row.x(digit.at_ms), row.axis - LANE / 2
            parts += [
                f'<rect class="k" x="{x - 10:.1f}" y="{y - 11:.1f}" width="20" height="22" rx="5"/>',
                f'<text class="kt c" x="{x:.1f}" y="{y + 4.5:.1f}">{escape(digit.digit)}</text>',
                f'<text class="s m c" x="{x:.1f}" y="{y - 17:.1f}">pressed</text>',
            ]
    return parts


def _left_ms(evidence: Evidence) -> float | None:
    """When the agent left the call to the dialplan; None where the call ended with it."""
    if evidence.variables.get("ARIBRIDGESTATUS") != "TRANSFER":
        return None
    return evidence.agent_left_ms


def _leaving(row: Row, evidence: Evidence, left_ms: float | None) -> list[str]:
    if left_ms is None or not row.holds(left_ms):
        return []
    x = row.x(left_ms)
    at, anchor = (x + 7, "") if WIDTH - RIGHT - x > 165 else (x - 7, " e")
    label = ["TRANSFER:", "the dialplan goes on"]
    if evidence.human_answered:
        label.append("and a second extension answers")
    return [
        f'<path class="fl" d="M{x:.1f} {row.axis - LANE - 16:.1f}V{row.axis + LANE + 4:.1f}"/>',
        *(
            f'<text class="f s{anchor}" x="{at:.1f}" y="{row.axis - LANE - 7 + 14 * n:.1f}">{line}</text>'
            for n, line in enumerate(label)
        ),
    ]


# ------------------------------------------------------------------ header


def _title(evidence: Evidence) -> str:
    return f"A call of {evidence.duration_ms / 1000:.0f} s to {evidence.did}, agent {evidence.agent}"


def _header(evidence: Evidence) -> list[str]:
    facts = [f"status {evidence.variables.get('ARIBRIDGESTATUS', '?')}"]
    if evidence.median_response_ms is not None:
        facts.append(f"median response {evidence.median_response_ms:.0f} ms")
    if evidence.barge_in is not None:
        facts.append(f"silent {evidence.barge_in.yield_ms:.0f} ms after an interruption")
    media = evidence.media
    if media.get("received"):
        lost = media.get("lost", 0) + media.get("late", 0)
        facts.append(f"{media['codec']}, {lost} of {media['received']} packets lost or late")
    return [
        f'<text class="h" x="22" y="34">{escape(_title(evidence))}</text>',
        f'<text class="m" x="22" y="56">{escape(" · ".join(facts))}</text>',
        f'<text class="m s e" x="{WIDTH - RIGHT}" y="34">measured in the caller’s RTP</text>',
    ]
