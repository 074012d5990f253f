"""How what the caller said so far ends, and so how likely it is that more follows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from ari_bridge.dialogue.digits import Run, runs
from ari_bridge.dialogue.languages.base import SOUNDS, Language
from ari_bridge.dialogue.question import NO_QUESTION, Kind, Question, number_length
from ari_bridge.dialogue.words import Phrases, Words, words

QUESTION_WORDS_MIN = 4
"""A shorter one ("can you change", "are you open") may only have begun, unless a question mark ends it."""
QUESTION_BEGUN_WORDS = 3
"""And one of fewer words ("can you", "what is") has."""
SPELLED_MIN = 3
"""So many digits in a row, and nobody knows how many there will be: a number is being told."""
LETTERS_MIN = 2
"""So many letters in a row: a name is being spelled."""
SHORT_WORDS_MAX = 3
"""Of an answer that names what was asked for and need not be a sentence: "tomorrow at nine"."""
EXPECTED_MIN = 2
"""One word that the agent expects may be the first of anything."""
NOTHING = Phrases()


class Phrasing(Enum):
    UNKNOWN = "no transcript yet"
    HESITATING = "ends in 'uhm', 'let me see'"
    UNFINISHED = "ends in 'and', 'my number is', 'can you tell me where'"
    NUMBER_UNFINISHED = "ends in fewer digits than were asked for"
    NUMBER_GOING_ON = "ends in digits, and there may be more"
    SPELLING = "ends in single letters"
    PLAIN = "nothing tells"
    YES_OR_NO = "a yes or no that nobody had asked for: often the first word of a sentence"
    STOPPED = "ends in a full stop that the recogniser wrote"
    REFUSAL = "a bare no to a question: a reason, or what is right instead, often follows"
    ONE_WORD = "one word to a question that wants words: a name, and perhaps more of it"
    SHORT_QUESTION = "a question of three words, which may go on"
    SHORT_ANSWER = "a few words, as the question wanted"
    QUESTION = "a whole question"
    CLOSING = "ends in 'thank you', 'that is all'"
    EXPECTED = "word for word what the agent expects, and nothing longer that it expects begins so"
    NUMBER_WHOLE = "ends in as many digits as were asked for"
    ANSWER = "a bare yes, as was asked for"
    FULL_ANSWER = "more than the one word: 'yes please', 'no thanks', 'that's right'"


GOES_ON: Mapping[Phrasing, float] = MappingProxyType(
    {
        Phrasing.UNKNOWN: 0.5,
        Phrasing.HESITATING: 0.97,
        Phrasing.UNFINISHED: 0.94,
        Phrasing.NUMBER_UNFINISHED: 0.95,
        Phrasing.NUMBER_GOING_ON: 0.7,
        Phrasing.SPELLING: 0.7,
        Phrasing.PLAIN: 0.5,
        Phrasing.YES_OR_NO: 0.5,
        Phrasing.STOPPED: 0.4,
        Phrasing.REFUSAL: 0.45,
        Phrasing.ONE_WORD: 0.45,
        Phrasing.SHORT_QUESTION: 0.25,
        Phrasing.SHORT_ANSWER: 0.35,
        Phrasing.QUESTION: 0.12,
        Phrasing.CLOSING: 0.12,
        Phrasing.EXPECTED: 0.1,
        Phrasing.NUMBER_WHOLE: 0.06,
        Phrasing.ANSWER: 0.27,
        Phrasing.FULL_ANSWER: 0.08,
    }
)
"""At a pause after it: how probable it is that the caller has not finished. Judged by hand, not fitted: what
counts is the order, and that PLAIN and UNKNOWN are even, since for them `end_of_turn_ms` is meant.

A no is followed by more than a yes is: who agrees is brief, who does not gives an account (A. Pomerantz,
"Agreeing and Disagreeing with Assessments", in: Structures of Social Action, 1984)."""


def phrasing(
    text: str | None, language: Language, asked: Question = NO_QUESTION, expected: Phrases = NOTHING
) -> Phrasing:
    """`text`: the caller's turn so far, None while nothing is known of it. `asked`: by the agent, before it.
    `expected`: sentences that callers may say to this agent.

    Punctuation counts where the recogniser writes it; that it is missing says nothing.
    """
    said = words(text or "")
    if text is None or not said:
        return Phrasing.UNKNOWN
    answer = _answer(said, language, asked)
    if answer is not None:
        return answer
    if language.hesitations.end(said) or language.opening.begin(said) == len(said):
        return Phrasing.HESITATING
    return _by_number(said, language, asked) or _by_ending(text, said, language, asked, expected)


def _answer(said: Words, language: Language, asked: Question) -> Phrasing | None:
    if not (language.answers | SOUNDS).make_up(said):
        return None
    is_no = language.noes.begin(said) == len(said)
    if asked.kind is Kind.OFFER and language.noes.begin(said):
        return Phrasing.ANSWER if is_no else Phrasing.FULL_ANSWER
    if asked.kind is not Kind.YES_OR_NO:
        return None
    if is_no:
        return Phrasing.REFUSAL
    return Phrasing.FULL_ANSWER if len(said) > 1 else Phrasing.ANSWER


def _by_number(said: Words, language: Language, asked: Question) -> Phrasing | None:
    if len(_letters(said)) >= LETTERS_MIN:
        return Phrasing.SPELLING
    numbers = runs(said, language)
    longest = max((run.digits for run in numbers), default=0)
    last = numbers[-1] if numbers and numbers[-1].end == len(said) else None
    least, most = asked.digits_min, asked.digits_max
    if asked.kind is not Kind.NUMBER:
        # "My phone number is …": the caller says what it is going to be.
        least, most = number_length(said, language)
        if last is None or not (least or (last.digits >= SPELLED_MIN and _told_one_by_one(last))):
            return None
    if most and longest >= most:
        return Phrasing.NUMBER_WHOLE
    if last is None:
        return None
    if last.digits < least:
        return Phrasing.NUMBER_UNFINISHED
    return Phrasing.NUMBER_GOING_ON


def _letters(said: Words) -> Words:
    """The single letters it ends in."""
    count = next((n for n, word in enumerate(reversed(said)) if len(word) > 1 or word.isdecimal()), len(said))
    return said[len(said) - count :]


def _told_one_by_one(run: Run) -> bool:
    """Unlike a year or a price that came as one word."""
    return run.end - run.start > 1


def _by_ending(text: str, said: Words, language: Language, asked: Question, expected: Phrases) -> Phrasing:
    ending = text.rstrip(" \"'»”)")
    if ending.endswith("?"):
        return Phrasing.QUESTION
    if language.closings.end(said):
        return Phrasing.CLOSING
    if language.answers.make_up(said):
        return Phrasing.YES_OR_NO
    particle = language.particles.end(said)
    before = said[: len(said) - particle]
    if language.hanging.end(said) or (particle and not language.open_questions.within(before)):
        return Phrasing.UNFINISHED
    if ending.endswith(("…", "...", "-", "–", "—", ",", ":", ";")):
        return Phrasing.UNFINISHED
    question = _question(said, language)
    if _has_begun_to_ask(said, question, language):
        return Phrasing.UNFINISHED
    if len(said) >= EXPECTED_MIN and expected.begin(said) == len(said) > expected.opened(said):
        return Phrasing.EXPECTED
    if question:
        return Phrasing.QUESTION if len(question) >= QUESTION_WORDS_MIN else Phrasing.SHORT_QUESTION
    if asked.kind is Kind.OPEN and len(said) <= SHORT_WORDS_MAX:
        return Phrasing.SHORT_ANSWER if len(said) > 1 else Phrasing.ONE_WORD
    return Phrasing.STOPPED if ending.endswith((".", "!")) else Phrasing.PLAIN


def _question(said: Words, language: Language) -> Words:
    """From where it begins, once what may stand before a sentence is over (yes, well, uhm); () for none."""
    preface = language.answers | language.opening | language.hesitations | language.greetings
    while len(said) >= QUESTION_BEGUN_WORDS:
        if language.questions.begin(said):
            return said
        skipped = preface.begin(said)
        if not skipped:
            return ()
        said = said[skipped:]
    return ()


def _has_begun_to_ask(said: Words, question: Words, language: Language) -> bool:
    """Whether a question within the sentence has only begun: "can you tell me", "do you know what time"."""
    if question and language.embedding.end(question):
        asking = language.open_questions.begin(question)
        return asking in (0, len(question))  # unlike "what did you say"
    return any(
        language.embedding.end(said[:start]) and language.open_questions.begin(said[start:])
        for start in (len(said) - 1, len(said) - 2)
        if start > 0
    )
