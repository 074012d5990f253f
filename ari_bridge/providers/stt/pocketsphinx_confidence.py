"""How likely it is that the caller really said the sentence into which the grammar forced what was heard.

A grammar has no word for "something else", so any speech comes out as one of its sentences. What gives such a
sentence away is how badly it lies on the sound:

    word_loss      score lost per frame in its words. Each frame's score is relative to the best of all sound
                   models in that frame, so speech that is what it is taken for loses little.
    inner_loss     score lost in pauses between the words (a sentence that is too short has to pause), per
                   frame of the words
    outer_loss     score lost per frame in the worse of the pauses before and after: speech taken for silence
    duration_error how far the words are longer or shorter than their phones usually last
    hurry          how much too short the shortest is
    length         the longer it is, the less loss per frame is forgiven
    is_completed   its last word was not heard

The seven are weighed by logistic regression, fitted on synthetic voices through 8 kHz µ-law, clean, noisy and
quiet; tested on voices and sentences it had not seen (docs/offline-providers.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

_FRAMES_A_PHONE = 8.0
_SHORTEST_OUTER_FRAMES = 9


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or pause on the sound: how many 10 ms frames it lasts, and the log score lost there."""

    word: str
    frames: int
    lost: float

    @property
    def is_pause(self) -> bool:
        """A pause, a noise, or a mark of the sentence's ends."""
        return self.word.startswith(("<", "[", "+"))

    @property
    def spelling(self) -> str:
        """The word without the number of its pronunciation: "the(2)" is "the"."""
        return self.word.partition("(")[0]


@dataclass(frozen=True, slots=True)
class Fit:
    word_loss: float
    inner_loss: float
    outer_loss: float
    duration_error: float
    """Mean over the words of |log(frames a phone / usual)|."""
    hurry: float
    """-log(frames a phone / usual) of the shortest word."""
    length: float
    """log of the words' frames in units of 30."""
    is_completed: bool


_WEIGHTS = (-2.33, -1.52, -1.18, -6.27, -2.08, -2.44, -3.03)
"""In the order of Fit's fields."""
_BIAS = 20.19


def confidence(fit: Fit) -> float:
    """0..1; 0.5 where expected speech and other speech were equally likely."""
    log_odds = _BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, astuple(fit), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds))))


def fit_of(
    segments: Sequence[Segment], pronunciations: Mapping[str, Sequence[str]], *, is_completed: bool
) -> Fit | None:
    """None when there is no word."""
    spoken = [index for index, segment in enumerate(segments) if not segment.is_pause]
    if not spoken:
        return None
    words = [segments[index] for index in spoken]
    inner = [s for s in segments[spoken[0] : spoken[-1]] if s.is_pause and s.frames > 1]
    outer = [*segments[: spoken[0]], *segments[spoken[-1] + 1 :]]
    frames = sum(word.frames for word in words)
    paces = [_pace(word, pronunciations[word.spelling]) for word in words]
    return Fit(
        word_loss=sum(word.lost for word in words) / frames,
        inner_loss=sum(pause.lost for pause in inner) / frames,
        outer_loss=max((p.lost / p.frames for p in outer if p.frames >= _SHORTEST_OUTER_FRAMES), default=0.0),
        duration_error=sum(map(abs, paces)) / len(paces),
        hurry=-min(paces),
        length=math.log(frames / 30),
        is_completed=is_completed,
    )


def _pace(word: Segment, pronunciations: Sequence[str]) -> float:
    """log(frames a phone / usual), by the pronunciation that suits its length best."""
    wanted = word.frames / _FRAMES_A_PHONE
    phones = min((len(phones.split()) for phones in pronunciations), key=lambda count: abs(count - wanted))
    return math.log(wanted / phones)
