"""The protocols behind which every speech and language engine stands.

A provider module defines an options model, a class and one `PROVIDER` record; the registry finds it in the
folder of its kind.
All engines stream; closing the iterator (`aclose`, or cancelling the task that reads it) stops the
engine at once and frees what it held. Every failure is a ProviderError. Audio is PCM16 mono at the
`rate_hz` of the call; an engine that wants another rate resamples at its own door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.providers.speech.base import SpeechToSpeech
from ari_bridge.providers.usage import Meter as Meter
from ari_bridge.providers.usage import Usage as Usage
from ari_bridge.providers.usage import unmetered as unmetered


class Kind(Enum):
    STT = "stt"
    LLM = "llm"
    TTS = "tts"
    SPEECH = "speech to speech"
    TURN = "turn detector"


# ------------------------------------------------------------------ speech to text


@dataclass(frozen=True, slots=True)
class Heard:
    """Caller audio, in order. Sent only while an utterance is open (with its pre-roll first)."""

    pcm: Pcm16


@dataclass(frozen=True, slots=True)
class UtteranceStart:
    utterance: int


@dataclass(frozen=True, slots=True)
class UtteranceEnd:
    """The caller has stopped: the engine answers with the final transcript of this utterance."""

    utterance: int


SttInput: TypeAlias = Heard | UtteranceStart | UtteranceEnd


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the engine understood. Exactly one final one answers each UtteranceEnd (text may be "")."""

    utterance: int
    text: str
    final: bool
    confidence: float | None = None
    """0..1 where the engine gives one."""


@dataclass(frozen=True, slots=True)
class SpeechContext:
    """What a recogniser may know beforehand."""

    rate_hz: int
    language: str = "en"
    phrases: tuple[str, ...] = ()
    """Likely sentences, plain words."""
    meter: Meter = unmetered


class SpeechToText(Protocol):
    def transcribe(self, audio: AsyncIterator[SttInput], context: SpeechContext) -> AsyncIterator[Transcript]:
        """Partial and final transcripts of one call, until `audio` ends. Connects at once: it is called while
        the greeting plays."""
        ...

    async def close(self) -> None: ...


# ------------------------------------------------------------------ language model


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


ReplyDelta: TypeAlias = TextDelta | ToolCall | Usage


class LanguageModel(Protocol):
    @property
    def phrases(self) -> tuple[str, ...]:
        """Caller sentences this model is prepared for, as hints to a recogniser; () for real models."""
        ...

    def reply(self, history: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncIterator[ReplyDelta]:
        """The agent's next turn, as deltas. After tool calls the caller of this runs them and asks again
        with their results in the history. The engine keeps no state of its own between calls: all it may
        use is the history."""
        ...

    async def close(self) -> None: ...


# ------------------------------------------------------------------ text to speech


@dataclass(frozen=True, slots=True)
class WordTime:
    """From when to when a word sounds, in samples since the start of its sentence's audio, and which
    characters of the sentence it is: text[start_char:end_char]."""

    start_char: int
    end_char: int
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of a sentence's audio. `words` may come early or late, but before the sentence is done."""

    pcm: Pcm16
    words: tuple[WordTime, ...] = ()


@dataclass(frozen=True, slots=True)
class VoiceContext:
    rate_hz: int
    language: str = "en"
    pace: float = 1.0
    """Of the speech, against the voice's own: 0.75 is slower. An engine that cannot may ignore it."""
    meter: Meter = unmetered


class TextToSpeech(Protocol):
    def speak(self, sentence: str, context: VoiceContext) -> AsyncIterator[Speech]:
        """The audio of one sentence, streamed in pieces of some 20-200 ms."""
        ...

    async def close(self) -> None: ...


# ------------------------------------------------------------------ end of turn

TURN_AUDIO_S = 8.0
"""What a detector may get to hear at most; models of this kind are trained on about as much."""


@dataclass(frozen=True, slots=True)
class CallerPause:
    """The caller has fallen silent: is the turn over?"""

    pcm: Pcm16
    """The latest of the turn's audio, at most TURN_AUDIO_S, up to now."""
    rate_hz: int
    language: str
    text: str | None
    """What the recogniser has understood of the turn so far; None while it has told nothing."""
    agent_text: str
    """What the agent said before, as far as it was heard."""


class TurnDetector(Protocol):
    """A model that hears (or reads) whether a turn is over. It takes the place of judging by the words alone,
    which goes on without it where it fails or is late (see dialogue/endpoint.py)."""

    async def turn_ends(self, pause: CallerPause) -> float:
        """How probable it is (0..1) that the turn is over. Asked once a pause, cancelled at its time limit or
        when the caller goes on. Raises ProviderError."""
        ...

    async def close(self) -> None: ...


# ------------------------------------------------------------------ connections


@runtime_checkable
class Warming(Protocol):
    """An engine that has a connection to open, whatever its kind."""

    async def warm(self) -> None:
        """Open what the first request would otherwise wait for; done while the greeting plays. Never raises:
        what is wrong shows at the first request."""
        ...


async def warmed(engine: object) -> None:
    """Warm an engine, if there is anything to warm."""
    if isinstance(engine, Warming):
        await engine.warm()


@runtime_checkable
class Preparing(Protocol):
    """A voice that can have a fixed phrase ready, for when it cannot speak any more."""

    async def prepare(self, text: str, context: VoiceContext) -> None:
        """Returns when it is there, at once where it was. Raises ProviderError."""
        ...


# ------------------------------------------------------------------ registry


Engine: TypeAlias = SpeechToText | LanguageModel | TextToSpeech | SpeechToSpeech | TurnDetector


@dataclass(frozen=True, slots=True)
class Provider:
    """One entry of the registry. `build` gets the checked options, once a service (not once a call)."""

    name: str
    kind: Kind
    options: type[BaseModel]
    build: Callable[[Any], Engine]
    summary: str
    """One line for `ari-bridge providers`."""


Options: TypeAlias = Mapping[str, Any]
