"""What a demo call must show to count as a success, checked on its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ari_bridge.sandbox.evidence import Evidence
from ari_bridge.sandbox.scenario import Awaited, Press, Say, Scenario, Wait

YIELD_LIMIT_MS = 300
"""From the caller's first voiced frame to the agent's last audible one, in the caller's RTP."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the scenario gives occasion for."""

    question: bool = False
    interruption: bool = False
    digits: str = ""
    transfer: bool = False


def expected(scenario: Scenario) -> Expected:
    steps = scenario.steps
    lines = [step for step in steps if isinstance(step, Say)]
    return Expected(
        question=any(line.interrupt_after_ms is None for line in lines),
        interruption=any(line.interrupt_after_ms is not None for line in lines),
        digits="".join(step.digits for step in steps if isinstance(step, Press)),
        transfer=any(isinstance(step, Wait) and step.what is Awaited.HUMAN_ANSWERS for step in steps),
    )


def unmet(evidence: Evidence, wanted: Expected) -> Iterator[str]:
    """One sentence for each thing that should have been and was not."""
    if evidence.problem:
        yield evidence.problem
    turns = evidence.turns
    if not turns or turns[0].who != "agent" or not turns[0].text:
        yield "the agent did not greet the caller"
    if wanted.question and not any(
        one.who == "caller" and one.text and following.who == "agent" for one, following in pairwise(turns)
    ):
        yield "no question of the caller was understood and answered"
    if wanted.interruption:
        yield from _interruption(evidence)
    digits = "".join(digit.digit for digit in evidence.digits)
    if digits != wanted.digits:
        yield f"the caller pressed {wanted.digits or 'nothing'}, the agent got {digits or 'nothing'}"
    elif digits and not any(t.who == "agent" and t.start_ms > evidence.digits[0].at_ms for t in turns):
        yield "the agent did not answer the digit"
    if wanted.transfer:
        status = evidence.variables.get("ARIBRIDGESTATUS", "nothing")
        if status != "TRANSFER":
            yield f"the dialplan got ARIBRIDGESTATUS={status}, not TRANSFER"
        elif not evidence.human_answered:
            yield "nobody answered after the transfer"


def _interruption(evidence: Evidence) -> Iterator[str]:
    if evidence.barge_in is None:
        yield "the caller's interruption did not silence the agent"
        return
    if evidence.barge_in.yield_ms > YIELD_LIMIT_MS:
        yield (
            f"the agent fell silent {evidence.barge_in.yield_ms:.0f} ms after the caller's first voiced "
            f"frame, later than {YIELD_LIMIT_MS} ms"
        )
    for turn in evidence.turns:
        if turn.interrupted and turn.heard is not None and len(turn.heard.split()) >= len(turn.text.split()):
            yield "an interrupted turn counts as heard whole"
