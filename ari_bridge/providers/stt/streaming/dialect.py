"""How one vendor's recogniser is spoken to on one connection. No I/O.

                 opening   begin   audio audio audio   finish          begin ...    goodbye
    to it     ──────────┬────────┬───────────────────┬─────────┬─────────────────┬──────────▶
    from it             │        │  Words  Words     │  Words  │ Finished        │

Vendors cut speech into turns or windows of their own. What they say of each becomes Words, tentative ones
until they settle; utterances.py makes our utterances of them, and conversation.py sends and receives.
"""

from __future__ import annotations

import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeAlias, TypeVar

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Usage

M = TypeVar("M")
"""A message of the connection."""


class Billing(Enum):
    """What a vendor bills, and so who counts it."""

    AUDIO = auto()
    """The audio that it was sent."""
    SESSION = auto()
    """The time for which the connection was open."""
    TOLD = auto()
    """What it says itself."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What a vendor wants, and what may be expected of it."""

    chunk_ms: int = 60
    """Audio is sent in pieces of this length: fewer messages, and words are only that much later."""
    least_ms: int = 0
    """A shorter last piece is filled up with silence. At most chunk_ms."""
    trailing_ms: int = 0
    """Silence that is sent after an utterance, before it is finished."""
    always_answers: bool = True
    """Whether each utterance's finish is answered. If not, an answer that is late is as good as none: what
    was understood so far is the transcript."""
    one_by_one: bool = False
    """An utterance is sent when the one before it has been answered."""
    once: bool = False
    """A connection serves one utterance; the next one is opened at once, and waits."""
    keep_alive_s: float | None = None
    """Something has to be sent so often."""
    keep_alive_ms: int = 0
    """So much silence; 0: the dialect's own message."""
    renew_s: float | None = None
    """A connection that is older is replaced when the caller is silent, before the vendor closes it."""
    catch_up: float | None = None
    """How many times faster than it was spoken audio that has waited may be sent; None: at once."""
    ahead_s: float = 1.0
    """So much of it at once."""
    billing: Billing = Billing.AUDIO


@dataclass(frozen=True, slots=True)
class Words:
    """What a stretch of speech was understood as. Tentative words are of all that is not settled yet, and
    replace those before them."""

    text: str
    is_settled: bool
    confidence: float | None = None
    """0..1."""
    turn: int | None = None
    """Which of the connection's utterances it is of, from 0, where the vendor tells utterances apart."""
    from_s: float | None = None
    """Where the words begin, in the connection's audio, where the vendor tells times."""
    until_s: float | None = None
    """Up to where the audio is dealt with by the settled words: it need not be sent again."""


@dataclass(frozen=True, slots=True)
class Finished:
    """All is said about an utterance whose finish was sent: the one that is named, or those that began before
    a time, or the oldest."""

    turn: int | None = None
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reply(Generic[M]):
    """The vendor wants to be told this."""

    message: M


Understood: TypeAlias = Words | Finished | Reply[M] | Usage


class Dialect(ABC, Generic[M]):
    """A new one for each connection. What it is told it may keep: it is the connection's state.

    `take` may raise ProviderError for what the vendor complains of. It may read messages as if they were as
    documented: a KeyError and the like is told to the operator as an answer that makes no sense.
    """

    manners: Manners = Manners()

    @property
    @abstractmethod
    def service(self) -> str:
        """Vendor and model: what has a price of its own."""

    def opening(self) -> Iterable[M]:
        return ()

    def begin(self) -> Iterable[M]:
        """An utterance begins."""
        return ()

    @abstractmethod
    def audio(self, pcm: Pcm16) -> Iterable[M]:
        """At the call's rate."""

    @abstractmethod
    def finish(self) -> Iterable[M]:
        """The utterance is over, its final words are wanted."""

    def keep_alive(self) -> Iterable[M]:
        return ()

    def goodbye(self) -> Iterable[M]:
        """The connection is of no more use."""
        return ()

    @abstractmethod
    def take(self, message: M) -> Iterable[Understood[M]]:
        """What the vendor has said. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a WebSocket is opened. Keys stand in headers only: URLs get into logs."""

    url: str
    headers: Mapping[str, str]
    params: Sequence[tuple[str, str]] = field(default=())


class SocketDialect(Dialect[str | bytes]):
    """On a WebSocket."""

    @abstractmethod
    def handshake(self) -> Handshake: ...


def text(message: Mapping[str, Any]) -> str:
    """A JSON object, to be sent."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def joined(texts: Iterable[str]) -> str:
    """Stretches of one utterance; with spaces, except in scripts that have none between words."""
    whole = ""
    for text in texts:
        text = text.strip()
        if whole and text and not (_is_spaceless(whole[-1]) and _is_spaceless(text[0])):
            whole += " "
        whole += text
    return whole


def _is_spaceless(character: str) -> bool:
    is_wide = unicodedata.east_asian_width(character) in "WF"
    return is_wide and not unicodedata.name(character, "").startswith("HANGUL")
