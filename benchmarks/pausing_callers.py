"""The callers of end_of_turn.py: what they say, and where and how long they pause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TURNS_A_CALL = 12
CHAR_S = 1 / 15
UNFINISHED_LONGER = 1.4
"""Pauses after an unfinished phrase: the caller looks for the word."""


@dataclass(frozen=True)
class Script:
    """A turn: the agent's words before it, and the caller's pieces; pauses lie between them."""

    agent: str
    pieces: tuple[str, ...]


def script(agent: str, *ways: str) -> list[Script]:
    """`ways` to answer; "|" is where a caller may pause, "||" where the phrase before is unfinished."""
    return [Script(agent, tuple(way.split("|"))) for way in ways]


SCRIPTS = [
    *script(
        "Good morning, how can I help you?",
        "hello|I'm calling about my||washing machine|it makes a terrible noise",
        "I'd like to||uhm||change my delivery address",
        "yes hi|can you tell me where my parcel is",
        "my internet is down|since this morning|and||I have already restarted the router",
        "I want to cancel my subscription",
        "I bought a lamp from you last week|but||it arrived broken",
        "could you put me through to sales",
        "it's about my invoice|the one from March|I think||it is too high",
    ),
    *script(
        "What is your order number?",
        "four seven one||nine nine two||three four",
        "it's 471||992||34",
        "let me see||four seven||one nine nine||two three four",
        "I don't have it here",
        "one moment||it is four seven one nine nine two three four",
    ),
    *script(
        "Shall I put you through?", "yes", "yes please", "no thanks", "mm-hmm", "no|I'd rather call again"
    ),
    *script("Is that correct?", "yes that's right", "yes", "correct", "yes it is", "no|it's the||other one"),
    *script(
        "When would it suit you?",
        "tomorrow at nine",
        "uhm||Thursday afternoon|or||Friday morning",
        "I am free on Monday|but only||after five",
        "what about the||twelfth",
        "any day next week|I work from home",
    ),
    *script(
        "What is your name?",
        "Miller",
        "my name is||John Miller",
        "it's Anna|Anna Kowalski",
        "Kowalski|k o w||a l s||k i",
        "Jane Doe|d o e",
    ),
    *script(
        "What is your phone number?",
        "oh one seven||five five five||one two three four",
        "it's 0175||555||1234",
        "sure|area code six one seven||five five five||two three six eight",
    ),
    *script(
        "Please tell me your card number.",
        "four one one one||one one one one||one one one one||one one one one",
        "4111||1111||1111||1111",
        "I don't have it with me",
    ),
    *script(
        "What is your date of birth?",
        "the third||of March||nineteen eighty",
        "March third|nineteen eighty two",
        "12|07||1975",
    ),
    *script(
        "Do you have an account with us?",
        "yes",
        "yes|I would like||to pay a bill",
        "no|not yet",
        "I think so",
        "can you tell me where||I can see that",
    ),
    *script(
        "Is there anything else?",
        "no that's all|thank you",
        "no thank you",
        "yes|can I also||change my phone number",
        "what are your opening hours",
        "do you deliver on Saturdays",
    ),
]


@dataclass(frozen=True)
class Caller:
    name: str
    median_ms: float
    spread: float
    """Of the pauses' logarithm."""
    pauses: float
    """In how many of the places where a pause may be there is one."""


CALLERS = (
    Caller("brisk", 220, 0.45, 0.5),
    Caller("ordinary", 330, 0.55, 0.8),
    Caller("hesitant", 520, 0.6, 1.0),
    Caller("reading", 420, 0.4, 1.0),
)
AUDIBLE_PAUSE_MS = 160
"""Shorter ones are within the voice detector's hangover."""


@dataclass(frozen=True)
class Pause:
    text: str
    """The turn so far."""
    voiced_s: float
    length_ms: float | None
    """None: it is the end."""


Turn = tuple[str, list[Pause]]


def call_of(caller: Caller, generator: np.random.Generator) -> list[Turn]:
    return [_turn(caller, SCRIPTS[generator.integers(len(SCRIPTS))], generator) for _ in range(TURNS_A_CALL)]


def _turn(caller: Caller, told: Script, generator: np.random.Generator) -> Turn:
    pauses, said, unfinished = [], "", False
    for number, piece in enumerate(told.pieces):
        if not piece:
            unfinished = True
            continue
        if said:
            median_ms = caller.median_ms * (UNFINISHED_LONGER if unfinished else 1)
            length_ms = float(np.exp(generator.normal(np.log(median_ms), caller.spread)))
            if generator.random() < caller.pauses and length_ms > AUDIBLE_PAUSE_MS:
                pauses.append(Pause(said, len(said) * CHAR_S, length_ms))
        unfinished = False
        said = f"{said} {piece}".strip()
        if number == len(told.pieces) - 1:
            pauses.append(Pause(said, len(said) * CHAR_S, None))
    return told.agent, pauses
