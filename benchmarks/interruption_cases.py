"""The calls of interruptions.py: what a synthetic caller does to an agent that tells a long story.

Everything is drawn from one seed, so that a case is the same each time, alone or among the others.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ari_bridge.scenario.format import ScenarioFile

STORY = (
    "Our company was founded by two sisters in a small workshop by the harbour. "
    "At first they repaired radios for the fishing boats. "
    "Soon the captains asked for telephones as well, so the sisters learned to build those too. "
    "Today one hundred and twenty people work here."
)
STORY_MS = 17_000
"""More than it takes, with a long sound in the middle of it."""
ASKS = "tell me about the company"
YIELDS_MS, RESUMES_MS = 300, 700
ANSWER_MS = 300
"""Until a model's first token, where callers pause: as in end_of_turn.py."""


class Promise(Enum):
    YIELDS = "interruption: silent within 300 ms"
    RESUMES = "no interruption: goes on within 700 ms"
    HEARS_OUT = "pause: the caller is not cut off"


@dataclass(frozen=True)
class Voice:
    """The caller's."""

    name: str
    """espeak-ng's, with its variant; or flite."""
    rate_wpm: int = 150
    gain_db: float = 0.0
    """Beside a peak of half of full scale, which is some -24 dBFS of speech."""


@dataclass(frozen=True)
class Case:
    promise: Promise
    group: str
    """Its row in the table."""
    text: str
    """What the caller does, in short."""
    voice: Voice
    file: ScenarioFile


VOICES = (
    ("en-us", 150),
    ("en-gb", 165),
    ("en-us+f3", 150),
    ("en-us+m5", 170),
    ("en-gb+f5", 140),
    ("en-us+m2", 130),
    ("flite", 0),
)
GAINS_DB = (0.0, -6.0, -12.0, -18.0)
SPEECH_DBFS = -24.0
"""At 0 dB."""
LINES: Mapping[str, Mapping[str, Any]] = {
    "clean line": {},
    "hiss -50 dBFS": {"noise_dbfs": -50},
    "echo -20 dB": {"echo_db": -20},
    "echo -12 dB": {"echo_db": -12},
    "2 % loss": {"loss": 0.02, "jitter_ms": 5},
    "5 % loss, bursts": {"loss": 0.05, "burst": 2, "jitter_ms": 10},
}
INTERRUPTIONS = (
    "stop please",
    "wait a moment",
    "no that is not what i asked for",
    "but when do you open tomorrow",
    "sorry can you repeat that",
    "i want to speak to somebody",
    "excuse me how much does it cost",
    "hold on",
)
BACKCHANNELS = ("uh-huh", "mm", "okay", "yes", "i see", "right", "yeah", "mm-hm")
COUGHS = ((250, -20), (350, -12), (300, -26), (450, -16))
NOISES = (
    *(("cough", {"lasts_ms": ms, "level_dbfs": db}) for ms, db in COUGHS),
    *(("click", {"lasts_ms": 20, "level_dbfs": db}) for db in (-10, -20)),
    *(("street", {"lasts_ms": ms, "level_dbfs": db}) for ms, db in ((700, -30), (1500, -30), (2500, -24))),
    ("hiss", {"lasts_ms": 400, "level_dbfs": -32}),
)  # fmt: skip
PAUSED: Mapping[str, Sequence[tuple[str, ...]]] = {
    "after an unfinished phrase": (
        ("i want to book a table for", "four people"),
        ("my order number is", "four seven one nine"),
        ("i would like to change my", "delivery address"),
        ("i bought a lamp last week but", "it arrived broken"),
        ("can you tell me where", "my parcel is now"),
    ),
    "where nothing shows": (
        ("my internet is down", "since this morning"),
        ("i have a problem with my invoice", "from the third of march"),
        ("i need an appointment", "on friday afternoon"),
        ("the washing machine makes a noise", "when it is spinning"),
        ("i am calling for my mother", "she lives in the old town"),
    ),
}
PAUSES_MS = (300, 400, 500, 600, 700, 800, 900)


def cases(codec: str, seed: int = 11) -> list[Case]:
    """Of one codec: `ulaw` is 8 kHz, `g722` 16 kHz."""
    return [*_interrupting(codec, seed), *_listening(codec, seed), *_pausing(codec, seed)]


def _interrupting(codec: str, seed: int) -> Iterator[Case]:
    for line, quality in LINES.items():
        draw = random.Random(f"{seed} {line}")
        for text in INTERRUPTIONS * 2:
            step = {"says": text, "interrupts_after_ms": draw.randint(700, 9500)}
            expect = {"yields_within_ms": YIELDS_MS, "interruptions": 1}
            file = _told(codec, {**quality, "seed": draw.randint(1, 999)}, step, expect)
            yield Case(Promise.YIELDS, line, text, _voice(draw), file)


def _listening(codec: str, seed: int) -> Iterator[Case]:
    expect = {
        "resumes_within_ms": RESUMES_MS,
        "interruptions": 0,
        "agent_turns": [{"text": "two sisters", "heard": "one hundred and twenty people work here"}],
    }
    draw = random.Random(f"{seed} listener")
    for line in ("clean line", "hiss -50 dBFS", "echo -20 dB", "5 % loss, bursts"):
        for what in BACKCHANNELS:
            step = {"backchannels": what, "interrupts_after_ms": draw.randint(700, 9500)}
            file = _told(codec, {**LINES[line], "seed": draw.randint(1, 999)}, step, expect)
            yield Case(Promise.RESUMES, "backchannels", f"{what}, {line}", _voice(draw), file)
    for line in ("clean line", "hiss -50 dBFS", "echo -20 dB"):
        for sound, how in NOISES:
            step = {"noise": sound, "interrupts_after_ms": draw.randint(700, 9500), **how}
            file = _told(codec, {**LINES[line], "seed": draw.randint(1, 999)}, step, expect)
            what = f"{sound} {how['lasts_ms']} ms {how['level_dbfs']} dBFS, {line}"
            group = {"cough": "coughs", "click": "clicks"}.get(sound, "street, hiss")
            yield Case(Promise.RESUMES, group, what, Voice("en-us"), file)


def _pausing(codec: str, seed: int) -> Iterator[Case]:
    for end_of_turn_ms in (1000, 800, 500):  # the first is the default
        for where, sentences in PAUSED.items():
            draw = random.Random(f"{seed} {where}")
            for number in range(len(sentences) * 4):
                before, after = sentences[number % len(sentences)]
                pause_ms = PAUSES_MS[number % len(PAUSES_MS)]
                steps = [
                    {"waits_for": "agent_done"},
                    {"says": before},
                    {"is_silent_ms": pause_ms},
                    {"says": after},
                    {"waits_for": "agent_done"},
                ]
                file = _file(
                    codec,
                    {},
                    steps,
                    {"is_not_cut_off": True},
                    model=[{"says": "Thank you, I have noted that.", "after_ms": ANSWER_MS}],
                    settings={"agents": {"desk": {"turns": {"end_of_turn_ms": end_of_turn_ms}}}},
                )
                group = where if end_of_turn_ms == 1000 else f"the same, end_of_turn_ms = {end_of_turn_ms}"
                text = f"{before} | {pause_ms} ms | {after}"
                yield Case(Promise.HEARS_OUT, group, text, _voice(draw), file)


def story(codec: str) -> ScenarioFile:
    """Nobody interrupts it: what the others are compared with."""
    steps = [{"waits_for": "agent_done"}, {"says": ASKS}, {"is_silent_ms": STORY_MS + 1000}]
    return _file(codec, {}, steps, {})


def _told(
    codec: str, line: Mapping[str, Any], step: Mapping[str, Any], expect: Mapping[str, Any]
) -> ScenarioFile:
    done = {"waits_for": "agent_done"}
    # Where the agent is to go on it may pause for a second, which a caller who waits takes for its end.
    end = done if "says" in step else {"is_silent_ms": STORY_MS}
    return _file(codec, line, [done, {"says": ASKS}, step, end], expect)


def _file(
    codec: str,
    line: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    expect: Mapping[str, Any],
    **more: Any,
) -> ScenarioFile:
    table = {
        "agent": "desk",
        "understands": "exactly",
        "codec": codec,
        "line": dict(line),
        "model": [{"when": "company", "says": STORY}, {"says": "Of course. What would you like to know?"}],
        "steps": list(steps),
        "expect": dict(expect),
        **more,
    }
    return ScenarioFile.model_validate(table)


def _voice(draw: random.Random) -> Voice:
    name, rate_wpm = draw.choice(VOICES)
    return Voice(name, rate_wpm, draw.choice(GAINS_DB))
