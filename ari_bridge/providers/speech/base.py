"""The protocol of engines that hold the conversation themselves: speech-to-speech models, and bots that
speak a media protocol (Twilio Media Streams).

Such an engine hears the caller's audio as it comes and answers with audio of its own. What stays with us is
the line: the jitter buffer, pacing, what the caller really heard of the agent, call control, the record. So
the engine is told how much of an item was heard (`Cut`, `MarkHeard`), and keeps its own history right by it.

    async with engine.converse(opening) as session:
        async for event in session.events(): ...      # from the engine
        await session.send(signal)                    # to the engine

Every failure is a ProviderError, raised by `events()` or `send()`. Leaving the context closes the connection
and stops the engine's work (and its bill).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.providers.usage import Meter, unmetered


@dataclass(frozen=True, slots=True)
class Opening:
    """What a conversation begins with."""

    rate_hz: int
    """Of the audio both ways, the call's own; the engine resamples at its door."""
    language: str
    prompt: str
    history: Sequence[Message]
    """Of the call so far, where a process takes over a call; () at its start."""
    tools: Sequence[ToolSpec]
    call_id: str
    caller_number: str
    """Personal data."""
    did: str
    meter: Meter = unmetered


# ------------------------------------------------------------------ to the engine


@dataclass(frozen=True, slots=True)
class CallerAudio:
    pcm: Pcm16


@dataclass(frozen=True, slots=True)
class CallerDigit:
    """A key, as soon as it is pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class CallerEntry:
    """The keys of an entry that is over, as one text. An engine takes these or CallerDigits, not both."""

    digits: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The agent was silenced: of `item` the caller heard the first `heard_samples`, and will hear no more.
    One for each item that was not heard to its end, in their order. The engine stops making what it still
    makes."""

    item: str
    heard_samples: int


@dataclass(frozen=True, slots=True)
class MarkHeard:
    """The audio before the mark was heard, or cleared away."""

    name: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    text: str
    answer_wanted: bool = True
    """The agent is to go on with it; else it has said its last words."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Speak now, as `instruction` says: greet, take leave, ask whether somebody is there."""

    instruction: str


@dataclass(frozen=True, slots=True)
class Pace:
    """Of the agent's voice, from its next words on; 1.0 is its own."""

    pace: float


Signal: TypeAlias = CallerAudio | CallerDigit | CallerEntry | Cut | MarkHeard | ToolResult | Ask | Pace


# ------------------------------------------------------------------ from the engine


@dataclass(frozen=True, slots=True)
class AgentAudio:
    """The next audio of `item`, the engine's name for one utterance of its own. A name may come again after
    an AgentDone, a Clear, or a while of silence."""

    item: str
    pcm: Pcm16


@dataclass(frozen=True, slots=True)
class AgentText:
    """The next words of what `item` says; they come earlier or later than its audio."""

    item: str
    text: str


@dataclass(frozen=True, slots=True)
class AgentDone:
    """All of `item` is there."""

    item: str


@dataclass(frozen=True, slots=True)
class CallerText:
    """What the engine understood of the caller. The final text replaces the partial ones of its `item`."""

    item: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class CallerBegan:
    """The engine's own voice detection: the caller speaks. It interrupts the agent."""

    item: str = ""
    """That of the CallerText to come, where it is known."""


@dataclass(frozen=True, slots=True)
class CallerStopped:
    """The caller's turn is over: the engine answers it."""

    item: str = ""


@dataclass(frozen=True, slots=True)
class Clear:
    """The engine wants what is queued to be dropped: it has been interrupted."""


@dataclass(frozen=True, slots=True)
class Mark:
    """To be answered by MarkHeard when the audio before it has been heard."""

    name: str


@dataclass(frozen=True, slots=True)
class ToolCancelled:
    """The engine does not want the result any more; what was done stays done."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The agent has ended the conversation; what is queued is still to be heard."""


SpeechEvent: TypeAlias = (
    AgentAudio
    | AgentText
    | AgentDone
    | CallerText
    | CallerBegan
    | CallerStopped
    | Clear
    | Mark
    | ToolCall
    | ToolCancelled
    | Ended
)


class SpeechSession(Protocol):
    def events(self) -> AsyncGenerator[SpeechEvent, None]:
        """To be read by one reader, all the time. It ends when the server closes in good order."""
        ...

    async def send(self, signal: Signal) -> None:
        """Signals that an engine's protocol has no words for are dropped."""
        ...


@dataclass(frozen=True, slots=True)
class Abilities:
    """In what an engine's protocol differs from others'."""

    can_be_asked: bool = True
    """`Ask` is answered by an item. Where it is not, the engine speaks first and says its own goodbyes."""
    tells_of_caller: bool = True
    """By CallerBegan and CallerStopped, or CallerText; else our own voice detection says when there was a
    caller's turn."""
    decides_interruptions: bool = False
    """Nothing but its Clear or CallerBegan drops the agent's audio: a voice that lasts only pauses it."""
    tells_ends: bool = True
    """By AgentDone; else an utterance is over when nothing more of it has come for a while."""


class SpeechToSpeech(Protocol):
    @property
    def abilities(self) -> Abilities: ...

    def converse(self, opening: Opening) -> AbstractAsyncContextManager[SpeechSession]:
        """Entering it connects. Raises ProviderError."""
        ...

    async def close(self) -> None: ...
