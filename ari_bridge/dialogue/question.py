"""What the agent has just asked: "yes" is an answer after a question, a mere nod elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.words import words

_SENTENCE = re.compile(r"[^.?!…]*[.?!…]+|[^.?!…]+$")


class Kind(Enum):
    NONE = "nothing was asked"
    YES_OR_NO = "yes or no answers it"
    OPEN = "it wants words"
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
        return Question(Kind.NUMBER) if wants_number else NO_QUESTION
    if language.asks_number.within(said) and is_open:
        return Question(Kind.NUMBER)
    return Question(Kind.OPEN if is_open else Kind.YES_OR_NO)
