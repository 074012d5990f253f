"""What the scripted agent says next, as a function of the history alone. No input or output.

The history is read from its start: each caller message picks a rule, which gives the agent's answer and so
the context for the next one. The fold keeps:

    rule      the rule answered by last (rules with `after` look at it)
    misses    caller messages in a row that no rule covered
    visits    how often each rule has answered (its replies take turns)
    pending   the full text of the agent's last answer
    rest      what the caller has not heard of one that was interrupted, until it is resumed

What the agent really said is in the history too, but only as far as the caller heard it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.providers.llm.script_file import OFFER, Rule, Script, fill
from ari_bridge.providers.llm.script_patterns import normalise

_DIGIT = re.compile(r"^\s*\[digit ([0-9*#A-D])\]\s*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(slots=True)
class _Fold:
    rule: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    misses: int = 0
    visits: Counter[str] = field(default_factory=Counter)
    pending: str = ""
    rest: str = ""
    """What the caller did not hear of an interrupted answer, until it is resumed."""


def answer(script: Script, history: Sequence[Message], tools: Collection[str]) -> Answer:
    """The agent's next turn; an empty one where there is nothing to say (no caller message yet)."""
    fold = _Fold()
    result = Answer("")
    for index, message in enumerate(history):
        if message.role is Role.CALLER:
            result = _to_caller(script, fold, message.text, tools, call_id=f"script-{index}")
        elif message.role is Role.AGENT:
            if message.interrupted:
                fold.rest = unheard(fold.pending, message.text) or fold.rest
        elif message.role is Role.TOOL:
            rule = script.rule(fold.rule)
            said = fill(rule.then, {**fold.slots, "result": message.text}) if rule else ""
            fold.pending = said or fold.pending
            result = Answer(said)
    if history and history[-1].role is Role.AGENT:
        return Answer("")
    return result


def _to_caller(script: Script, fold: _Fold, said: str, tools: Collection[str], *, call_id: str) -> Answer:
    chosen = _choose(script, fold, said)
    if chosen is None:
        fold.misses += 1
        if fold.misses >= script.misses_before_offer:
            fold.rule, text = OFFER, script.offer
        else:
            fold.rule, text = "", script.missed[(fold.misses - 1) % len(script.missed)]
        return Answer(text)
    rule, slots = chosen
    visit = fold.visits[rule.name]
    fold.rule, fold.slots, fold.misses = rule.name, slots, 0
    fold.visits[rule.name] += 1
    if any(tool.name not in tools for tool in rule.tools):
        fold.pending = script.unavailable
        return Answer(script.unavailable)
    if rule.resumes and fold.rest:
        text = f"{script.resume_with} {fold.rest}"
        fold.rest = ""
    else:
        text = fill(rule.reply[visit % len(rule.reply)], slots) if rule.reply else ""
    fold.pending = text
    calls = tuple(
        ToolCall(f"{call_id}-{number}", tool.name, _filled(tool.arguments, slots))
        for number, tool in enumerate(rule.tools)
    )
    return Answer(text, calls)


def _choose(script: Script, fold: _Fold, said: str) -> tuple[Rule, dict[str, str]] | None:
    """The rule that covers most words; of equals one that waits for this very moment, then the first."""
    digit = _DIGIT.match(said)
    words = "" if digit else normalise(said)
    best: tuple[tuple[int, bool], Rule, dict[str, str]] | None = None
    for rule in script.rules:
        if rule.after and rule.after != fold.rule:
            continue
        if digit:
            if rule.digit and rule.digit == digit[1] and (best is None or rule.after):
                best = ((1, bool(rule.after)), rule, {})
            continue
        for pattern in rule.compiled:
            match = pattern.match(words)
            if match is not None and (best is None or (match.words, bool(rule.after)) > best[0]):
                best = ((match.words, bool(rule.after)), rule, match.slots)
    return (best[1], best[2]) if best else None


def unheard(full: str, heard: str) -> str:
    """What of `full` is left when its first words were `heard`: from the start of the sentence that was cut.

    "" when nothing is left, or `heard` is not from `full`."""
    if not normalise(full).startswith(normalise(heard)):
        return ""
    left = len(heard.split())
    sentences = _SENTENCE_END.split(full)
    for index, sentence in enumerate(sentences):
        left -= len(sentence.split())
        if left < 0:
            return " ".join(sentences[index:])
    return ""


def _filled(arguments: dict[str, object], slots: dict[str, str]) -> dict[str, object]:
    return {key: fill(value, slots) if isinstance(value, str) else value for key, value in arguments.items()}
