"""Colour and rewriting of lines, where the output is a terminal; plain lines elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import Enum
from typing import TextIO


class Colour(Enum):
    """SGR codes (ECMA-48)."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BLUE = "34"
    MAGENTA = "35"


def wants_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """A terminal that is no dumb one, and no NO_COLOR (no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def paint(text: str, colour: Colour, enabled: bool) -> str:
    return f"\033[{colour.value}m{text}\033[0m" if enabled and colour.value else text


def printable(text: str) -> str:
    """One line without control characters: nothing that a terminal would obey."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


class Lines:
    """Whole lines on `stream`, at once. When nobody reads it any more, they are dropped: whether a call goes
    on must not depend on who watches it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._read = True

    def write(self, line: str) -> None:
        if not self._read:
            return
        try:
            print(line, file=self._stream, flush=True)
        except BrokenPipeError:
            self._read = False


class Progress:
    """Lines of progress. Lines that differ only in a bar or a percentage are one step: on a terminal they
    overwrite each other, elsewhere only the first is printed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = wants_colour(stream, {})
        self._step = ""
        self._open = False
        """Whether the cursor stands behind a line of ours."""

    def __call__(self, line: str) -> None:
        step = re.sub(r"[\W\d_]+", " ", line)
        same, self._step = step == self._step, step
        if self._live:
            before = "\r\033[K" if same else "\n" if self._open else ""
            self._stream.write(f"{before}{line}")
            self._open = True
        elif not same:
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def end(self) -> None:
        if self._open:
            self._stream.write("\n")
        self._step, self._open = "", False
