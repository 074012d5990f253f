"""What the recording of a rehearsed call tells of each thing the caller did. Samples decide; what either side
believes only tells where to look. Times are ms since the recording's first sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ari_bridge.sandbox.measure import Span, audible, runs
from ari_bridge.sandbox.player import CallerEvent, CallerEventKind
from ari_bridge.sandbox.scenario import MakeNoise, Say, Scenario
from ari_bridge.scenario.played import Played

PAUSE_MS = 400
"""Quiet of the agent's that is longer is no pause within its speech."""
WAS_SPEAKING_MS = 600
"""An agent that was heard so shortly before was interrupted, between two sentences perhaps."""


@dataclass(frozen=True, slots=True)
class Said:
    """Words, or a noise, of the caller."""

    what: Say | MakeNoise
    span: Span

    @property
    def text(self) -> str:
        return self.what.text if isinstance(self.what, Say) else self.what.sound.value

    @property
    def interrupts(self) -> bool:
        return self.what.interrupt_after_ms is not None

    @property
    def is_turn(self) -> bool:
        return isinstance(self.what, Say) and not self.what.backchannel


class Soundings:
    """Of one call."""

    def __init__(self, scenario: Scenario, played: Played) -> None:
        rate_hz = played.recording.rate_hz
        self.agent = runs(audible(played.recording.agent, rate_hz))
        self.said = list(_said(scenario, played))
        self.left_ms = played.evidence.agent_left_ms

    def yields_ms(self) -> Iterator[tuple[str, float]]:
        """For each interruption by words: how long the agent was heard into it."""
        for said in self.said:
            if said.is_turn and said.interrupts and self._speaks(said.span.start_ms):
                yield said.text, self._falls_silent_ms(said.span) - said.span.start_ms

    def resumes_ms(self) -> Iterator[tuple[str, float]]:
        """For each backchannel and noise into the agent's words: from its end until they are heard again.
        Infinite where they never are."""
        for said in self.said:
            if not said.is_turn and said.interrupts and self._speaks(said.span.start_ms):
                end_ms = said.span.end_ms
                again = next((run.start_ms for run in self.agent if run.end_ms > end_ms), float("inf"))
                yield said.text, max(0.0, again - end_ms)

    def responses_ms(self) -> Iterator[tuple[str, float]]:
        """For each of the caller's turns: from its end to the agent's first sound, before the caller's next
        turn; infinite where there was none."""
        turns = [said for said in self.said if said.is_turn]
        for index, said in enumerate(turns):
            until_ms = turns[index + 1].span.start_ms if index + 1 < len(turns) else float("inf")
            starts = (run.start_ms for run in self.agent if run.start_ms >= said.span.end_ms)
            first_ms = next(starts, float("inf"))
            yield said.text, first_ms - said.span.end_ms if first_ms < until_ms else float("inf")

    def cut_off(self) -> Iterator[str]:
        """What the caller was saying when the agent began to speak."""
        for said in self.said:
            inside = (run for run in self.agent if said.span.start_ms + 100 < run.start_ms < said.span.end_ms)
            began = [run for run in inside if not self._speaks(run.start_ms - 1)]
            if isinstance(said.what, Say) and said.is_turn and began:
                yield said.text

    def _speaks(self, at_ms: float) -> bool:
        return any(run.start_ms < at_ms and run.end_ms > at_ms - WAS_SPEAKING_MS for run in self.agent)

    def _falls_silent_ms(self, over: Span) -> float:
        """When the speech that is under way ends; breaths that are shorter than PAUSE_MS do not end it."""
        silent_ms = over.start_ms
        for run in self.agent:
            if run.end_ms <= over.start_ms:
                continue
            if run.start_ms >= max(silent_ms + PAUSE_MS, over.end_ms):
                break
            silent_ms = run.end_ms
        return silent_ms


def _said(scenario: Scenario, played: Played) -> Iterator[Said]:
    """The caller's words and noises with their times, in order."""
    kinds = (CallerEventKind.SAYS, CallerEventKind.MAKES_NOISE)
    begun = [event for event in played.caller if event.kind in kinds]
    steps = [step for step in scenario.steps if isinstance(step, Say | MakeNoise)]
    for step, event in zip(steps, begun, strict=False):
        start_ms = played.at_ms(event.at_s)
        if isinstance(step, MakeNoise):
            end_ms = start_ms + step.duration_ms
        else:
            end_ms = played.at_ms(_end_of(event, played.caller))
        yield Said(step, Span(start_ms, end_ms))


def _end_of(event: CallerEvent, events: Sequence[CallerEvent]) -> float:
    after = (e.at_s for e in events if e.kind is CallerEventKind.SAID and e.at_s >= event.at_s)
    return next(after, event.at_s)
