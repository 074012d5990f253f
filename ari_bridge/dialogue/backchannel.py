"""What the caller said while the agent spoke: a sign of listening, or the wish to speak?

A *backchannel* (V. Yngve, 1970) is what a listener says without claiming the turn: "uh-huh", "okay", "right".
The agent goes on where it stopped. The same word is an answer once the agent has asked something, and a few
words ("stop", "wait", "no") always claim the turn.
"""

from __future__ import annotations

from enum import Enum

from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.question import NO_QUESTION, Kind, Question
from ari_bridge.dialogue.words import words


class Meaning(Enum):
    NOISE = "no words: a cough, a door, the street"
    BACKCHANNEL = "go on, I am listening"
    INTERRUPTION = "let me speak"


def meaning(text: str, language: Language, asked: Question = NO_QUESTION, *, words_min: int = 1) -> Meaning:
    """Of a transcript, partial or final.

    `asked`: the question that the agent's words had come to when the voice began; NO_QUESTION while the agent
    is in the middle of something. `words_min`: so many words besides the listener's make an interruption;
    urgent ones need no company.
    """
    said = words(text)
    if not said:
        return Meaning.NOISE
    if language.urgent.within(said):
        return Meaning.INTERRUPTION
    if asked.kind is not Kind.NONE and not language.hesitations.make_up(said):
        return Meaning.INTERRUPTION
    if asked.kind is Kind.YES_OR_NO and language.answers.make_up(said):
        return Meaning.INTERRUPTION  # "uh-huh" is hesitation by its sounds, and a yes
    rest = (language.listening | language.hesitations).left_over(said)
    return Meaning.INTERRUPTION if rest and len(rest) >= words_min else Meaning.BACKCHANNEL
