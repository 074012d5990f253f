"""Server-sent events (HTML Living Standard, 9.2), as far as MCP uses them: their data. No I/O."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r(?!$)")


class EventStream:
    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[str]:
        """The data of the events that are complete with it."""
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        events = []
        for raw in lines:
            line = raw.decode("utf-8", "replace").removeprefix("\ufeff")
            if not line and self._data:
                events.append("\n".join(self._data))
                self._data.clear()
                continue
            field, _, value = line.partition(":")
            if field == "data":
                self._data.append(value.removeprefix(" "))
        return events
