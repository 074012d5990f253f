"""The record of a language."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases

SOUNDS = Phrases(
    "mm, mhm, mmhm, mmhmm, mm hm, mm hmm, hm, hmm, hmhm, hm hm, uh huh, uhuh",
    "aha, ah, oh, ok, okay, o k",
)
"""Made by listeners of most languages to say: go on."""
HESITATIONS = Phrases("hm, hmm, mm, mmm, eh, uh, uhm, um, er, erm, ehm, äh, ähm, euh, heu, öh, öhm")
"""Made by speakers of most languages while they look for a word."""


@dataclass(frozen=True)
class Language:
    name: str
    """ISO 639-1."""
    says: Sayings = field(default_factory=Sayings)
    """What an agent says in it of its own accord."""
    hesitations: Phrases = HESITATIONS
    """At the end: the speaker holds the floor."""
    opening: Phrases = field(default_factory=Phrases)
    """As the whole of it: the speaker begins."""
    hanging: Phrases = field(default_factory=Phrases)
    """At the end: something has to follow (conjunctions, articles, possessives, "my number is")."""
    particles: Phrases = field(default_factory=Phrases)
    """At the end something has to follow, but an open question may end so ("who is it from")."""
    questions: Phrases = field(default_factory=Phrases)
    """At the beginning: it is a question."""
    open_questions: Phrases = field(default_factory=Phrases)
    """Those among them that yes or no does not answer."""
    answers: Phrases = field(default_factory=Phrases)
    """Yes, no and their like: a whole answer."""
    closings: Phrases = field(default_factory=Phrases)
    """At the end: the speaker is done."""
    listening: Phrases = SOUNDS
    """Said by who listens and means to go on listening, unless it answers a question."""
    urgent: Phrases = field(default_factory=Phrases)
    """Anywhere: the other is to stop speaking."""
    greetings: Phrases = field(default_factory=Phrases)
    """Stand before anything, and tell nothing."""
    embedding: Phrases = field(default_factory=Phrases)
    """Verbs whose object a question is ("tell me", "know"): where they, or the question word after them, are
    the last of a question, it has only begun ("can you tell me where")."""
    offers: Phrases = field(default_factory=Phrases)
    """In a question: it invites to tell, so that a "yes" to it only begins ("is there anything else")."""
    noes: Phrases = field(default_factory=Phrases)
    """At the beginning of an answer: there is nothing to tell."""
    asks_number: Phrases = field(default_factory=Phrases)
    """In a question: its answer is digits."""
    card_numbers: Phrases = field(default_factory=Phrases)
    """Names of numbers with as many digits as a payment card's."""
    phone_numbers: Phrases = field(default_factory=Phrases)
    """And as a telephone's, with its area."""
    units: Set[str] = frozenset()
    """Number words of one digit."""
    teens: Set[str] = frozenset()
    """Of two digits."""
    tens: Set[str] = frozenset()
    """Of two digits, the last of which the next word may give."""
    joiners: Set[str] = frozenset()
    """Stand between tens and the rest ("treinta y uno")."""
    repeats: Set[str] = frozenset()
    """The next digit twice."""
