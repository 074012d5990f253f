"""Whether a rehearsed call was as its file expects: one finding for each expectation, in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.evidence import Turn
from ari_bridge.scenario.format import AgentTurn, Count, Expectations, ScenarioFile, ToolUse
from ari_bridge.scenario.played import Inside, Played
from ari_bridge.scenario.soundings import Soundings


@dataclass(frozen=True, slots=True)
class Finding:
    expectation: str
    """The key, and what it asks."""
    problem: str = ""
    """What was otherwise; empty when it holds."""


def findings(file: ScenarioFile, played: Played) -> list[Finding]:
    """In the order of the format's keys; first of all that the caller could play its part."""
    case = _Case(file.expect, played, Soundings(file.scenario(), played))
    found = [Finding("the caller plays its part", played.evidence.problem)]
    given = file.expect.model_fields_set
    for key, check in _CHECKS.items():
        if key in given:
            found += check(case)
    return found


@dataclass(frozen=True, slots=True)
class _Case:
    expect: Expectations
    played: Played
    soundings: Soundings

    @property
    def agent(self) -> list[Turn]:
        return [turn for turn in self.played.evidence.turns if turn.who == "agent"]

    @property
    def caller(self) -> list[Turn]:
        return [turn for turn in self.played.evidence.turns if turn.who == "caller"]

    @property
    def heard(self) -> list[str]:
        """What the caller heard of the agent: of its turns, and of what it says between them (fillers)."""
        turns = self.agent
        said = [(turn.start_ms, turn.text if turn.heard is None else turn.heard) for turn in turns]
        said += [
            (self.played.at_ms(event.at_s), event.text)
            for event in self.played.live
            if event.kind is LiveKind.AGENT_SAYS and not any(event.text in turn.text for turn in turns)
        ]
        return [text for _, text in sorted(said)]

    @property
    def history(self) -> list[str]:
        return [f"{m.role.value}: {m.text}" for m in _inside(self).history]


def _inside(case: _Case) -> Inside:
    inside = case.played.inside
    assert inside is not None, "a scenario that looks inside is not played through Asterisk"
    return inside


# ------------------------------------------------------------------ what was said


def _in_order(key: str, wanted: Sequence[str], texts: Sequence[str]) -> Iterator[Finding]:
    at = 0
    for pattern in wanted:
        place = next((i for i in range(at, len(texts)) if _has(texts[i], pattern)), None)
        if place is None:
            where = f" after {_short(texts[at - 1])}" if at else ""
            yield Finding(f"{key}: {pattern}", f"not found{where}; there was {_listed(texts)}")
            return
        at = place + 1 if not _has_again(texts[place], pattern, wanted) else place
        yield Finding(f"{key}: {pattern}")


def _has_again(text: str, pattern: str, wanted: Sequence[str]) -> bool:
    """Whether the pattern after this one is found in the same text: several may be about one turn."""
    following = list(wanted[wanted.index(pattern) + 1 :])
    return bool(following) and following[0] != pattern and _has(text, following[0])


def _nowhere(key: str, unwanted: Sequence[str], texts: Sequence[str]) -> Iterator[Finding]:
    for pattern in unwanted:
        found = next((text for text in texts if _has(text, pattern)), None)
        yield Finding(f"{key}: {pattern}", "" if found is None else f"found in {_short(found)}")


def _agent_turns(case: _Case) -> Iterator[Finding]:
    for wanted in case.expect.agent_turns:
        turn = next((turn for turn in case.agent if _has(turn.text, wanted.text)), None)
        what = f"agent_turns: {wanted.text}"
        if turn is None:
            yield Finding(what, f"no such turn; there was {_listed([turn.text for turn in case.agent])}")
        else:
            yield Finding(what, "; ".join(_about_turn(wanted, turn)))


def _about_turn(wanted: AgentTurn, turn: Turn) -> Iterator[str]:
    heard = turn.text if turn.heard is None else turn.heard
    if wanted.heard is not None and not _has(heard, wanted.heard):
        yield f"heard was {_short(heard)}, without {wanted.heard}"
    if wanted.not_heard is not None and _has(heard, wanted.not_heard):
        yield f"heard was {_short(heard)}, with {wanted.not_heard}"
    if wanted.interrupted is not None and turn.interrupted is not wanted.interrupted:
        yield "it was interrupted" if turn.interrupted else "it was not interrupted"


# ------------------------------------------------------------------ what was done


def _tools(case: _Case) -> Iterator[Finding]:
    for wanted in case.expect.tools:
        yield Finding(f"tools: {wanted.name}", "; ".join(_about_tool(wanted, case)))


def _about_tool(wanted: ToolUse, case: _Case) -> Iterator[str]:
    runs = [run for run in _inside(case).tools if run.name == wanted.name]
    if len(runs) != wanted.times:
        all_runs = ", ".join(run.name for run in _inside(case).tools) or "nothing"
        yield f"called {_times(len(runs))}, not {_times(wanted.times)} (called was: {all_runs})"
    for name, pattern in wanted.arguments.items():
        value = str(runs[0].arguments.get(name, "")) if runs else ""
        if runs and not _has(value, pattern):
            yield f"{name} was {value!r}, not {pattern}"


def _variables(case: _Case) -> Iterator[Finding]:
    table = dict(case.played.evidence.variables)
    inside = case.played.inside
    if inside is not None and inside.outcome is not None:
        table |= inside.outcome.variables
    for name, pattern in case.expect.variables.items():
        value = table.get(name)
        wrong = value is None or not _has(value, pattern)
        yield Finding(f"variables.{name}: {pattern}", f"it was {value!r}" if wrong else "")


# ------------------------------------------------------------------ when it was done


def _within(key: str, limit_ms: float, times: Iterable[tuple[str, float]]) -> Iterator[Finding]:
    found = list(times)
    if not found:
        yield Finding(f"{key}: {limit_ms:g}", "there was no occasion for it")
    for text, time_ms in found:
        late = time_ms > limit_ms
        how = "never" if time_ms == float("inf") else f"{time_ms:.0f} ms"
        yield Finding(f"{key}: {limit_ms:g} ({_short(text)})", how if late else "")


def _responds(case: _Case) -> Iterator[Finding]:
    answered = ((text, ms) for text, ms in case.soundings.responses_ms() if ms < float("inf"))
    return _within("responds_within_ms", case.expect.responds_within_ms or 0, answered)


def _never_silent(case: _Case) -> Iterator[Finding]:
    limit_ms = (case.expect.never_silent_for_s or 0) * 1000
    return _within("never_silent_for_s, in ms", limit_ms, case.soundings.responses_ms())


def _cut_off(case: _Case) -> Iterator[Finding]:
    cut = list(case.soundings.cut_off())
    problem = f"the agent spoke into {_listed(cut)}" if cut else ""
    yield Finding("is_not_cut_off", problem if case.expect.is_not_cut_off else "")


# ------------------------------------------------------------------ how it ended


def _same(key: str, wanted: object, was: object) -> Iterator[Finding]:
    yield Finding(f"{key}: {wanted}", "" if was == wanted else f"it was {was or 'nothing'}")


def _count(key: str, wanted: int | Count | None, was: int) -> Iterator[Finding]:
    limits = Count(at_least=wanted, at_most=wanted) if isinstance(wanted, int) else wanted
    assert limits is not None
    holds = limits.at_least <= was <= limits.at_most
    span = f"{limits.at_least} to {limits.at_most}" if limits.at_most != limits.at_least else limits.at_least
    yield Finding(f"{key}: {span}", "" if holds else f"there were {was}")


def _lands_in(case: _Case) -> Iterator[Finding]:
    outcome = _inside(case).outcome
    place = "" if outcome is None or not outcome.context else f"{outcome.context},{outcome.exten}"
    wanted = case.expect.lands_in or ""
    yield Finding(f"lands_in: {wanted}", "" if _has(place, wanted) else f"it was {place or 'the next step'}")


def _lasts(case: _Case) -> Iterator[Finding]:
    limit_s, was_s = case.expect.lasts_at_most_s or 0, case.played.evidence.duration_ms / 1000
    yield Finding(f"lasts_at_most_s: {limit_s:g}", f"{was_s:.1f} s" if was_s > limit_s else "")


def _evidence_variable(case: _Case, name: str) -> str:
    return case.played.evidence.variables.get(name, "")


_CHECKS: dict[str, Callable[[_Case], Iterable[Finding]]] = {
    "agent_says": lambda c: _in_order("agent_says", c.expect.agent_says, c.heard),
    "agent_never_says": lambda c: _nowhere("agent_never_says", c.expect.agent_never_says, c.heard),
    "caller_said": lambda c: _in_order("caller_said", c.expect.caller_said, [t.text for t in c.caller]),
    "caller_never_said": lambda c: _nowhere(
        "caller_never_said", c.expect.caller_never_said, [t.text for t in c.caller]
    ),
    "agent_turns": _agent_turns,
    "model_knows": lambda c: _in_order("model_knows", c.expect.model_knows, c.history),
    "model_knows_not": lambda c: _nowhere("model_knows_not", c.expect.model_knows_not, c.history),
    "tools": _tools,
    "pbx": lambda c: _in_order("pbx", [_verb(verb) for verb in c.expect.pbx], _inside(c).pbx),
    "yields_within_ms": lambda c: _within(
        "yields_within_ms", c.expect.yields_within_ms or 0, c.soundings.yields_ms()
    ),
    "resumes_within_ms": lambda c: _within(
        "resumes_within_ms", c.expect.resumes_within_ms or 0, c.soundings.resumes_ms()
    ),
    "responds_within_ms": _responds,
    "never_silent_for_s": _never_silent,
    "is_not_cut_off": _cut_off,
    "interruptions": lambda c: _count(
        "interruptions", c.expect.interruptions, sum(turn.interrupted for turn in c.agent)
    ),
    "caller_turns": lambda c: _count("caller_turns", c.expect.caller_turns, len(c.caller)),
    "digits": lambda c: _same(
        "digits", c.expect.digits, "".join(digit.digit for digit in c.played.evidence.digits)
    ),
    "status": lambda c: _same(
        "status",
        None if c.expect.status is None else c.expect.status.value,
        _evidence_variable(c, "ARIBRIDGESTATUS"),
    ),
    "cause": lambda c: _same("cause", c.expect.cause, _evidence_variable(c, "ARIBRIDGECAUSE")),
    "lands_in": _lands_in,
    "variables": _variables,
    "human_answers": lambda c: _same(
        "human_answers", c.expect.human_answers, c.played.evidence.human_answered
    ),
    "lasts_at_most_s": _lasts,
}


def _verb(name: str) -> str:
    """The pattern of that verb, whatever it is done to."""
    return rf"^{re.escape(name)}\b"


def _has(text: str, pattern: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(_short(text) for text in texts) or "nothing"


def _short(text: str) -> str:
    return f"“{text}”" if len(text) <= 80 else f"“{text[:50]} … {text[-25:]}”"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
