"""The calls of cut_offs.py: what the agent asks, and how a caller says the answer, with pauses or without.

Everything is drawn from one seed. RECORDED is spoken by a person: the prompts that come with Asterisk.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

VOICES = (
    ("en-us", 150),
    ("en-gb", 165),
    ("en-us+f3", 150),
    ("en-us+m5", 170),
    ("en-gb+f5", 140),
    ("en-us+m2", 130),
)
GAINS_DB = (0.0, -6.0, -12.0, -18.0)
PAUSES_MS = (300, 400, 500, 600, 700, 800, 900)
LONG_PAUSES_MS = (1000, 1200, 1500)
GREETING = "Hello, this is the desk."
PROMPT_GAP_MS = 40
"""Between two prompts that are one piece."""


@dataclass(frozen=True)
class Turn:
    asked: str
    pieces: tuple[str, ...]
    """Pauses lie between them; one piece is a turn without a pause."""


def turns(asked: str, *ways: str) -> list[Turn]:
    return [Turn(asked, tuple(way.split("|"))) for way in ways]


PAUSED: Mapping[str, Sequence[Turn]] = {
    "after an unfinished phrase": turns(
        GREETING,
        "i want to book a table for|four people",
        "my order number is|four seven one nine",
        "i would like to change my|delivery address",
        "i bought a lamp last week but|it arrived broken",
        "can you tell me where|my parcel is now",
        "i wanted to know whether|you are open on friday",
        "do you know what time|the shop opens",
    ),
    "where nothing shows": turns(
        GREETING,
        "my internet is down|since this morning",
        "i have a problem with my invoice|from the third of march",
        "i need an appointment|on friday afternoon",
        "the washing machine makes a noise|when it is spinning",
        "i am calling for my mother|she lives in the old town",
        "hello|i would like to speak to sales",
        "my name is miller|i have an appointment tomorrow",
    ),
    "numbers in groups": [
        *turns(
            "What is your phone number?",
            "zero one seven|five five five|one two three four",
            "six one seven|five five five|two three six eight",
        ),
        *turns(
            "What is your card number?", "four one one one|two two two two|three three three three|four four"
        ),
        *turns("What is your order number?", "four seven one|nine nine two|three four"),
        *turns(
            "What is your date of birth?", "the third|of march|nineteen eighty", "twelve|seven|seventy five"
        ),
    ],
    "names, spelled or not": turns(
        "What is your name, please?",
        "miller|john miller",
        "my name is|anna kowalski",
        "kowalski|k o w|a l s k i",
        "jane doe|d o e",
    ),
    "yes or no, and more": turns(
        "Do you have an account with us?",
        "yes|i would like to pay a bill",
        "no|not yet",
        "yes|but i have forgotten the password",
        "no|i wanted to open one",
    ),
}
WHOLE: Mapping[str, Sequence[Turn]] = {
    "a plain answer": [
        *turns("Shall I put you through?", "yes", "yes please", "no thanks"),
        *turns("Is that correct?", "that's right", "yes that's right"),
        *turns("Is there anything else?", "no", "no thank you", "no that's all"),
    ],
    "a question": turns(
        GREETING,
        "what are your opening hours",
        "can you tell me where my parcel is",
        "do you deliver on saturdays",
        "how much does it cost",
    ),
    "a name or a time": [
        *turns("What is your name?", "john miller", "anna kowalski"),
        *turns("When would it suit you?", "tomorrow at nine", "friday afternoon"),
    ],
    "a statement": turns(
        GREETING,
        "i want to cancel my subscription",
        "my washing machine is broken",
        "i need to change my delivery address",
        "i would like to speak to an operator",
    ),
    "a number of unknown length": turns("What is your order number?", "four seven one nine nine two"),
}

_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PROMPTS: Mapping[str, tuple[str, ...]] = {
    **{digit: (f"digits/{number}",) for number, digit in enumerate(_DIGITS)},
    **{letter: (f"letters/{letter}",) for letter in "abcdefghijklmnopqrstuvwxyz"},
    "you have": ("vm-youhave",),
    "messages": ("vm-messages",),
    "saved": ("vm-saved",),
    "the person at extension": ("vm-theperson",),
    "is unavailable": ("vm-isunavail",),
    "there are currently": ("conf-thereare",),
    "other participants in the conference": ("conf-otherinparty",),
    "to call this number": ("to-call-this-number",),
    "press": ("vm-press",),
    "tuesday": ("digits/day-2",),
    "march": ("digits/mon-2",),
    "the third": ("digits/h-3",),
    "your": ("your",),
    "telephone number": ("telephone-number",),
    "is": ("is",),
    "i'm sorry": ("im-sorry",),
    "that number is not answering": ("number-not-answering",),
}
"""Files below Asterisk's English sounds, by their words."""
RECORDED: Sequence[Turn] = [
    *turns(
        GREETING,
        "you have|five messages",
        "you have three|saved messages",
        "the person at extension|four two one|is unavailable",
        "there are currently three|other participants in the conference",
        "to call this number|press one",
        "your telephone number|is five five five one two one two",
        "i'm sorry|that number is not answering",
        "tuesday|march the third",
    ),
    *turns("What is your phone number?", "zero one seven|five five five|one two three four"),
    *turns(
        "What is your card number?",
        "four one one one|two two two two|three three three three|one one one one",
    ),
    *turns("What is your order number?", "four seven one|nine nine two|three four"),
    *turns("What is your name?", "m i|l l e r", "k o w|a l s|k i"),
]


def prompts_of(piece: str) -> list[str]:
    """The recorded files that say it; the longest words first."""
    found: list[str] = []
    rest = piece
    while rest:
        words = max((said for said in PROMPTS if f"{rest} ".startswith(f"{said} ")), key=len)
        found += PROMPTS[words]
        rest = rest[len(words) :].lstrip()
    return found


@dataclass(frozen=True)
class Voice:
    name: str
    """espeak-ng's; "" for the recorded prompts."""
    rate_wpm: int = 0
    gain_db: float = 0.0


@dataclass(frozen=True)
class Case:
    group: str
    """Its row in the table."""
    turn: Turn
    pauses_ms: tuple[int, ...]
    voice: Voice


def cases(seed: int = 3) -> Iterator[Case]:
    for group, told in PAUSED.items():
        yield from _drawn(group, told, PAUSES_MS, seed)
    yield from _drawn("recorded speech", RECORDED, PAUSES_MS, seed, recorded=True)
    for group, told in PAUSED.items():
        yield from _drawn(f"longer pauses: {group}", told, LONG_PAUSES_MS, seed, rounds=1)
    for group, told in WHOLE.items():
        yield from _drawn(f"whole: {group}", told, PAUSES_MS, seed, rounds=2)


def _drawn(
    group: str,
    told: Sequence[Turn],
    pauses_ms: Sequence[int],
    seed: int,
    *,
    rounds: int = 3,
    recorded: bool = False,
) -> Iterator[Case]:
    draw = random.Random(f"{seed} {group}")
    for _ in range(rounds):
        for turn in told:
            voice = Voice("") if recorded else Voice(*draw.choice(VOICES), draw.choice(GAINS_DB))
            yield Case(group, turn, tuple(draw.choice(pauses_ms) for _ in turn.pieces[1:]), voice)
