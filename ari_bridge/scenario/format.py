"""What a scenario file holds: the caller's steps, the agent it calls, what stands in for the world, and what
must come of it. docs/scenarios.md is the guide; here is every key.

Texts that are matched against what was said are regular expressions (Python's), found anywhere, in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ari_bridge.pbx.call import Status
from ari_bridge.sandbox import scenario as s


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _is_true(value: bool) -> bool:
    if not value:
        raise ValueError("can only be true")
    return value


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_compiles)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Level = Annotated[float, Field(ge=-90, le=0)]


# ------------------------------------------------------------------ the caller's steps


class StepFile(_Part):
    """One step: exactly one of its verbs, with what belongs to that verb."""

    says: Annotated[str, Field(pattern=r"\S")] | None = None
    backchannels: Annotated[str, Field(pattern=r"\S")] | None = None
    """A word that only shows that the caller listens: "uh-huh"."""
    noise: s.Sound | None = None
    presses: Annotated[str, Field(pattern=r"^[0-9*#A-D]+$")] | None = None
    waits_for: s.Awaited | None = None
    is_silent_ms: Milliseconds | None = None
    holds_ms: Milliseconds | None = None
    hangs_up: Annotated[bool, AfterValidator(_is_true)] | None = None

    interrupts_after_ms: Milliseconds | None = None
    """With says, backchannels, noise: that long after the agent's turn began, or after the caller's last
    backchannel or noise in it."""
    within_s: Annotated[float, Field(gt=0, le=600)] | None = None
    """With waits_for."""
    lasts_ms: Milliseconds | None = None
    """With noise."""
    level_dbfs: Level | None = None
    """With noise."""
    in_background: bool | None = None
    """With noise: what follows is heard through it."""

    @model_validator(mode="after")
    def _one_verb(self) -> StepFile:
        given = self.model_fields_set
        verbs = [verb for verb in _BELONGS if verb in given]
        if len(verbs) != 1:
            raise ValueError(f"needs one of {', '.join(_BELONGS)}; has {' and '.join(verbs) or 'none'}")
        for key in given - {verbs[0]} - set(_BELONGS[verbs[0]]):
            raise ValueError(f"{key} does not belong to {verbs[0]}")
        return self

    def step(self) -> s.Step:
        if self.says is not None:
            return s.Say(self.says, self.interrupts_after_ms)
        if self.backchannels is not None:
            return s.Say(self.backchannels, self.interrupts_after_ms, backchannel=True)
        if self.noise is not None:
            return s.MakeNoise(
                self.noise,
                _NOISE_MS[self.noise] if self.lasts_ms is None else self.lasts_ms,
                -20.0 if self.level_dbfs is None else self.level_dbfs,
                self.interrupts_after_ms,
                bool(self.in_background),
            )
        if self.presses is not None:
            return s.Press(self.presses)
        if self.waits_for is not None:
            return s.Wait(self.waits_for, self.within_s or s.DEFAULT_TIMEOUT_S)
        if self.is_silent_ms is not None:
            return s.Pause(self.is_silent_ms)
        if self.holds_ms is not None:
            return s.Hold(self.holds_ms)
        return s.Hangup()


_BELONGS: Mapping[str, tuple[str, ...]] = {
    "says": ("interrupts_after_ms",),
    "backchannels": ("interrupts_after_ms",),
    "noise": ("interrupts_after_ms", "lasts_ms", "level_dbfs", "in_background"),
    "presses": (),
    "waits_for": ("within_s",),
    "is_silent_ms": (),
    "holds_ms": (),
    "hangs_up": (),
}
_NOISE_MS = {
    s.Sound.COUGH: 250,
    s.Sound.CLICK: 20,
    s.Sound.HISS: 2000,
    s.Sound.STREET: 2000,
    s.Sound.BABBLE: 2000,
}


class LineFile(_Part):
    """What the line does to the caller's audio; see sandbox.scenario.LineQuality."""

    loss: float = Field(default=0.0, ge=0, le=0.9)
    burst: float = Field(default=1.0, ge=1, le=50)
    jitter_ms: float = Field(default=0.0, ge=0, le=500)
    noise_dbfs: Level | None = None
    echo_db: float | None = Field(default=None, ge=-60, le=0)
    echo_delay_ms: float = Field(default=100.0, ge=0, le=1000)
    seed: int = 1

    def quality(self) -> s.LineQuality:
        return s.LineQuality(**self.model_dump())


# ------------------------------------------------------------------ the world, in the pipeline


class Fault(Enum):
    FAILS = "fails"
    STALLS = "stalls"
    """Nothing more comes."""
    ENDS = "ends"
    """As if it had said all: with `after` 0 that is an empty answer."""


class FaultFile(_Part):
    """An engine does not do its work."""

    engine: str
    """The name by which the agent lists it."""
    request: int = Field(default=1, ge=1)
    """Which of the requests that it gets: for a recogniser, the utterance."""
    until: int | None = Field(default=None, ge=1)
    """The last such request; only `request` when unset."""
    after: int = Field(default=0, ge=0)
    """How many pieces (tokens, bits of audio) it gives before."""
    does: Fault


class CallFile(_Part):
    tool: str
    arguments: dict[str, Any] = Field(default={}, alias="with")


class ReplyFile(_Part):
    """What a stand-in for a language model answers: the first that fits is taken."""

    when: Pattern | None = None
    """Found in what the caller said last; everything when unset."""
    says: str = ""
    calls: tuple[CallFile, ...] = ()
    then: str = ""
    """Said when the tools have answered; {result} is the last one's."""
    after_ms: Milliseconds = 0
    """Before the first word."""
    word_ms: Milliseconds = 10
    """Between words."""
    times: int | None = Field(default=None, ge=1)
    """How often it is given; always when unset."""

    @property
    def silent(self) -> bool:
        return not self.says and not self.calls


class ToolFile(_Part):
    """A stand-in for a tool."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    description: str = ""
    parameters: dict[str, Any] = {"type": "object"}
    result: str = "done"
    """Of a tool that `fails`: why."""
    takes_ms: Milliseconds = 0
    fails: bool = False
    effects: bool = True
    """As its author would declare it: see docs/tools.md."""
    idempotent: bool = False
    parallel: bool = False


class PersonFile(_Part):
    """Somebody whom the agent has rung."""

    answers_after_ms: Milliseconds = 1000
    presses: str = ""
    """Keys, one a second, once they have answered."""
    is_busy: bool = False


# ------------------------------------------------------------------ what must come of it


class Count(_Part):
    at_least: int = Field(default=0, ge=0)
    at_most: int = Field(default=10_000, ge=0)


class AgentTurn(_Part):
    """One turn of the agent's."""

    text: Pattern
    """Which: the first whose whole text has this."""
    heard: Pattern | None = None
    """The caller heard so much of it, at least;"""
    not_heard: Pattern | None = None
    """and not this."""
    interrupted: bool | None = None


class ToolUse(_Part):
    name: str
    times: int = Field(default=1, ge=0)
    arguments: dict[str, Pattern] = Field(default={}, alias="with")
    """Of the first call: a pattern for each."""


class Expectations(_Part):
    """All must hold. Times are measured from what was on the wire at the caller."""

    agent_says: tuple[Pattern, ...] = ()
    """In this order; heard by the caller, not only meant."""
    agent_never_says: tuple[Pattern, ...] = ()
    caller_said: tuple[Pattern, ...] = ()
    """What the agent understood, in this order."""
    caller_never_said: tuple[Pattern, ...] = ()
    agent_turns: tuple[AgentTurn, ...] = ()
    """What was heard of turns."""
    model_knows: tuple[Pattern, ...] = ()
    """Found in the history that the model got last (pipeline)."""
    model_knows_not: tuple[Pattern, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    """In the pipeline; `with` too."""
    pbx: tuple[str, ...] = ()
    """What the agent did with the call, in this order: hold, unhold, ring, … (pipeline)."""
    yields_within_ms: Milliseconds | None = None
    """Of each interruption by words: from the caller's first voiced frame to the agent's last."""
    resumes_within_ms: Milliseconds | None = None
    """Of each backchannel and noise into the agent's turn: from its end until the agent is heard again."""
    responds_within_ms: Milliseconds | None = None
    """Of each of the caller's turns that was answered: from the last voiced frame to the agent's first."""
    never_silent_for_s: Annotated[float, Field(gt=0)] | None = None
    """After the caller's words, until the agent's."""
    is_not_cut_off: bool | None = None
    """The agent never spoke into the caller's words."""
    interruptions: int | Count | None = None
    """How many turns of the agent were interrupted."""
    caller_turns: int | Count | None = None
    digits: str | None = None
    status: Status | None = None
    cause: str | None = None
    lands_in: Pattern | None = None
    """context,exten of the dialplan (pipeline)."""
    variables: dict[str, Pattern] = {}
    human_answers: bool | None = None
    lasts_at_most_s: Annotated[float, Field(gt=0)] | None = None


class ScenarioFile(_Part):
    """A whole file."""

    about: str = ""
    """One line: what it shows."""
    agent: str = ""
    """Of the settings; where it is left out, the one that `did` leads to, or the only one."""
    did: str = Field(default="5000", pattern=r"^[0-9A-Za-z*#+]+$")
    caller_number: str = Field(default=s.DEFAULT_CALLER_NUMBER, pattern=r"^\+?[0-9]+$")
    variables: dict[str, str] = {}
    """Channel variables that the dialplan had set, such as AI_LANG (pipeline)."""
    codec: Literal["ulaw", "alaw", "g722", "slin16", "opus"] = "ulaw"
    voice: s.Voice = s.Voice.ESPEAK
    settings: dict[str, Any] = {}
    """Laid over the agent's settings, as in its TOML file."""
    line: LineFile = LineFile()

    understands: Literal["engine", "exactly"] = "engine"
    """exactly: in the pipeline, in place of the agent's recogniser, one that knows what the caller says."""
    model: tuple[ReplyFile, ...] = ()
    """In place of the agent's language model (pipeline)."""
    models: dict[str, tuple[ReplyFile, ...]] = {}
    """The same for several, by the names under which the agent lists them."""
    tools: tuple[ToolFile, ...] = ()
    faults: tuple[FaultFile, ...] = ()
    person: PersonFile | None = None

    steps: tuple[StepFile, ...] = Field(min_length=1)
    expect: Expectations = Expectations()

    @property
    def pipeline_only(self) -> str:
        """The first key because of which it cannot be played through Asterisk; "" if it can."""
        expect = self.expect
        needs = {
            "model": self.model,
            "models": self.models,
            "tools": self.tools,
            "faults": self.faults,
            "person": self.person,
            "variables": self.variables,
            "understands: exactly": self.understands == "exactly",
            "line.echo_db": self.line.echo_db is not None,
            "holds_ms": any(step.holds_ms is not None for step in self.steps),
            "expect.model_knows": expect.model_knows or expect.model_knows_not,
            "expect.tools": expect.tools,
            "expect.pbx": expect.pbx,
            "expect.lands_in": expect.lands_in,
        }
        return next((key for key, there in needs.items() if there), "")

    def scenario(self) -> s.Scenario:
        """What the caller does."""
        return s.Scenario(
            did=self.did,
            steps=tuple(step.step() for step in self.steps),
            codec=self.codec,
            voice=self.voice,
            caller_number=self.caller_number,
            line=self.line.quality(),
        )
