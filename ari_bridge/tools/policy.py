"""What may run. A model proposes; this decides, from settings that no model can reach.

    offered to this agent? ─▶ arguments fit? ─▶ under its limits? ─▶ agreed to by the caller? ─▶ runs

A refusal is a sentence for the model and a line in the log. `tools/policy.py` knows the rules; who counts
(`Once`, the store) and who has heard the caller (`Consent`) stand beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from ari_bridge.core.errors import SettingsError
from ari_bridge.tool_settings import PolicySettings
from ari_bridge.tools.arguments import problem, redacted
from ari_bridge.tools.base import Tool

NO_LIMITS = PolicySettings()

_DECLARED = ("effects", "idempotent", "parallel", "timeout_s", "retries")
"""What a tool's author has declared; of actions it is known."""


class Policy:
    """Of one service. Tools and actions are one list to it."""

    def __init__(self, settings: Mapping[str, PolicySettings]) -> None:
        self._settings = settings

    def of(self, name: str) -> PolicySettings:
        return self._settings.get(name, NO_LIMITS)

    def declared(self, tool: Tool) -> Tool:
        """The tool as the settings declare it, over its author. Raises SettingsError."""
        own = self.of(tool.name)
        changes: dict[str, Any] = {
            key: value for key in _DECLARED if (value := own.model_dump()[key]) is not None
        }
        if changes.get("effects") is False and "parallel" not in changes:
            changes["parallel"] = True
        found = replace(tool, **changes)
        if own.retries and not found.may_repeat:
            raise SettingsError(
                f"tools.policy.{tool.name}.retries: it has effects and is not idempotent: it is tried once"
            )
        return found

    def check_names(self, tools: Collection[str], actions: Collection[str]) -> None:
        """Raises SettingsError: a policy for something that is not there protects nothing."""
        for name, own in self._settings.items():
            if name not in tools and name not in actions:
                known = _listed([*tools, *actions])
                raise SettingsError(
                    f"tools.policy.{name}: there is no such tool or action (there are {known})"
                )
            for key in _DECLARED if name in actions else ():
                if own.model_dump()[key] is not None:
                    raise SettingsError(f"tools.policy.{name}.{key}: is for tools, and {name} is an action")

    def obstacle(self, name: str, runs: int, arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
        """Why it may not run, as a sentence for the model; "" where it may. `runs`: of this tool in this call
        so far."""
        wrong = problem(arguments, schema)
        if wrong:
            return f"Not done: {name} was called with wrong arguments: {wrong}."
        most = self.of(name).max_per_call
        if most is not None and runs >= most:
            return f"Not done: {name} may be used {_times(most)} in a call, and was."
        return ""

    def day_is_full(self, name: str) -> str:
        """The refusal where the day's limit is reached."""
        return f"Not done: {name} may be used {_times(self.of(name).max_per_day or 0)} a day, and was."

    def kept(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they may be written down and logged."""
        return redacted(arguments, self.of(name).secret)


def offered(tools: Iterable[Tool], patterns: Collection[str]) -> list[Tool]:
    """Those that an agent's `tools` name."""
    return [tool for tool in tools if any(fnmatchcase(tool.name, pattern) for pattern in patterns)]


def check_patterns(agent: str, patterns: Collection[str], known: Collection[str]) -> None:
    """Raises SettingsError for a pattern that names no tool."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise SettingsError(f"agents.{agent}.tools: there is no {pattern!r} (there are {_listed(known)})")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
