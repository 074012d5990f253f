"""Documents cut into pieces that answer a question: one a heading, long ones at their paragraphs. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK_MAX = 1200
"""Characters: about what an agent can read at a glance."""

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True, slots=True)
class Chunk:
    heading: str
    """The way to it: "Opening hours › Holidays"; "" above the first heading."""
    text: str


def cut(document: str, *, markdown: bool) -> list[Chunk]:
    """The pieces in their order; none is empty."""
    sections = _sections(document) if markdown else [("", document)]
    return [Chunk(heading, piece) for heading, text in sections for piece in _pieces(text)]


def _sections(document: str) -> Iterator[tuple[str, str]]:
    """(way, text) of each heading. What stands in a code fence is no heading."""
    way: list[str] = []
    lines: list[str] = []
    fenced = ""
    for line in document.splitlines():
        fence = _FENCE.match(line)
        if fence is not None and fenced in ("", fence[1]):
            fenced = "" if fenced else fence[1]
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        yield " › ".join(filter(None, way)), "\n".join(lines)
        depth = len(heading[1])
        way = [*way[: depth - 1], *[""] * (depth - 1 - len(way)), heading[2]]
        lines = []
    yield " › ".join(filter(None, way)), "\n".join(lines)


def _pieces(text: str) -> Iterator[str]:
    piece = ""
    for paragraph in re.split(r"\n\s*\n", text):
        for part in _parts(paragraph.strip()):
            if piece and len(piece) + len(part) > CHUNK_MAX:
                yield piece
                piece = ""
            piece = f"{piece}\n\n{part}" if piece else part
    if piece:
        yield piece


def _parts(paragraph: str) -> Iterator[str]:
    """A paragraph that is too long is cut between words."""
    while len(paragraph) > CHUNK_MAX:
        at = paragraph.rfind(" ", 1, CHUNK_MAX)
        at = CHUNK_MAX if at < 0 else at
        yield paragraph[:at]
        paragraph = paragraph[at:].lstrip()
    if paragraph:
        yield paragraph
