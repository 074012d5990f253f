"""How well the end of a turn is found: callers cut off against time waited, on synthetic callers.

    python benchmarks/end_of_turn.py [--calls N] [--json FILE]

Callers pause by log-normal distributions of their own (a brisk one, an ordinary one, a hesitant one, one who
reads from a letter), longer where a phrase is unfinished; about half of their pauses fall where nothing shows
in the words. Each has a call of 12 turns. Policies are compared on the same calls:

    fixed 500, fixed 700     the same silence for everybody
    pauses                   adaptive, with no transcript before the turn is over
    words                    adaptive, with partial transcripts that are 200 ms late
    words, 15 % wrong        the same, but every seventh pause finds the last word misheard or missing

What is counted: *cut*: turns in which the turn was taken for finished at a pause inside it. *spoken over*:
those among them in which the agent's first sound, ANSWER_MS later, came before the caller went on (else the
answer is withdrawn, and the caller notices nothing). *wait*: the silence from the true end of a turn to its
being found. *eager*: how much earlier than that a model is asked, and how many askings are in vain.
The distributions are made up, within what the literature reports; they are no recordings.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ari_bridge.dialogue.endpoint import EndOfTurn, FixedEndOfTurn, OpenTurn, end_of_turn
from ari_bridge.dialogue.languages.registry import language
from ari_bridge.dialogue.question import question_in
from ari_bridge.settings import TurnSettings

ANSWER_MS = 300
"""From the end of a turn to the agent's first sound, with engines that are quick."""
PARTIAL_LATE_MS = 200
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


@dataclass(frozen=True)
class Policy:
    name: str
    make: Callable[[], EndOfTurn]
    hears_words: bool = False
    wrong: float = 0.0


@dataclass
class Outcome:
    turns: int = 0
    cut: int = 0
    spoken_over: int = 0
    waits_ms: tuple[float, ...] = ()
    leads_ms: tuple[float, ...] = ()
    askings: int = 0
    in_vain: int = 0

    def to_dict(self) -> dict[str, float]:
        waits = np.array(self.waits_ms)
        return {
            "cut_percent": round(100 * self.cut / self.turns, 1),
            "spoken_over_percent": round(100 * self.spoken_over / self.turns, 1),
            "wait_mean_ms": round(float(waits.mean())),
            "wait_p50_ms": round(float(np.quantile(waits, 0.5))),
            "wait_p90_ms": round(float(np.quantile(waits, 0.9))),
            "eager_lead_ms": round(float(np.mean(self.leads_ms))),
            "eager_in_vain_percent": round(100 * self.in_vain / max(1, self.askings)),
        }


def run(policy: Policy, calls: Sequence[list[Turn]], seed: int) -> Outcome:
    outcome, generator = Outcome(), np.random.default_rng(seed)
    waits, leads = [], []
    for call in calls:
        end = policy.make()
        for agent, pauses in call:
            outcome.turns += 1
            cut = over = False
            for pause in pauses:
                eager_ms, end_ms = _silence(policy, end, agent, pause, generator)
                length_ms = pause.length_ms
                outcome.askings += length_ms is None or length_ms > eager_ms
                if length_ms is None:
                    waits.append(end_ms)
                    leads.append(end_ms - eager_ms)
                    end.ended()
                    continue
                outcome.in_vain += length_ms > eager_ms
                cut |= length_ms > end_ms
                over |= length_ms > end_ms + ANSWER_MS
                end.went_on(length_ms)
            outcome.cut += cut
            outcome.spoken_over += over
    outcome.waits_ms, outcome.leads_ms = tuple(waits), tuple(leads)
    return outcome


def _silence(
    policy: Policy, end: EndOfTurn, agent: str, pause: Pause, generator: np.random.Generator
) -> tuple[float, float]:
    """After how much of it the model is asked, and the turn taken for finished."""
    asked = question_in(agent, language("en"))
    known = pause.text
    if policy.wrong and generator.random() < policy.wrong:
        known = known.rpartition(" ")[0] if generator.random() < 0.5 else known.rpartition(" ")[0] + " card"
    heard_before = known.rpartition(" ")[0]
    late = end.wait(OpenTurn(heard_before or None, pause.voiced_s, asked))
    if not policy.hears_words:
        blind = end.wait(OpenTurn(None, pause.voiced_s, asked))
        return blind.eager_ms, blind.end_ms
    told = end.wait(OpenTurn(known, pause.voiced_s, asked))
    if late.end_ms <= PARTIAL_LATE_MS:  # it was over before its last word was known
        return late.eager_ms, late.end_ms
    first_ms = late.eager_ms if late.eager_ms < PARTIAL_LATE_MS else max(told.eager_ms, PARTIAL_LATE_MS)
    return min(first_ms, told.end_ms), max(told.end_ms, PARTIAL_LATE_MS)


def policies(end_of_turn_ms: int) -> list[Policy]:
    english = language("en")

    def adaptive() -> EndOfTurn:
        return end_of_turn(TurnSettings(end_of_turn_ms=end_of_turn_ms), english)

    return [
        Policy("fixed 500", lambda: FixedEndOfTurn(500)),
        Policy("fixed 700", lambda: FixedEndOfTurn(700)),
        Policy("fixed 1000", lambda: FixedEndOfTurn(1000)),
        Policy("pauses", adaptive),
        Policy("words", adaptive, hears_words=True),
        Policy("words, 15 % wrong", adaptive, hears_words=True, wrong=0.15),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=300, help="of each kind of caller")
    parser.add_argument("--end-of-turn-ms", type=int, default=500, help="for the adaptive policies")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    generator = np.random.default_rng(5)
    calls = {caller: [call_of(caller, generator) for _ in range(arguments.calls)] for caller in CALLERS}
    everyone = {"all": [call for theirs in calls.values() for call in theirs]}
    groups = {**everyone, **{caller.name: theirs for caller, theirs in calls.items()}}
    columns = f"{'cut':>7}{'spoken over':>13}{'wait: mean':>12}{'p50':>6}{'p90':>6}{'eager':>8}{'in vain':>9}"
    print(f"{'caller':10}{'policy':20}{columns}")
    report = {}
    for group, theirs in groups.items():
        for policy in policies(arguments.end_of_turn_ms):
            found = run(policy, theirs, seed=9).to_dict()
            report[f"{group}: {policy.name}"] = found
            print(
                f"{group:10}{policy.name:20}{found['cut_percent']:6.1f}%{found['spoken_over_percent']:12.1f}%"
                f"{found['wait_mean_ms']:9.0f} ms{found['wait_p50_ms']:6.0f}{found['wait_p90_ms']:6.0f}"
                f"{found['eager_lead_ms']:5.0f} ms{found['eager_in_vain_percent']:8.0f}%"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
