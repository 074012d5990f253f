"""When is the caller's turn over? How long to wait in silence, by what was said and how this caller pauses.

A pause is either inside a turn or its end. Let g be the probability that the caller goes on, by what was said
so far, and S(t) the share of this caller's pauses inside turns that last longer than t. After t of silence,

    P(goes on | silent for t)  =  g S(t) / (g S(t) + 1 - g)

which falls with t. The turn is over when it has fallen to RISK, the share of turns that may be cut off:

    S(t)  =  RISK / (1 - RISK) · (1 - g) / g

so t is a quantile of the pauses: long where more must follow (g near 1), short after a plain yes (g near 0),
and the caller's own. (The cost of waiting against that of cutting in, decided pause by pause: A. Raux,
M. Eskenazi, "Optimizing the Turn-Taking Behavior of Task-Oriented Spoken Dialog Systems", ACM Transactions
on Speech and Language Processing 9(1), 2012.)

`end_of_turn_ms` is t for a caller of whom nothing is known, when nothing is known of what was said (g = 1/2):
that fixes the median of the pauses expected at first. A bound below and one above hold whatever comes out.

The same formula with a greater risk says when the end is *likely*: then a model may be asked in advance, for
an answer that is thrown away if the caller goes on (eager end of turn).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.pauses import SPREAD, Pauses, quantile
from ari_bridge.dialogue.phrasing import GOES_ON, NOTHING, Phrasing, phrasing
from ari_bridge.dialogue.question import NO_QUESTION, Question
from ari_bridge.dialogue.words import Phrases
from ari_bridge.settings import TurnSettings

RISK = 0.04
"""Of cutting a caller off, at each pause, if probabilities were right. Less than what is promised (0.05), as
they are estimates, from a few pauses."""
EAGER_RISK = 0.35
"""Of having asked the model in vain."""
EAGER_MIN_MS = 100.0
DOUBT = 0.8
"""Log-odds by words that the recogniser may take back, to those by sure ones."""
LONG_TURN_S = 5.0
"""Who has spoken for longer tells a story, and stories have pauses."""
LOG_ODDS_A_SECOND, LONG_TURN_MAX = 0.06, 0.6

_TELLS_NOTHING = (Phrasing.UNKNOWN, Phrasing.PLAIN)


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The caller's turn at the beginning of a silence."""

    text: str | None = None
    """What was understood so far, of all its pieces; None while there is no transcript, partial or final."""
    voiced_s: float = 0.0
    """How long the caller has spoken, pauses left out."""
    asked: Question = NO_QUESTION
    """By the agent, before it."""
    ends: float | None = None
    """How probable the end is (0..1) by a model that heard it; None where there is none, or it is not done.
    It takes the place of the text."""
    is_sure: bool = True
    """False where the recogniser is not sure of the text, which then counts for less."""


@dataclass(frozen=True, slots=True)
class Wait:
    """In ms of silence, since the end of the last voiced frame."""

    eager_ms: float
    """After which the end is likely; never more than end_ms."""
    end_ms: float
    """After which the turn is over."""
    phrasing: Phrasing
    """Why: how the text ends."""


class EndOfTurn(Protocol):
    """One caller's, for one call. Pure: it is told everything, and asked as often as there is news."""

    def wait(self, turn: OpenTurn) -> Wait:
        """To be asked when the caller falls silent, and again in the same silence when the text or a model's
        verdict arrives: the latest answer counts, for the whole silence."""
        ...

    def went_on(self, after_ms: float) -> None:
        """The caller spoke again after so much silence, and it is the same turn: also when it had been taken
        for finished."""
        ...

    def ended(self) -> None:
        """A turn is over for good: the agent's answer to it was heard."""
        ...


class FixedEndOfTurn:
    """The same silence for everybody, whatever they say."""

    def __init__(self, end_ms: float) -> None:
        self._wait = Wait(end_ms, end_ms, Phrasing.UNKNOWN)

    def wait(self, turn: OpenTurn) -> Wait:
        return self._wait

    def went_on(self, after_ms: float) -> None:
        pass

    def ended(self) -> None:
        pass


class AdaptiveEndOfTurn:
    """By what was said and by how the caller pauses: the theory above."""

    def __init__(
        self,
        language: Language,
        *,
        end_ms: float,
        min_ms: float,
        max_ms: float,
        expected: Phrases = NOTHING,
    ) -> None:
        """`expected`: sentences that callers may say to this agent. Raises ValueError unless
        0 < min_ms <= end_ms <= max_ms."""
        if not 0 < min_ms <= end_ms <= max_ms:
            raise ValueError(f"must be 0 < min_ms <= end_ms <= max_ms: {min_ms}, {end_ms}, {max_ms}")
        self._language, self._expected = language, expected
        self._min_ms, self._max_ms = min_ms, max_ms
        self._pauses = Pauses(end_ms / math.exp(quantile(_share(RISK, 0.0)) * SPREAD))

    def wait(self, turn: OpenTurn) -> Wait:
        how = phrasing(turn.text, self._language, turn.asked, self._expected)
        goes_on = GOES_ON[how] if turn.ends is None else 1 - turn.ends
        odds = _log_odds(goes_on) * (DOUBT if turn.ends is None and not turn.is_sure else 1)
        odds += _story(turn.voiced_s)
        if how in _TELLS_NOTHING and turn.ends is None:
            odds += self._pauses.log_odds  # words tell more than the habit does
        end_ms = self._bounded(self._pauses.longer_than_ms(_share(RISK, odds)))
        eager_ms = max(EAGER_MIN_MS, self._pauses.longer_than_ms(_share(EAGER_RISK, odds)))
        return Wait(min(eager_ms, end_ms), end_ms, how)

    def went_on(self, after_ms: float) -> None:
        self._pauses.went_on(after_ms)

    def ended(self) -> None:
        self._pauses.ended()

    def _bounded(self, wait_ms: float) -> float:
        return min(max(wait_ms, self._min_ms), self._max_ms)


def end_of_turn(settings: TurnSettings, language: Language, phrases: Iterable[str] = ()) -> EndOfTurn:
    """For one call. `phrases`: what callers are expected to say, one each."""
    if settings.end_of_turn == "fixed":
        return FixedEndOfTurn(settings.end_of_turn_ms)
    return AdaptiveEndOfTurn(
        language,
        end_ms=settings.end_of_turn_ms,
        min_ms=settings.shortest_ms,
        max_ms=settings.longest_ms,
        expected=Phrases(*(phrase.replace(",", " ") for phrase in phrases)),
    )


def _share(risk: float, log_odds: float) -> float:
    """S(t) at which P(goes on | silent for t) is `risk`, where `log_odds` were those of going on."""
    return risk / (1 - risk) * math.exp(-log_odds)


def _log_odds(probability: float) -> float:
    """A model that is quite sure is not taken at its word."""
    sure = min(max(probability, 0.02), 0.98)
    return math.log(sure / (1 - sure))


def _story(voiced_s: float) -> float:
    return min(max(voiced_s - LONG_TURN_S, 0.0) * LOG_ODDS_A_SECOND, LONG_TURN_MAX)
