"""The dialogue as it happens: for people as lines with times, for programs as JSON lines."""

from __future__ import annotations

import json
from typing import Any, TextIO

from ari_bridge.cli.terminal import Colour, Lines, paint, printable, wants_colour
from ari_bridge.core.errors import InternalError
from ari_bridge.dialogue.latency import timing
from ari_bridge.dialogue.live import LiveEvent, LiveKind

_LOOK: dict[LiveKind, tuple[str, Colour]] = {
    LiveKind.CALL_STARTED: ("call", Colour.BOLD),
    LiveKind.CALLER_SAID: ("caller", Colour.BLUE),
    LiveKind.AGENT_SAYS: ("agent", Colour.GREEN),
    LiveKind.AGENT_PAUSED: ("agent", Colour.DIM),
    LiveKind.AGENT_RESUMED: ("agent", Colour.DIM),
    LiveKind.AGENT_INTERRUPTED: ("agent", Colour.RED),
    LiveKind.DIGIT: ("caller", Colour.YELLOW),
    LiveKind.TOOL: ("tool", Colour.MAGENTA),
    LiveKind.ANSWER_TIMED: ("agent", Colour.DIM),
    LiveKind.CALL_ENDED: ("call", Colour.BOLD),
}


class DialogueView:
    """Prints live events on `stream`: time since the call began, who, what. Several calls at once are told
    apart by the end of their ids."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)
        self._colour = wants_colour(stream)
        self._started: dict[str, float] = {}

    def __call__(self, event: LiveEvent) -> None:
        if event.kind is LiveKind.CALL_STARTED:
            self._started[event.call_id] = event.at_s
        who, colour = _LOOK[event.kind]
        since_s = event.at_s - self._started.get(event.call_id, event.at_s)
        which = f"{event.call_id[-6:]} " if len(self._started) > 1 else ""
        self.line(since_s, which + who, _words(event), colour)
        if event.kind is LiveKind.CALL_ENDED:
            self._started.pop(event.call_id, None)

    def line(self, since_s: float, who: str, text: str, colour: Colour) -> None:
        minutes, tenths = divmod(round(max(since_s, 0.0) * 10), 600)
        time = paint(f"{minutes:3d}:{tenths / 10:04.1f}", Colour.DIM, self._colour)
        words = paint(f"{who:<7}{printable(text)}", colour, self._colour)
        self._lines.write(f"{time}  {words}")


class DialogueLines:
    """Writes live events on `stream` as JSON, one a line."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)

    def __call__(self, event: LiveEvent) -> None:
        self._lines.write(to_json(event))


def to_json(event: LiveEvent) -> str:
    table: dict[str, Any] = {
        "at_s": event.at_s,
        "call_id": event.call_id,
        "kind": event.kind.name,
        "text": event.text,
    }
    if event.figures:
        table["figures"] = dict(event.figures)
    return json.dumps(table, ensure_ascii=False)


def from_json(line: str) -> LiveEvent:
    """The event of a line by to_json. Raises InternalError."""
    try:
        table = json.loads(line)
        kind, figures = LiveKind[table["kind"]], table.get("figures", {})
        return LiveEvent(table["at_s"], table["call_id"], kind, table["text"], figures)
    except (ValueError, KeyError, TypeError):
        raise InternalError(f"not a live event: {line.strip()!r}") from None


def _words(event: LiveEvent) -> str:
    match event.kind:
        case LiveKind.CALL_STARTED:
            return f"answered by {event.text}"
        case LiveKind.CALLER_SAID:
            return event.text or "(not understood)"
        case LiveKind.AGENT_PAUSED:
            return "… pauses"
        case LiveKind.AGENT_RESUMED:
            return "… goes on"
        case LiveKind.AGENT_INTERRUPTED:
            return f"✗ interrupted; the caller heard: “{event.text}”"
        case LiveKind.DIGIT:
            return f"presses [{event.text}]"
        case LiveKind.ANSWER_TIMED:
            return timing(event.figures)
        case LiveKind.CALL_ENDED:
            return f"ended: {event.text}"
        case _:
            return event.text
