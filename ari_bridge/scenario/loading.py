"""Scenario files from a directory. A mistake is one line that names the file, its line and the key.

Every scalar is taken as the text that stands there: "yes", 0815 and 12:30 are what a caller says or presses,
and no booleans, octal numbers or times of day, as YAML 1.1 would have it. The keys' types decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError

from ari_bridge.core.errors import SettingsError
from ari_bridge.scenario.format import ScenarioFile

SUFFIXES = (".yaml", ".yml")

_Path: TypeAlias = tuple[str | int, ...]


def find(place: Path) -> list[Path]:
    """The scenario files below a directory, by name; `place` itself if it is a file. Raises SettingsError."""
    if place.is_file():
        return [place]
    found = sorted(path for path in place.rglob("*") if path.suffix in SUFFIXES)
    if not found:
        what = "has no scenario (*.yaml)" if place.is_dir() else "no such file or directory"
        raise SettingsError(f"{place}: {what}")
    return found


def load(path: Path) -> ScenarioFile:
    """Raises SettingsError: FILE:LINE: KEY: what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{path}: cannot be read: {reason}") from None
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise SettingsError(f"{path}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(f"{path}:1: must be a table of keys")
    places = _Places(path)
    table = places.value(node, ())
    try:
        return ScenarioFile.model_validate(table)
    except ValidationError as error:
        raise SettingsError(places.explain(error)) from None


class _Places:
    """Values of nodes, and where each came from."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[_Path, int] = {(): 1}

    def value(self, node: yaml.Node, at: _Path) -> Any:
        """Raises SettingsError for a key that is there twice."""
        match node:
            case yaml.MappingNode():
                return dict(self._items(node, at))
            case yaml.SequenceNode():
                found = []
                for index, item in enumerate(node.value):
                    self._lines[(*at, index)] = item.start_mark.line + 1
                    found.append(self.value(item, (*at, index)))
                return found
            case _:
                return node.value

    def _items(self, node: yaml.MappingNode, at: _Path) -> Iterator[tuple[str, Any]]:
        for key, item in node.value:
            where = (*at, str(key.value))
            line = key.start_mark.line + 1
            if where in self._lines:
                raise SettingsError(f"{self._path}:{line}: {key.value}: is there twice")
            self._lines[where] = line
            yield str(key.value), self.value(item, where)

    def explain(self, error: ValidationError) -> str:
        """The first mistake of the file, by its line."""
        found = []
        items = error.errors(include_url=False, include_input=False)
        for item in items:
            if item["type"] == "too_short" and any(_lies_in(other["loc"], item["loc"]) for other in items):
                continue  # a list counts as short when its items are wrong
            at = self._known(item["loc"])
            key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in at)
            if item["type"] == "extra_forbidden":
                what = "unknown key"
            elif item["type"] == "missing":
                what = f"{item['loc'][-1]} is missing"
            else:
                what = item["msg"].removeprefix("Value error, ")
            found.append((self._lines[at], f"{key}: {what}" if key else what))
        line, text = min(found)
        return f"{self._path}:{line}: {text}"

    def _known(self, loc: _Path) -> _Path:
        """The part of an error's place that stands in the file: unions add steps of their own."""
        at: _Path = ()
        for part in loc:
            if (*at, part) not in self._lines:
                break
            at = (*at, part)
        return at


def _lies_in(loc: _Path, other: _Path) -> bool:
    return len(loc) > len(other) and loc[: len(other)] == other
