"""What the agent has just asked: "yes" is an answer after a question, a mere nod elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.words import Words, words

_SENTENCE = re.compile(r"[^.?!…]*[.?!…]+|[^.?!…]+$")

CARD_DIGITS = (15, 16)
"""ISO/IEC 7812-1 allows 8 to 19; the cards that callers have in hand bear 15 or 16."""
PHONE_DIGITS_MIN = 7
"""ITU-T E.164 has an upper bound only; fewer are no number that can be dialled from elsewhere."""


class Kind(Enum):
    NONE = "nothing was asked"
    YES_OR_NO = "yes or no answers it"
    OPEN = "it wants words"
    OFFER = "it invites to tell: how can I help, is there anything else"
    NUMBER = "it wants digits"


@dataclass(frozen=True, slots=True)
class Question:
    kind: Kind = Kind.NONE
    digits_min: int = 0
    """Of a number: how long it is at least, where that is known."""
    digits_max: int = 0
    """And at most; 0: not known."""


NO_QUESTION = Question()


def question_in(agent_text: str, language: Language) -> Question:
    """The question with which `agent_text` ends: what the agent said last, as far as it was heard."""
    sentences = [found.strip() for found in _SENTENCE.findall(agent_text) if words(found)]
    if not sentences:
        return NO_QUESTION
    last = sentences[-1]
    said = words(last)
    is_open = any(language.open_questions.at(said, start) for start in range(len(said)))
    if not last.endswith("?"):
        # "Please tell me your order number." has no question mark.
        wants_number = language.asks_number.within(said) and bool(language.open_questions.begin(said))
        return _number(said, language) if wants_number else NO_QUESTION
    if language.asks_number.within(said) and is_open:
        return _number(said, language)
    if language.offers.within(said):
        return Question(Kind.OFFER)
    return Question(Kind.OPEN if is_open else Kind.YES_OR_NO)


def _number(said: Words, language: Language) -> Question:
    return Question(Kind.NUMBER, *number_length(said, language))


def number_length(said: Words, language: Language) -> tuple[int, int]:
    """Of the kind of number that is named in `said`: the fewest digits and the most; 0 where unknown."""
    if language.card_numbers.within(said):
        return CARD_DIGITS
    if language.phone_numbers.within(said):
        return PHONE_DIGITS_MIN, 0
    return 0, 0
