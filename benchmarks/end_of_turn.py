"""How well the end of a turn is found: callers cut off against time waited, on synthetic callers.

    python benchmarks/end_of_turn.py [--calls N] [--json FILE] [--svg docs/images/end-of-turn.svg]

Callers pause by log-normal distributions of their own (a brisk one, an ordinary one, a hesitant one, one who
reads from a letter), longer where a phrase is unfinished; about half of their pauses fall where nothing shows
in the words. Each has a call of 12 turns. Policies are compared on the same calls:

    fixed                    the same silence for everybody
    pauses                   adaptive, with no transcript before the turn is over
    words                    adaptive, with partial transcripts that are 200 ms late
    words, 15 % wrong        the same, but every seventh pause finds the last word misheard or missing

What is counted: *cut*: turns in which the turn was taken for finished at a pause inside it. *spoken over*:
those among them in which the agent was heard before the caller went on (else the answer is withdrawn, and the
caller notices nothing); a model that was asked early is as early with its answer. *wait*: the silence from
the true end of a turn to its being found; *clear*: of turns whose words tell their end (a yes that was asked
for, a question, "that's all", a whole number). *in vain*: how many of the askings.
The distributions are made up, within what the literature reports; they are no recordings.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import end_of_turn_chart
import numpy as np
from pausing_callers import CALLERS, Pause, Turn, call_of

from ari_bridge.dialogue.endpoint import EndOfTurn, FixedEndOfTurn, OpenTurn, end_of_turn
from ari_bridge.dialogue.languages.registry import language
from ari_bridge.dialogue.phrasing import GOES_ON, phrasing
from ari_bridge.dialogue.question import question_in
from ari_bridge.settings import TurnSettings

MODEL_MS, VOICE_MS = 200, 100
"""From asking a quick model to its first sentence, from that to its first sound."""
PARTIAL_LATE_MS = 200
ENGLISH = language("en")
DEFAULT_MS = TurnSettings().end_of_turn_ms
FIXED_MS = (300, 400, 500, 600, 700, 850, 1000, 1200, 1400, 1700)
ADAPTIVE_MS = (400, 500, 600, 700, 800, 900, 1000, 1200, 1400)


@dataclass(frozen=True)
class Policy:
    name: str
    make: Callable[[], EndOfTurn]
    hears_words: bool = False
    wrong: float = 0.0


@dataclass(frozen=True)
class Silence:
    """In one pause, should it last."""

    asks_ms: float
    ends_ms: float

    @property
    def sounds_ms(self) -> float:
        """When the agent is heard."""
        return max(self.ends_ms, self.asks_ms + MODEL_MS) + VOICE_MS


@dataclass
class Outcome:
    turns: int = 0
    cut: int = 0
    spoken_over: int = 0
    waits_ms: list[float] = field(default_factory=list)
    clear_ms: list[float] = field(default_factory=list)
    """Those after words that tell the end."""
    askings: int = 0
    in_vain: int = 0

    def to_dict(self) -> dict[str, float]:
        p50, p90 = np.quantile(self.waits_ms, (0.5, 0.9))
        return {
            "cut_percent": round(100 * self.cut / self.turns, 1),
            "spoken_over_percent": round(100 * self.spoken_over / self.turns, 1),
            "wait_mean_ms": round(float(np.mean(self.waits_ms))),
            "wait_p50_ms": round(float(p50)),
            "wait_p90_ms": round(float(p90)),
            "clear_p50_ms": round(float(np.median(self.clear_ms))),
            "in_vain_percent": round(100 * self.in_vain / max(1, self.askings)),
        }


def run(policy: Policy, calls: Sequence[list[Turn]], seed: int = 9) -> Outcome:
    outcome, generator = Outcome(), np.random.default_rng(seed)
    for call in calls:
        end = policy.make()
        for agent, pauses in call:
            outcome.turns += 1
            cut = over = False
            for pause in pauses:
                silence = _silence(policy, end, agent, pause, generator)
                length_ms = pause.length_ms
                outcome.askings += length_ms is None or length_ms > silence.asks_ms
                if length_ms is None:
                    outcome.waits_ms.append(silence.ends_ms)
                    if GOES_ON[phrasing(pause.text, ENGLISH, question_in(agent, ENGLISH))] < 0.5:
                        outcome.clear_ms.append(silence.ends_ms)
                    end.ended()
                    continue
                outcome.in_vain += length_ms > silence.asks_ms
                cut |= length_ms > silence.ends_ms
                over |= length_ms > silence.sounds_ms
                end.went_on(length_ms)
            outcome.cut += cut
            outcome.spoken_over += over
    return outcome


def _silence(
    policy: Policy, end: EndOfTurn, agent: str, pause: Pause, generator: np.random.Generator
) -> Silence:
    asked = question_in(agent, ENGLISH)
    if not policy.hears_words:  # nor can a model be asked before the transcript is there
        ends_ms = end.wait(OpenTurn(None, pause.voiced_s, asked)).end_ms
        return Silence(ends_ms, ends_ms)
    known = pause.text
    if policy.wrong and generator.random() < policy.wrong:
        known = known.rpartition(" ")[0] if generator.random() < 0.5 else known.rpartition(" ")[0] + " card"
    heard_before = known.rpartition(" ")[0]
    late = end.wait(OpenTurn(heard_before or None, pause.voiced_s, asked))
    if late.end_ms <= PARTIAL_LATE_MS:  # it was over before its last word was known
        return Silence(late.end_ms, late.end_ms)
    told = end.wait(OpenTurn(known, pause.voiced_s, asked))
    ends_ms = max(told.end_ms, PARTIAL_LATE_MS)
    return Silence(min(max(told.eager_ms, PARTIAL_LATE_MS), ends_ms), ends_ms)


def fixed(end_ms: float) -> Policy:
    return Policy(f"fixed {end_ms:.0f}", lambda: FixedEndOfTurn(end_ms))


def adaptive(name: str, end_ms: int = DEFAULT_MS, *, hears_words: bool = True, wrong: float = 0.0) -> Policy:
    settings = TurnSettings(end_of_turn_ms=end_ms)
    return Policy(name, lambda: end_of_turn(settings, ENGLISH), hears_words, wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=300, help="of each kind of caller")
    parser.add_argument("--end-of-turn-ms", type=int, default=DEFAULT_MS, help="for the adaptive policies")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, help="draw cut against waited here")
    arguments = parser.parse_args()
    generator = np.random.default_rng(5)
    calls = {caller.name: [call_of(caller, generator) for _ in range(arguments.calls)] for caller in CALLERS}
    everyone = [call for theirs in calls.values() for call in theirs]
    chosen_ms = arguments.end_of_turn_ms
    policies = [
        *(fixed(end_ms) for end_ms in (500, 700, 1000, 1400)),
        adaptive("pauses", chosen_ms, hears_words=False),
        adaptive("words", chosen_ms),
        adaptive("words, 15 % wrong", chosen_ms, wrong=0.15),
    ]
    columns = (
        f"{'cut':>7}{'spoken over':>13}{'wait: mean':>12}{'p50':>6}{'p90':>6}{'clear p50':>11}{'in vain':>9}"
    )
    print(f"{'caller':10}{'policy':20}{columns}")
    report = {}
    for group, theirs in {"all": everyone, **calls}.items():
        for policy in policies:
            found = run(policy, theirs).to_dict()
            report[f"{group}: {policy.name}"] = found
            print(
                f"{group:10}{policy.name:20}{found['cut_percent']:6.1f}%{found['spoken_over_percent']:12.1f}%"
                f"{found['wait_mean_ms']:9.0f} ms{found['wait_p50_ms']:6.0f}{found['wait_p90_ms']:6.0f}"
                f"{found['clear_p50_ms']:8.0f} ms{found['in_vain_percent']:8.0f}%"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), encoding="utf-8")
    if arguments.svg:
        curves = {
            "the same silence for all": [(ms, run(fixed(ms), everyone).to_dict()) for ms in FIXED_MS],
            "words and pauses": [(ms, run(adaptive("", ms), everyone).to_dict()) for ms in ADAPTIVE_MS],
        }
        arguments.svg.write_text(end_of_turn_chart.draw(curves, DEFAULT_MS), encoding="utf-8")


if __name__ == "__main__":
    main()
