"""Keeps a caller from hearing a model think. No I/O.

Open models write their thoughts before the answer, in <think> tags. A server that knows the model takes them
out; one that does not, or is not told to, streams them as if they were the answer.
"""

from __future__ import annotations

from enum import Enum, auto

_BEGIN, _END = "<think>", "</think>"


class _State(Enum):
    UNDECIDED = auto()
    """Nothing has come but what may become the first tag."""
    THINKING = auto()
    ANSWERING = auto()


class ThoughtFilter:
    """For one answer's text. Only at its beginning: a tag further on is the answer's."""

    def __init__(self) -> None:
        self._state, self._held = _State.UNDECIDED, ""

    def feed(self, text: str) -> str:
        """What of the text so far can be spoken, and was not given before."""
        if self._state is _State.ANSWERING:
            return text
        self._held += text
        if self._state is _State.UNDECIDED:
            begun = self._held.lstrip()
            if len(begun) < len(_BEGIN) and _BEGIN.startswith(begun):
                return ""
            self._state = _State.THINKING if begun.startswith(_BEGIN) else _State.ANSWERING
        if self._state is _State.THINKING:
            _, end, answer = self._held.partition(_END)
            if not end:
                self._held = self._held[-len(_END) :]
                return ""
            self._state, self._held = _State.ANSWERING, answer
        return self.finish()

    def finish(self) -> str:
        """The answer has ended: what was held back and is no thought."""
        held, self._held = self._held, ""
        return "" if self._state is _State.THINKING else held
