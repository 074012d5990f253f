"""A call's evidence as a short table for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from ari_bridge.sandbox.evidence import Evidence

_NAME, _WIDTH = 11, 100


def table(evidence: Evidence, files: list[Path]) -> str:
    lines = []
    for name, text in [*_facts(evidence), ("files", ", ".join(map(str, files)))]:
        indent = " " * (_NAME + 2)
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  {name:<{_NAME}}",
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return "\n".join(lines)


def _facts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    status = evidence.variables.get("ARIBRIDGESTATUS", "no status")
    ending = ", a second extension answered" if evidence.human_answered else ""
    yield "call", f"{evidence.duration_ms / 1000:.1f} s, {status}{ending}"
    if evidence.median_response_ms is not None:
        yield (
            "response",
            f"median {evidence.median_response_ms:.0f} ms, slowest {max(evidence.responses_ms):.0f} ms, "
            "from the caller's last audible frame to the agent's first, in the caller's RTP",
        )
    if evidence.barge_in is not None:
        yield (
            "barge-in",
            f"agent silent {evidence.barge_in.yield_ms:.0f} ms after the caller's first voiced frame, in the "
            "caller's RTP",
        )
    for turn in evidence.turns:
        if turn.interrupted:
            yield "heard", f"“{turn.heard}” of {len(turn.text.split())} words"
    if evidence.digits:
        yield "digits", "".join(digit.digit for digit in evidence.digits)
    yield "variables", " ".join(f"{name}={value}" for name, value in evidence.variables.items())
    media = evidence.media
    if media:
        yield (
            "audio",
            f"{media.get('codec')}, {media.get('received')} packets in, {media.get('lost')} lost, "
            f"{media.get('late')} late, {media.get('sent')} out, MOS {media.get('mos')}",
        )
