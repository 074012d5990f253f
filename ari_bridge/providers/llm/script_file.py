"""The scripted agent's file: a TOML of rules, checked whole when it is read.

A commented example is scripts/reception.toml.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.llm.script_patterns import Pattern, PatternError
from ari_bridge.settings import explain

OFFER = "offer"
"""The name under which a rule's `after` refers to the offer made after too many misses."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ToolUse(_Table):
    name: str
    arguments: dict[str, Any] = {}


class Rule(_Table):
    """If the caller says one of `patterns` or presses `digit`, the agent says `reply` and uses `tools`."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    patterns: tuple[str, ...] = ()
    digit: str = Field(default="", pattern=r"^[0-9*#A-D]?$")
    after: str = ""
    """Only right after the agent answered by this rule ("offer": after the offer)."""
    reply: tuple[str, ...] = ()
    """Several: taken in turn as the rule comes again. May hold {slots}."""
    tools: tuple[ToolUse, ...] = ()
    then: str = ""
    """Said once the tools have answered; may hold {result}."""
    resumes: bool = False
    """The agent goes on with what it was interrupted in; `reply` is said when there is no such thing."""

    @field_validator("reply", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @cached_property
    def compiled(self) -> tuple[Pattern, ...]:
        return tuple(Pattern(source) for source in self.patterns)


class Script(_Table):
    missed: tuple[str, ...] = ("Sorry, I did not get that.", "I am sorry, could you say that again?")
    misses_before_offer: int = Field(default=3, ge=1)
    offer: str = "I am afraid I do not understand. Shall I connect you to a person?"
    unavailable: str = "I am sorry, I cannot do that from here."
    """Said in place of a rule's reply when one of its tools is not offered."""
    resume_with: str = "As I was saying:"
    rules: tuple[Rule, ...] = Field(min_length=1)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Everything a caller may say, each once, in the file's order."""
        patterns: Iterable[Pattern] = itertools.chain.from_iterable(rule.compiled for rule in self.rules)
        return tuple(dict.fromkeys(sentence for pattern in patterns for sentence in pattern.sentences()))

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)


def load_script(path: Path) -> Script:
    """Raises SettingsError: one line with the file, the rule and the key to mend."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"script_file: cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"script_file: {path}: not valid TOML: {error}") from None
    try:
        script = Script.model_validate(table)
    except ValidationError as error:
        raise SettingsError(f"script_file: {path}: {_named(explain(error), table)}") from None
    for problem in _problems(script):
        raise SettingsError(f"script_file: {path}: {problem}")
    return script


def _problems(script: Script) -> Iterable[str]:
    names = [rule.name for rule in script.rules]
    for number, rule in enumerate(script.rules):
        where = f"rule {rule.name!r}"
        if rule.name in names[:number]:
            yield f"{where}: name: another rule has it already"
        if not rule.patterns and not rule.digit:
            yield f"{where}: patterns: needs at least one, or a digit"
        if not rule.reply and not rule.tools:
            yield f"{where}: reply: is missing, and there are no tools either"
        if rule.after not in ("", OFFER, *names):
            yield f"{where}: after: there is no rule {rule.after!r}"
        slots: set[str] = set()
        for index, source in enumerate(rule.patterns):
            try:
                pattern = Pattern(source)
            except PatternError as error:
                yield f"{where}: patterns[{index}]: {error}"
                continue
            slots |= pattern.slots
        for index, text in enumerate(rule.reply):
            for name in _PLACEHOLDER.findall(text):
                if name not in slots:
                    yield f"{where}: reply[{index}]: {{{name}}} is in none of its patterns"
        for name in _PLACEHOLDER.findall(rule.then):
            if name not in slots | {"result"}:
                yield f"{where}: then: {{{name}}} is in none of its patterns"


def _named(explanation: str, table: Mapping[str, Any]) -> str:
    """`rules.3.reply: …` with the rule's name in place of its number."""

    def name(found: re.Match[str]) -> str:
        rules = table.get("rules")
        rule = rules[int(found[1])] if isinstance(rules, list) and int(found[1]) < len(rules) else None
        called = rule.get("name") if isinstance(rule, dict) else None
        return f"rule {called!r}: " if called else f"rule number {int(found[1]) + 1}: "

    return re.sub(r"rules\.(\d+)\.", name, explanation)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with each {name} replaced; a slot the caller left out becomes nothing."""
    return re.sub(r" {2,}", " ", _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), text)).strip()
