"""How what the caller said so far ends, and so how likely it is that more follows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from ari_bridge.dialogue.digits import Run, runs
from ari_bridge.dialogue.languages.base import SOUNDS, Language
from ari_bridge.dialogue.question import NO_QUESTION, Kind, Question
from ari_bridge.dialogue.words import Words, words

QUESTION_WORDS_MIN = 3
"""A shorter one ("can you", "what is") has only begun, unless a question mark ends it."""
SPELLED_MIN = 3
"""So many digits in a row, and nobody knows how many there will be: a number is being told."""


class Phrasing(Enum):
    UNKNOWN = "no transcript yet"
    HESITATING = "ends in 'uhm', 'let me see'"
    UNFINISHED = "ends in 'and', 'my number is'"
    NUMBER_UNFINISHED = "ends in fewer digits than were asked for"
    NUMBER_GOING_ON = "ends in digits, and there may be more"
    PLAIN = "nothing tells"
    YES_OR_NO = "a yes or no that nobody had asked for: often the first word of a sentence"
    QUESTION = "a whole question"
    CLOSING = "ends in 'thank you', 'that is all'"
    NUMBER_WHOLE = "ends in as many digits as were asked for"
    ANSWER = "a plain yes or no, as was asked for"


GOES_ON: Mapping[Phrasing, float] = MappingProxyType(
    {
        Phrasing.UNKNOWN: 0.5,
        Phrasing.HESITATING: 0.97,
        Phrasing.UNFINISHED: 0.94,
        Phrasing.NUMBER_UNFINISHED: 0.95,
        Phrasing.NUMBER_GOING_ON: 0.65,
        Phrasing.PLAIN: 0.5,
        Phrasing.YES_OR_NO: 0.4,
        Phrasing.QUESTION: 0.25,
        Phrasing.CLOSING: 0.2,
        Phrasing.NUMBER_WHOLE: 0.06,
        Phrasing.ANSWER: 0.15,
    }
)
"""At a pause after it: how probable it is that the caller has not finished. Judged by hand, not fitted: what
counts is the order, and that PLAIN and UNKNOWN are even, since for them `end_of_turn_ms` is meant."""


def phrasing(text: str | None, language: Language, asked: Question = NO_QUESTION) -> Phrasing:
    """`text`: the caller's turn so far, None while nothing is known of it. `asked`: by the agent, before it.

    Punctuation counts where the recogniser writes it; that it is missing says nothing.
    """
    said = words(text or "")
    if text is None or not said:
        return Phrasing.UNKNOWN
    if asked.kind is Kind.YES_OR_NO and (language.answers | SOUNDS).make_up(said):
        return Phrasing.ANSWER
    if language.hesitations.end(said) or language.opening.begin(said) == len(said):
        return Phrasing.HESITATING
    return _by_number(said, language, asked) or _by_ending(text, said, language)


def _by_number(said: Words, language: Language, asked: Question) -> Phrasing | None:
    numbers = runs(said, language)
    longest = max((run.digits for run in numbers), default=0)
    last = numbers[-1] if numbers and numbers[-1].end == len(said) else None
    if asked.kind is not Kind.NUMBER:
        spelled = last is not None and last.digits >= SPELLED_MIN and _told_one_by_one(last)
        return Phrasing.NUMBER_GOING_ON if spelled else None
    if asked.digits_max and longest >= asked.digits_max:
        return Phrasing.NUMBER_WHOLE
    if last is None:
        return None
    if last.digits < asked.digits_min:
        return Phrasing.NUMBER_UNFINISHED
    return Phrasing.NUMBER_GOING_ON


def _told_one_by_one(run: Run) -> bool:
    """Unlike a year or a price that came as one word."""
    return run.end - run.start > 1


def _by_ending(text: str, said: Words, language: Language) -> Phrasing:
    ending = text.rstrip(" \"'»”)")
    if ending.endswith("?"):
        return Phrasing.QUESTION
    if language.answers.make_up(said):
        return Phrasing.YES_OR_NO
    if language.closings.end(said):
        return Phrasing.CLOSING
    particle = language.particles.end(said)
    before = said[: len(said) - particle]
    if language.hanging.end(said) or (particle and not language.open_questions.within(before)):
        return Phrasing.UNFINISHED
    if ending.endswith(("…", "...", "-", "–", "—", ",", ":", ";")):
        return Phrasing.UNFINISHED
    return Phrasing.QUESTION if _is_question(said, language) else Phrasing.PLAIN


def _is_question(said: Words, language: Language) -> bool:
    """By how it begins, once what may stand before a sentence is over: yes, well, uhm."""
    preface = language.answers | language.opening | language.hesitations
    while len(said) >= QUESTION_WORDS_MIN:
        if language.questions.begin(said):
            return True
        skipped = preface.begin(said)
        if not skipped:
            return False
        said = said[skipped:]
    return False
