"""What goes into a dialogue session (events, in the past tense) and what comes out of it (commands).

Times are monotonic seconds; positions are samples of agent audio since the port was opened. Utterances,
rounds and sentences are numbered by the session; an event about a number that is no longer of interest is
ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from ari_bridge.core.audio import Onset
from ari_bridge.core.messages import Message, ToolCall
from ari_bridge.dialogue.history import WordSpan
from ari_bridge.dialogue.live import LiveKind


class Engine(Enum):
    """Which provider failed; the value stands in ARIBRIDGECAUSE."""

    STT = "PROVIDER_STT"
    LLM = "PROVIDER_LLM"
    TTS = "PROVIDER_TTS"
    SPEECH = "PROVIDER_SPEECH"
    """One that hears and speaks itself."""


# ------------------------------------------------------------------ events


@dataclass(frozen=True, slots=True)
class VoiceOn:
    started_s: float
    """Beginning of the first voiced frame."""


@dataclass(frozen=True, slots=True)
class VoiceHeld:
    until_s: float
    """End of the latest voiced frame."""


@dataclass(frozen=True, slots=True)
class VoiceOff:
    ended_s: float
    """End of the last voiced frame."""


@dataclass(frozen=True, slots=True)
class DigitPressed:
    digit: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The final transcript of an utterance."""

    utterance: int
    text: str


@dataclass(frozen=True, slots=True)
class PartlyTranscribed:
    """What the recogniser takes an open utterance for, so far."""

    utterance: int
    text: str
    is_sure: bool = True
    """Not a mere guess: the words so far will most likely stay."""


@dataclass(frozen=True, slots=True)
class PauseJudged:
    """How probable it is (0..1) that the caller's turn is over, by a model that heard it."""

    pause: int
    ends: float


@dataclass(frozen=True, slots=True)
class ReplyText:
    round: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyToolCall:
    round: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    round: int


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The model failed for good in the middle of it, or before."""

    round: int


@dataclass(frozen=True, slots=True)
class ToolReturned:
    call: ToolCall
    result: str
    decides_outcome: bool
    """The call leaves us once the agent's words have been heard."""
    refused: bool = False
    """There is no such tool, or it may not be run like that: nothing was done."""


@dataclass(frozen=True, slots=True)
class SpeechQueued:
    """A piece of a sentence's audio is about to be queued at `start`."""

    sentence: int
    start: int
    sample_count: int
    words: tuple[WordSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """All audio of a sentence is queued."""

    sentence: int


@dataclass(frozen=True, slots=True)
class Played:
    """Agent audio has left up to `position`. `onset` tells exactly when, where it is known."""

    position: int
    onset: Onset | None = None


@dataclass(frozen=True, slots=True)
class Flushed:
    """A Flush was carried out; audio had left up to `position`."""

    position: int


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """A provider failed for good (what could be tried again has been)."""

    engine: Engine


@dataclass(frozen=True, slots=True)
class StoodAside:
    """The dialogue stands still (`aside`), or goes on. Meanwhile silence is nobody's fault."""

    aside: bool


@dataclass(frozen=True, slots=True)
class KeysDiverted:
    """The caller is asked for keys that are not for the dialogue (`diverted`), or no longer is."""

    diverted: bool


@dataclass(frozen=True, slots=True)
class TimerDue:
    """The time of next_timer() has come."""


Event: TypeAlias = (
    VoiceOn
    | VoiceHeld
    | VoiceOff
    | DigitPressed
    | Transcribed
    | PartlyTranscribed
    | PauseJudged
    | ReplyText
    | ReplyToolCall
    | ReplyEnded
    | ReplyFailed
    | ToolReturned
    | SpeechQueued
    | SpeechEnded
    | Played
    | Flushed
    | EngineFailed
    | StoodAside
    | KeysDiverted
    | TimerDue
)


# ------------------------------------------------------------------ commands


@dataclass(frozen=True, slots=True)
class OpenUtterance:
    """Send the caller's audio to the recogniser, beginning with what was heard at `from_s`."""

    utterance: int
    from_s: float


@dataclass(frozen=True, slots=True)
class CloseUtterance:
    """Answered by one Transcribed."""

    utterance: int


@dataclass(frozen=True, slots=True)
class JudgePause:
    """The caller has fallen silent. Answered by one PauseJudged, or none."""

    pause: int
    from_s: float
    """Beginning of the turn."""
    text: str
    """What was understood of it; "" while that is nothing."""
    agent_text: str
    """What the caller has heard of the agent before."""


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask the model. Answered by any number of ReplyText and ReplyToolCall, and one ReplyEnded or
    ReplyFailed."""

    round: int
    messages: tuple[Message, ...]
    tentative: bool = False
    """It is not sure that the caller has said all of it: CommitReply follows, or CancelReply."""


@dataclass(frozen=True, slots=True)
class CommitReply:
    """The tentative round answers what the caller has really said."""

    messages: tuple[Message, ...]
    """As they are now."""


@dataclass(frozen=True, slots=True)
class CancelReply:
    round: int


@dataclass(frozen=True, slots=True)
class RunEarly:
    """A tentative round calls it. It may be run now if it has no effects; what it finds is for the RunTool of
    the same call that may follow, and for nobody else. Answered by nothing."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run it, this once. Answered by one ToolReturned."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Speak:
    """Speak a sentence after those before it. Answered by SpeechQueued, one a piece, and one SpeechEnded."""

    sentence: int
    text: str
    is_filler: bool = False
    """It only passes the time: what comes after it need not wait for its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence for the caller, at once. Answered by Played."""


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class Flush:
    """Stop speaking and forget every Speak so far; unpause. Answered by one Flushed."""


@dataclass(frozen=True, slots=True)
class WatchHeard:
    """Tell by Played when audio has left up to `position` (or was flushed)."""

    position: int


@dataclass(frozen=True, slots=True)
class Tell:
    """For whoever follows the call live."""

    kind: LiveKind
    text: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """The conversation is over: by an action's outcome when no field says otherwise."""

    failed: Engine | None = None
    time_up: bool = False
    nobody_there: bool = False


Command: TypeAlias = (
    OpenUtterance
    | CloseUtterance
    | JudgePause
    | StartReply
    | CommitReply
    | CancelReply
    | RunEarly
    | RunTool
    | Speak
    | Pause
    | Resume
    | Flush
    | WatchHeard
    | Tell
    | Leave
)
