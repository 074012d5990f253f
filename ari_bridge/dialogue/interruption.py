"""Somebody is heard over the agent's words, and the agent has paused: does the caller want to speak?

What was said decides, as soon as it is known: partial transcripts while the voice is on, the final one after
it. A voice that lasts is an interruption whatever is understood of it, since no cough and no "uh-huh" takes
so long; a recogniser that understands little, or that gives no partial transcripts, costs some yielding time
then, and nothing else. A voice that has ended is waited for only so long: the agent goes on, and should words
turn up after all, the same rule is asked once more.

    voice                         transcript so far                       then
    ---------------------------------------------------------------------------------------
    on or over                    words that claim the turn               interruption
    on for `barge_in_min_ms`      none                                    interruption
    on for twice as long          only the words of a listener            interruption
    over                          final: a listener's words               no interruption
    over for `closure_ms`         final: none                             no interruption
    over for `resume_after_ms`    not there, or only a listener's words   no interruption

`closure_ms` is for words whose first vowel stands alone: of "excuse me" the closure and the hiss after it are
a quarter of a second without voice, and an agent that went on there would be heard in the middle of the word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

from ari_bridge.dialogue.backchannel import Meaning, meaning
from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.question import Question


class Verdict(Enum):
    OPEN = auto()
    INTERRUPTION = auto()
    DISMISSED = auto()


@dataclass(frozen=True, slots=True)
class Sound:
    """A voice over the agent's words, as far as it is known."""

    text: str
    """What was understood so far, all pieces of it."""
    is_final: bool
    """Nothing more will be understood of it."""
    lasted_ms: float
    """The voice that is on, or was on last."""
    ended_s: float | None
    """None while the voice is on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`TurnSettings`, for one sound."""

    sure_ms: float
    resume_after_ms: float
    words_min: int
    closure_ms: float
    """Never more than `resume_after_ms`, which holds whatever is known."""

    def judge(self, sound: Sound, language: Language, asked: Question, now: float) -> Verdict:
        """`asked`: the question that the agent's words had come to."""
        meant = meaning(sound.text, language, asked, words_min=self.words_min, is_final=sound.is_final)
        if meant is Meaning.INTERRUPTION:
            return Verdict.INTERRUPTION
        if sound.ended_s is None:
            patience = 1 if meant is Meaning.NOISE else 2
            return Verdict.INTERRUPTION if sound.lasted_ms >= patience * self.sure_ms else Verdict.OPEN
        listened = sound.is_final and meant is Meaning.BACKCHANNEL
        if listened or now >= self.waits_until_s(sound):
            return Verdict.DISMISSED
        return Verdict.OPEN

    def waits_until_s(self, sound: Sound) -> float:
        """When to judge again, should nothing happen before."""
        if sound.ended_s is None:
            return math.inf
        wait_ms = min(self.closure_ms, self.resume_after_ms) if sound.is_final else self.resume_after_ms
        return sound.ended_s + wait_ms / 1000
