"""A made-up call, spoken in noise, before each expectation: what holds, what does not, and how that is told.

The caller asks at 3 s, interrupts at 9 s, says uh-huh at 11 s into the next answer, and presses 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.core.messages import Message, Role
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.sandbox.evidence import gather
from ari_bridge.sandbox.player import CallerEvent, CallerEventKind
from ari_bridge.sandbox.recording import Recording
from ari_bridge.scenario.expectations import findings
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.played import Inside, Played
from ari_bridge.scenario.stand_ins import ToolRun
from ari_bridge.store.record import CallRecord, DigitRecord, TurnRecord

RATE_HZ = 8000
START_S = 100.0
STEPS = [
    {"says": "tell me about the company"},
    {"says": "stop", "interrupts_after_ms": 4000},
    {"backchannels": "uh-huh", "interrupts_after_ms": 500},
    {"presses": "1"},
    {"hangs_up": "true"},
]


def voice(*spans: tuple[int, int]) -> Pcm16:
    pcm = np.zeros(samples(16_000, RATE_HZ), np.int16)
    for start_ms, end_ms in spans:
        pcm[samples(start_ms, RATE_HZ) : samples(end_ms, RATE_HZ)] = 5000
    return pcm


def a_call(
    *, silent_ms: int = 9200, again_ms: int = 11_800, answer_ms: int = 4700, problem: str = ""
) -> Played:
    """The agent is silent `silent_ms` after the call's start, goes on at `again_ms` after the uh-huh."""
    caller = voice((3000, 4000), (9000, 10_000), (11_000, 11_400))
    agent = voice(
        (1000, 2000), (answer_ms, silent_ms), (10_600, 11_100), (again_ms, 13_000), (13_300, 14_000)
    )
    recording = Recording(RATE_HZ, START_S, caller, agent)
    turns = [
        TurnRecord("agent", "Hello.", 1000, 2000, heard="Hello."),
        TurnRecord("caller", "tell me about the company", 3000, 4000),
        TurnRecord("agent", "one two three four five", 4700, 9200, heard="one two three", interrupted=True),
        TurnRecord("caller", "stop", 9000, 10_000),
        TurnRecord("agent", "All right then.", 10_600, 13_000, heard="All right then."),
        TurnRecord("agent", "Order.", 13_300, 14_000, heard="Order."),
    ]
    record = CallRecord(
        call_id="c-1",
        agent="desk",
        did="5000",
        caller_number="1",
        started_at="2026-01-02T10:00:00.000+00:00",
        start_monotonic_s=START_S,
        duration_ms=15_000,
        turns=turns,
        digits=[DigitRecord("1", 13_200)],
        variables={"ARIBRIDGESTATUS": "TRANSFER", "ARIBRIDGECAUSE": "human"},
    )
    kinds = CallerEventKind
    events = [
        CallerEvent(START_S + at_s, kind, text)
        for at_s, kind, text in (
            (3.0, kinds.SAYS, "tell me about the company"),
            (4.0, kinds.SAID, "tell me about the company"),
            (9.0, kinds.SAYS, "stop"),
            (10.0, kinds.SAID, "stop"),
            (11.0, kinds.SAYS, "uh-huh"),
            (11.4, kinds.SAID, "uh-huh"),
            (13.2, kinds.PRESSED, "1"),
        )
    ]
    live = [LiveEvent(START_S + 4.5, "c-1", LiveKind.AGENT_SAYS, "One moment.")]
    inside = Inside(
        tools=[ToolRun(START_S + 12, "look_up", {"order": 12})],
        pbx=["hold", "unhold"],
        history=[Message(Role.CALLER, "stop"), Message(Role.AGENT, "All right then.")],
        outcome=Outcome(Status.TRANSFER, "human", "humans", "sales", variables={"TOPIC": "lamps"}),
    )
    evidence = gather(record, recording, human_answered=True, problem=problem)
    return Played(evidence, recording, events, live, inside)


def problems(expect: Mapping[str, Any], played: Played | None = None) -> list[str]:
    file = ScenarioFile.model_validate({"steps": STEPS, "expect": expect})
    found = findings(file, a_call() if played is None else played)
    assert len(found) >= 1 + bool(expect)
    return [finding.problem for finding in found if finding.problem]


@pytest.mark.parametrize(
    "expect",
    [
        {},
        {"agent_says": ["hello", "ONE MOMENT", "two three$", "all right", "order"]},
        {"agent_says": ["one two", "two three", "right"]},
        {"agent_never_says": ["four"]},
        {"caller_said": ["company", "stop"]},
        {"caller_never_said": ["uh"]},
        {"agent_turns": [{"text": "four", "heard": "three", "not_heard": "four", "interrupted": "true"}]},
        {"model_knows": ["caller: stop", "agent: all right"], "model_knows_not": ["three"]},
        {"tools": [{"name": "look_up", "with": {"order": "^12$"}}, {"name": "cancel", "times": 0}]},
        {"pbx": ["hold", "unhold"]},
        {"yields_within_ms": 200, "resumes_within_ms": 400, "responds_within_ms": 700},
        {"never_silent_for_s": 1, "is_not_cut_off": "true"},
        {"interruptions": 1, "caller_turns": {"at_least": 2, "at_most": 3}},
        {"digits": "1", "status": "TRANSFER", "cause": "human", "human_answers": "true"},
        {"lands_in": "^humans,sales$", "variables": {"TOPIC": "lamps"}, "lasts_at_most_s": 16},
    ],
    ids=lambda expect: " ".join(expect) or "nothing",
)
def test_what_the_call_was_holds(expect: Mapping[str, Any]) -> None:
    assert problems(expect) == []


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ({"agent_says": ["order", "hello"]}, "not found after “Order.”; there was “Hello.”"),
        ({"agent_says": ["four five"]}, "not found; there was"),
        ({"agent_never_says": ["three"]}, "found in “one two three”"),
        ({"agent_never_says": ["one moment"]}, "found in “One moment.”"),
        ({"caller_said": ["uh-huh"]}, "not found; there was “tell me about the company”, “stop”"),
        ({"agent_turns": [{"text": "six"}]}, "no such turn"),
        ({"agent_turns": [{"text": "four", "heard": "four"}]}, "heard was “one two three”, without four"),
        ({"agent_turns": [{"text": "four", "not_heard": "three"}]}, "heard was “one two three”, with three"),
        ({"agent_turns": [{"text": "four", "interrupted": "false"}]}, "it was interrupted"),
        ({"agent_turns": [{"text": "order", "interrupted": "true"}]}, "it was not interrupted"),
        ({"model_knows_not": ["right"]}, "found in “agent: All right then.”"),
        ({"tools": [{"name": "cancel"}]}, "called never, not once (called was: look_up)"),
        ({"tools": [{"name": "look_up", "times": 2}]}, "called once, not twice"),
        ({"tools": [{"name": "look_up", "with": {"order": "^1$"}}]}, "order was '12', not ^1$"),
        ({"pbx": ["unhold", "hold"]}, "not found after “unhold”; there was “hold”"),
        ({"yields_within_ms": 199}, "200 ms"),
        ({"resumes_within_ms": 399}, "400 ms"),
        ({"responds_within_ms": 699}, "700 ms"),
        ({"never_silent_for_s": 0.6}, "700 ms"),
        ({"interruptions": 0}, "there were 1"),
        ({"caller_turns": {"at_least": 3}}, "there were 2"),
        ({"digits": "12"}, "it was 1"),
        ({"status": "HANGUP"}, "it was TRANSFER"),
        ({"cause": "CALLER"}, "it was human"),
        ({"lands_in": "^queue"}, "it was humans,sales"),
        ({"variables": {"TOPIC": "^x"}}, "it was 'lamps'"),
        ({"variables": {"OTHER": "x"}}, "it was None"),
        ({"human_answers": "false"}, "it was True"),
        ({"lasts_at_most_s": 15}, "16.0 s"),
    ],
)
def test_what_it_was_not_is_told(expect: Mapping[str, Any], problem: str) -> None:
    (told,) = problems(expect)
    assert problem in told


def test_a_caller_who_could_not_go_on_is_a_failure_by_itself() -> None:
    assert problems({}, a_call(problem="step 2: nobody answered")) == ["step 2: nobody answered"]


def test_an_agent_that_never_goes_on_is_told() -> None:
    assert problems({"resumes_within_ms": 700}, a_call(again_ms=12_400)) == ["1000 ms"]


def test_an_agent_that_speaks_into_the_question_cuts_it_off() -> None:
    (told,) = problems({"is_not_cut_off": "true"}, a_call(answer_ms=3500))
    assert told == "the agent spoke into “tell me about the company”"


def test_silence_after_a_question_is_told() -> None:
    (told,) = problems({"never_silent_for_s": 3}, a_call(answer_ms=8000))
    assert told == "4000 ms"


def test_what_had_no_occasion_is_no_success() -> None:
    played = a_call()
    quiet = replace(played, caller=[])
    assert problems({"yields_within_ms": 300}, quiet) == ["there was no occasion for it"]
