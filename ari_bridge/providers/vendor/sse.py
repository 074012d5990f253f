"""Server-sent events, as language models stream them. No I/O. (WHATWG HTML Living Standard, 9.2.6.)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 1_000_000


class StreamTooLong(ValueError):
    """A line without end."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    event: str
    """"message" where the server names none."""
    data: str


class EventParser:
    """Bytes as they come, in pieces of any size, to events. A last event without its blank line is dropped,
    as the standard has it."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._data: list[str] = []
        self._is_first = True

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Raises StreamTooLong."""
        self._rest += chunk
        while (line := self._line()) is not None:
            if event := self._take(line):
                yield event
        if len(self._rest) > LONGEST_LINE:
            raise StreamTooLong(f"a line of more than {LONGEST_LINE} bytes")

    def _line(self) -> str | None:
        ends = [end for end in (self._rest.find(b"\n"), self._rest.find(b"\r")) if end >= 0]
        if not ends:
            return None
        end = min(ends)
        if self._rest[end : end + 1] == b"\r":
            if end + 1 == len(self._rest):
                return None  # a line feed may follow
            after = end + 2 if self._rest[end + 1 : end + 2] == b"\n" else end + 1
        else:
            after = end + 1
        line, self._rest = self._rest[:end], self._rest[after:]
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        return line.decode("utf-8", "replace")

    def _take(self, line: str) -> ServerSentEvent | None:
        if not line:
            data, self._data = self._data, []
            name, self._event = self._event, ""
            return ServerSentEvent(name or "message", "\n".join(data)) if data else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        return None
