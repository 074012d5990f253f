"""The latency waterfall of a call as a picture: for each answer, what the caller waited for.

One bar an answer, from the caller's last voiced frame to the first packet of the answer, cut where its
stamps lie (dialogue/latency.py). A thin line below a bar is the model at work, where it was asked before the
turn was over. Plain SVG with system fonts, readable in light and dark, nothing fetched.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape as escape_markup

from ari_bridge.dialogue.latency import Stamp, metrics_ms

WIDTH, LEFT, RIGHT = 1000, 300, 90
HEADER, ROW, FOOTER = 112, 30, 34
BAR = 14
LETTERS = 40
"""Of an answer's words that are shown."""
ROWS_MAX = 200
"""The first of a longer call."""
TICKS_MS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)

SEGMENTS: Mapping[Stamp, tuple[str, str]] = {
    Stamp.END_OF_TURN: ("e", "silence until the end of turn"),
    Stamp.TRANSCRIPT: ("t", "final transcript"),
    Stamp.FIRST_TOKEN: ("m", "model’s first token"),
    Stamp.FIRST_SENTENCE: ("s", "first sentence"),
    Stamp.FIRST_AUDIO: ("a", "first audio"),
    Stamp.FIRST_PACKET: ("p", "first packet"),
}
"""Each stamp ends one: how it looks and what it is called."""

STYLE = """
text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2328}
.h{font-size:19px;font-weight:600}.n{fill:#636c76}.k{font-size:11px}.r{text-anchor:end}.c{text-anchor:middle}
.bg{fill:#fff;stroke:#d1d9e0}.ax{stroke:#d1d9e0;stroke-width:1}.md{stroke:#57606a;stroke-dasharray:3 3}
.e{fill:#afb8c1}.t{fill:#54aeff}.m{fill:#a475f9}.s{fill:#d8b9ff}.a{fill:#4ac26b}.p{fill:#1a7f37}
.w{stroke:#a475f9;stroke-width:3;stroke-linecap:round}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.n{fill:#9198a1}.bg{fill:#0d1117;stroke:#30363d}.ax{stroke:#30363d}.md{stroke:#9198a1}
.e{fill:#6e7681}.t{fill:#388bfd}.m{fill:#8957e5}.s{fill:#bc8cff}.a{fill:#2ea043}.p{fill:#56d364}
.w{stroke:#8957e5}}
"""
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One that the caller has waited for. `latency_ms` is since the last voiced frame, by stamp."""

    text: str
    latency_ms: Mapping[str, float]

    @property
    def e2e_ms(self) -> float:
        return self.latency_ms[Stamp.FIRST_PACKET.value]

    def segments(self) -> Iterator[tuple[Stamp, float, float]]:
        """What the time went to, (stamp, from, to) in ms: each stamp's share is what it adds to those before,
        nothing where it was there already."""
        at_ms = 0.0
        for stamp in SEGMENTS:
            until_ms = min(self.latency_ms.get(stamp.value, 0.0), self.e2e_ms)
            if until_ms > at_ms:
                yield stamp, at_ms, until_ms
                at_ms = until_ms

    @property
    def early_ms(self) -> tuple[float, float] | None:
        """From when to when the model was at work, if it was asked before the turn was over."""
        asked, token, end = (
            self.latency_ms.get(stamp.value)
            for stamp in (Stamp.MODEL_ASKED, Stamp.FIRST_TOKEN, Stamp.END_OF_TURN)
        )
        if asked is None or token is None or end is None or asked >= end:
            return None
        return asked, token


def draw(title: str, answers: Sequence[Answer]) -> str:
    """The SVG. Answers without a first packet are left out: nobody heard them."""
    heard = [answer for answer in answers if Stamp.FIRST_PACKET.value in answer.latency_ms][:ROWS_MAX]
    bottom = HEADER + ROW * max(1, len(heard))
    height = bottom + FOOTER
    widest_ms = max((answer.e2e_ms for answer in heard), default=1000.0)
    px_per_ms = (WIDTH - LEFT - RIGHT) / max(widest_ms, 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
        f'<text class="h" x="22" y="34">{escape(title)}</text>',
        f'<text class="n" x="22" y="58">{escape(_summary(heard))}</text>',
        *_legend(),
        *_axis(widest_ms, px_per_ms, bottom),
    ]
    for number, answer in enumerate(heard):
        parts += _row(answer, px_per_ms, HEADER + ROW * number + ROW / 2)
    if len(heard) > 1:
        x = LEFT + statistics.median(answer.e2e_ms for answer in heard) * px_per_ms
        parts.append(f'<path class="md" d="M{x:.1f} {HEADER - 4}V{bottom}"/>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def escape(text: str) -> str:
    return escape_markup(_NO_XML.sub("", text), {'"': "&quot;"})


def _row(answer: Answer, px_per_ms: float, middle: float) -> list[str]:
    words = answer.text if len(answer.text) <= LETTERS else answer.text[: LETTERS - 1].rstrip() + "…"
    parts = [f'<text class="r" x="{LEFT - 12}" y="{middle + 4:.1f}">{escape(words)}</text>']
    for stamp, from_ms, until_ms in answer.segments():
        look, name = SEGMENTS[stamp]
        parts.append(
            f'<rect class="{look}" x="{LEFT + from_ms * px_per_ms:.1f}" y="{middle - BAR / 2:.1f}" '
            f'width="{(until_ms - from_ms) * px_per_ms:.1f}" height="{BAR}">'
            f"<title>{name}: {until_ms - from_ms:.0f} ms, at {until_ms:.0f} ms</title></rect>"
        )
    if answer.early_ms is not None:
        asked, token = (LEFT + at_ms * px_per_ms for at_ms in answer.early_ms)
        y = middle + BAR / 2 + 4
        parts.append(f'<path class="w" d="M{asked:.1f} {y:.1f}H{max(token, asked + 1):.1f}"/>')
    x = LEFT + answer.e2e_ms * px_per_ms + 8
    parts.append(f'<text class="k" x="{x:.1f}" y="{middle + 4:.1f}">{answer.e2e_ms:.0f} ms</text>')
    return parts


def _axis(widest_ms: float, px_per_ms: float, bottom: float) -> list[str]:
    step_ms = next((step for step in TICKS_MS if step * px_per_ms >= 70), TICKS_MS[-1])
    parts = []
    for number in range(int(widest_ms / step_ms) + 1):
        x = LEFT + number * step_ms * px_per_ms
        parts += [
            f'<path class="ax" d="M{x:.1f} {HEADER - 4}V{bottom:.1f}"/>',
            f'<text class="n k c" x="{x:.1f}" y="{bottom + 18:.1f}">{number * step_ms} ms</text>',
        ]
    return parts


def _legend() -> list[str]:
    parts, x = [], 22.0
    for look, name in SEGMENTS.values():
        parts += [
            f'<rect class="{look}" x="{x:.0f}" y="76" width="11" height="11" rx="2"/>',
            f'<text class="k" x="{x + 16:.0f}" y="86">{name}</text>',
        ]
        x += 34 + 6.2 * len(name)
    parts += [
        f'<path class="w" d="M{x:.0f} 82h14"/>',
        f'<text class="k" x="{x + 20:.0f}" y="86">model, asked early</text>',
    ]
    return parts


def _summary(answers: Sequence[Answer]) -> str:
    """Medians of the named delays."""
    if not answers:
        return "no answer was heard"
    delays = [metrics_ms(answer.latency_ms) for answer in answers]
    medians = [
        f"{name} {statistics.median(values):.0f} ms"
        for name in ("e2e", "end_of_utterance_delay", "transcription_delay", "ttft", "ttfb")
        if (values := [delay[name] for delay in delays if name in delay])
    ]
    count = "1 answer" if len(answers) == 1 else f"{len(answers)} answers, medians"
    return f"{count}: {' · '.join(medians)}"
