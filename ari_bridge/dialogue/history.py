"""What was said, and what of it was heard.

An agent's answer is a row of *sentences*, each lying at a place in the audio that leaves for the caller (in
samples since the port was opened) with the times of its words. When the caller interrupts, the audio ends at
a position, and the history keeps the words that had sounded to their end by then: the model must not believe
it said what nobody heard. Where an engine gives no word times they are estimated, each word by its share of
the sentence's characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from ari_bridge.core.messages import Message, Role, ToolCall

_WORD = re.compile(r"\S+")
CHAR_S = 1 / 15
"""Seconds a character takes in ordinary English speech, where nothing better is known."""


@dataclass(frozen=True, slots=True)
class WordSpan:
    """text[:end_char] of a sentence has sounded once `end_sample` of its audio has."""

    end_char: int
    end_sample: int


@dataclass(slots=True)
class Sentence:
    """One sentence of an answer, and its audio as far as it is known. Positions are the port's."""

    number: int
    text: str
    start: int | None = None
    """None until its first audio is queued."""
    end: int = 0
    complete: bool = False
    """All its audio is queued."""
    told: bool = False
    """It was announced as being said."""
    is_filler: bool = False
    """It only passes the time: no part of the answer's text."""
    is_protected: bool = False
    """It has to be heard to its end."""
    words: list[WordSpan] = field(default_factory=list)

    def queue(self, start: int, sample_count: int, words: Iterable[WordSpan]) -> None:
        """Its next piece of audio goes to `start`."""
        if self.start is None:
            self.start = start
        self.end = start + sample_count
        self.words.extend(words)

    def heard(self, position: int, rate_hz: int) -> str:
        """The text whose words had sounded to their end when the audio had left up to `position`."""
        if self.start is None or position <= self.start:
            return ""
        if self.words_end(position):
            return self.text
        sounded = position - self.start
        spans = self.words or self._estimated(rate_hz)
        return self.text[: max((w.end_char for w in spans if w.end_sample <= sounded), default=0)]

    def words_end(self, position: int) -> bool:
        """Whether the last word has sounded by `position`, though silence may still follow it."""
        if not self.complete:
            return False
        if self.start is None:
            return True
        last = max((w.end_sample for w in self.words), default=self.end - self.start)
        return position >= self.start + min(last, self.end - self.start)

    def _estimated(self, rate_hz: int) -> list[WordSpan]:
        known = self.end - (self.start or 0)
        # While the engine still speaks, the audio at hand is only a part of the sentence's.
        guess = round(len(self.text) * CHAR_S * rate_hz)
        total = known if self.complete else max(known, guess)
        return [
            WordSpan(match.end(), round(total * match.end() / len(self.text)))
            for match in _WORD.finditer(self.text)
        ]


@dataclass(slots=True)
class CallerSaid:
    text: str


@dataclass(slots=True)
class AgentSaid:
    """One round of the model: its sentences and the tools it called."""

    sentences: list[Sentence] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    heard: str | None = None
    """None while its words are still on their way, and once all of them were heard."""

    @property
    def words(self) -> list[Sentence]:
        """The sentences that the answer is made of."""
        return [sentence for sentence in self.sentences if not sentence.is_filler]

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.words)

    def cut(self, position: int, rate_hz: int, *, more_meant: bool = False) -> None:
        """Keep what was heard when the audio ended at `position`. `more_meant`: the model was not done."""
        heard = self.heard_by(position, rate_hz)
        self.heard = heard if more_meant or heard != self.text else None

    def heard_by(self, position: int, rate_hz: int) -> str:
        """What of it had been heard when audio had left up to `position`."""
        return " ".join(filter(None, (s.heard(position, rate_hz) for s in self.words)))

    @property
    def kept(self) -> str:
        return self.text if self.heard is None else self.heard


@dataclass(slots=True)
class ToolAnswered:
    call_id: str
    result: str | None = None
    """None while the tool runs."""


Entry: TypeAlias = CallerSaid | AgentSaid | ToolAnswered


class History:
    """The entries of one conversation, oldest first, and the messages a model gets of them."""

    def __init__(self, system: str = "") -> None:
        self._system = system
        self.entries: list[Entry] = []

    def caller_said(self, text: str) -> None:
        self.entries.append(CallerSaid(text))

    def reopen_caller(self) -> str | None:
        """Take back the last entry, if it is the caller's: the turn goes on after all."""
        last = self.entries[-1] if self.entries else None
        if not isinstance(last, CallerSaid):
            return None
        self.entries.pop()
        return last.text

    def agent_says(self) -> AgentSaid:
        """A new round; its sentences are added as they come."""
        said = AgentSaid()
        self.entries.append(said)
        return said

    def tool_called(self, said: AgentSaid, call: ToolCall) -> None:
        """The tool runs now; the place of its result is beside the call, whenever it comes."""
        said.tool_calls.append(call)
        self.entries.append(ToolAnswered(call.call_id))

    def tool_answered(self, call_id: str, result: str) -> None:
        for entry in self.entries:
            if isinstance(entry, ToolAnswered) and entry.call_id == call_id and entry.result is None:
                entry.result = result
                return

    def drop(self, said: AgentSaid) -> None:
        """Nothing of it was heard and nothing was done: it never was."""
        self.entries = [entry for entry in self.entries if entry is not said]

    def messages(self, caller_says: str | None = None) -> tuple[Message, ...]:
        """As a model gets them: agent messages hold only what was heard, or still will be. `caller_says`: as
        if that had been said, too."""
        found = [Message(Role.SYSTEM, self._system)] if self._system else []
        for entry in self.entries:
            match entry:
                case CallerSaid(text):
                    found.append(Message(Role.CALLER, text))
                case AgentSaid():
                    if entry.kept or entry.tool_calls:
                        found.append(
                            Message(
                                Role.AGENT,
                                entry.kept,
                                interrupted=entry.heard is not None,
                                tool_calls=tuple(entry.tool_calls),
                            )
                        )
                case ToolAnswered(call_id, result):
                    text = "(still running)" if result is None else result
                    found.append(Message(Role.TOOL, text, tool_call_id=call_id))
        if caller_says is not None:
            found.append(Message(Role.CALLER, caller_says))
        return tuple(found)
