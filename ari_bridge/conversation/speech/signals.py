"""What goes into the core beside the engine's own events, and what comes out of it.

Much of it is the cascade's (`dialogue.signals`): voice, keys, positions; pause, flush, tools, leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.messages import Message
from ari_bridge.dialogue import signals as s
from ari_bridge.providers.speech import base as b

# ------------------------------------------------------------------ events


@dataclass(frozen=True, slots=True)
class Queued:
    """The next `sample_count` samples of `item` are about to be queued at `start`."""

    item: str
    start: int
    sample_count: int


@dataclass(frozen=True, slots=True)
class MarkPassed:
    """The audio before the mark was heard, or cleared away."""

    name: str


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine's session has ended by a failure."""

    may_return: bool
    """Another may work."""


Event: TypeAlias = (
    b.SpeechEvent
    | Queued
    | MarkPassed
    | EngineLost
    | s.VoiceOn
    | s.VoiceHeld
    | s.VoiceOff
    | s.DigitPressed
    | s.ToolReturned
    | s.Played
    | s.Flushed
    | s.StoodAside
    | s.KeysDiverted
    | s.TimerDue
)


# ------------------------------------------------------------------ commands


@dataclass(frozen=True, slots=True)
class Play:
    """Queue audio after all before it. Answered by Queued, for each piece."""

    item: str
    pcm: Pcm16


@dataclass(frozen=True, slots=True)
class PassMark:
    """Tell by MarkPassed when all audio before it has been heard."""

    name: str


@dataclass(frozen=True, slots=True)
class Send:
    """To the engine."""

    signal: b.Signal


@dataclass(frozen=True, slots=True)
class SayOurselves:
    """Speak in a voice that is not the engine's. Answered by AgentAudio and so on, of `item`."""

    item: str
    text: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Begin another session with what there was so far; signals wait for it."""

    history: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class ModelInformed:
    """The engine goes on with these: what the caller heard of results, and has said to questions."""

    messages: tuple[Message, ...]


Command: TypeAlias = (
    Play
    | PassMark
    | Send
    | SayOurselves
    | Reconnect
    | ModelInformed
    | s.RunTool
    | s.Pause
    | s.Resume
    | s.Flush
    | s.WatchHeard
    | s.Tell
    | s.Leave
)
