"""Functions of a user's module, as a model sees them and as they run."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import SettingsError, ToolError
from ari_bridge.tool_settings import PythonSettings
from ari_bridge.tools.base import Tool
from ari_bridge.tools.python_functions import load

MODULE = '''
from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ari_bridge.tools import NotDone, tool


@dataclass
class Booking:
    people: int
    when: date


@tool
async def book(
    people: Annotated[int, Field(ge=1, le=8)], when: date, where: Literal["in", "out"] = "in"
) -> Booking:
    """Book a table
    at our place.

    Args:
        people: How many come,
            children too.
        when (date): The day.

    Returns:
        The booking.
    """
    await asyncio.sleep(0)
    assert isinstance(when, date)
    return Booking(people, when)


@tool(effects=False, timeout_s=3)
def free_tables() -> list[str]:
    """Which tables are free."""
    return [threading.current_thread().name]


@tool
def cancel(number: str) -> None:
    """Cancel a booking."""
    if number == "none":
        raise NotDone("There is no such booking.")
    if number == "bug":
        raise RuntimeError("database password is hunter2")
    if number == "stop":
        raise StopIteration


def not_a_tool() -> None: ...
'''


def tools(tmp_path: Path, text: str = MODULE) -> dict[str, Tool]:
    file = tmp_path / "my_tools.py"
    file.write_text(text)
    return {tool.name: tool for tool in load(PythonSettings(file=file))}


def test_annotations_and_docstring_are_the_schema(tmp_path: Path) -> None:
    found = tools(tmp_path)
    assert set(found) == {"book", "free_tables", "cancel"}
    assert found["book"].spec.description == "Book a table at our place."
    assert found["book"].spec.parameters == {
        "type": "object",
        "properties": {
            "people": {
                "type": "integer",
                "minimum": 1,
                "maximum": 8,
                "description": "How many come, children too.",
            },
            "when": {"type": "string", "format": "date", "description": "The day."},
            "where": {"type": "string", "enum": ["in", "out"], "default": "in"},
        },
        "required": ["people", "when"],
        "additionalProperties": False,
    }
    declared = found["free_tables"]
    assert (declared.effects, declared.parallel, declared.timeout_s) == (False, True, 3)
    assert (found["book"].effects, found["book"].idempotent, found["book"].parallel) == (True, False, False)


def test_they_get_values_of_their_types_and_give_json(tmp_path: Path, run: Any) -> None:
    book = tools(tmp_path)["book"]
    told = run(book.run({"people": 2, "when": "2026-12-24"}, "key"))
    assert json.loads(told) == {"people": 2, "when": "2026-12-24"}
    with pytest.raises(ToolError, match="when: ") as caught:
        run(book.run({"people": 2, "when": "some day"}, "key"))
    assert not caught.value.happened


def test_a_plain_function_runs_in_a_thread(tmp_path: Path, run: Any) -> None:
    found = tools(tmp_path)
    assert run(found["free_tables"].run({}, "key")) == '["tool free_tables"]'
    assert run(found["cancel"].run({"number": "7"}, "key")) == "Done."


def test_what_they_raise_is_told_without_what_it_says(
    tmp_path: Path, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cancel = tools(tmp_path)["cancel"]
    with pytest.raises(ToolError, match=r"^There is no such booking\.$") as caught:
        run(cancel.run({"number": "none"}, "key"))
    assert not caught.value.happened
    with caplog.at_level(logging.DEBUG), pytest.raises(ToolError, match=r"^it failed\.$") as caught:
        run(cancel.run({"number": "bug"}, "key"))
    assert caught.value.happened
    assert "cancel: failed with RuntimeError at " in caplog.text
    assert "hunter2" not in caplog.text
    with pytest.raises(ToolError, match="it failed"):
        run(cancel.run({"number": "stop"}, "key"))


def test_a_function_that_hangs_keeps_nobody(tmp_path: Path, nothing_left: None) -> None:
    hangs = tools(
        tmp_path,
        "import threading\nfrom ari_bridge.tools import tool\nGO = threading.Event()\n"
        "@tool\ndef hang() -> None:\n    'Hangs.'\n    GO.wait(20)\n",
    )["hang"]

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await hangs.run({}, "key")

    asyncio.run(main())
    (left,) = (thread for thread in threading.enumerate() if thread.name == "tool hang")
    assert left.daemon
    __import__("sys").modules["_ari_bridge_user_my_tools"].GO.set()


IMPORT = "from ari_bridge.tools import tool\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n", "has no function marked with @tool"),
        ("import nothing_of_that_name\n", "cannot be imported: ModuleNotFoundError: No module named"),
        ("def (\n", "cannot be imported: SyntaxError"),
        (IMPORT + "@tool\ndef f(a: int) -> None: ...\n", "f: needs a docstring"),
        (IMPORT + "@tool\ndef f(a) -> None:\n    'Does.'\n", "f: a: needs an annotation"),
        (IMPORT + "@tool\ndef f(*a: int) -> None:\n    'Does.'\n", "f: a: a model can only give"),
        (IMPORT + "@tool\ndef f(a: object()) -> None:\n    'Does.'\n", "f: "),
        (
            IMPORT + "class C: ...\n@tool\ndef f(a: C) -> None:\n    'Does.'\n",
            "f: an annotation has no JSON Schema",
        ),
        (IMPORT + "@tool\ndef f(a: 'Nope') -> None:\n    'Does.'\n", "f: cannot understand its annotations"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_function(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        tools(tmp_path, text)
    said = str(caught.value)
    assert said.startswith("tools.python.file: ")
    assert line in said
    assert "\n" not in said


def test_a_module_is_found_by_name_and_a_missing_one_is_told() -> None:
    with pytest.raises(SettingsError, match=r"^tools\.python\.module: json has no function marked"):
        load(PythonSettings(module="json"))
    with pytest.raises(SettingsError, match=r"^tools\.python\.module: no\.such\.module cannot be imported"):
        load(PythonSettings(module="no.such.module"))
    with pytest.raises(SettingsError, match=r"^tools\.python\.file: there is no /no/such\.py$"):
        load(PythonSettings(file=Path("/no/such.py")))
    assert load(PythonSettings()) == []
