"""`ari-bridge tools` as somebody who writes a tool uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ari_bridge.cli.main import main

MODULE = '''
from ari_bridge.tools import NotDone, tool


@tool
def book(people: int, name: str = "") -> str:
    """Book a table."""
    if people > 8:
        raise NotDone("So many do not fit.")
    return f"Booked for {people}."
'''
CONFIG = """
[agents.sales]
tools = ["book"]
actions = ["hangup"]
[agents.sales.knowledge]
directory = "knowledge"
[agents.other]
[tools.python]
file = "my_tools.py"
[tools.policy.book]
confirm = true
max_per_call = 1
[tools.policy.hangup]
confirm = true
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "my_tools.py").write_text(MODULE)
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "hours.md").write_text("# Hours\nNine to six.")
    (tmp_path / "my.toml").write_text(CONFIG)
    return str(tmp_path / "my.toml")


def tools(config: str, *arguments: str) -> int:
    return main(["tools", "--config", config, *arguments])


def test_what_an_agent_is_offered(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tools(config, "list", "sales") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "book(people, [name])  [once; one at a time; 10 s; asks the caller first; 1 a call]" in lines
    assert "look_up(query)  [looks up; parallel; 10 s]" in lines
    assert "hangup()  [action; asks the caller first]" in lines
    assert "    Book a table." in lines
    assert tools(config, "list", "sales", "--json") == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["name"], first["parameters"]["required"]) == ("book", ["people"])


def test_a_tool_is_tried(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tools(config, "call", "sales", "book", '{"people": 2}') == 0
    assert capsys.readouterr().out == "Booked for 2.\n"
    assert tools(config, "call", "sales", "book", '{"people": 9}') == 1
    assert capsys.readouterr().out == "That did not work: So many do not fit.\n"
    assert tools(config, "call", "sales", "look_up", '{"query": "hours"}') == 0
    assert "Nine to six" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("list", "nobody"), "there is no agent 'nobody' (agents: other, sales)"),
        (("call", "other", "book", "{}"), "other is offered no tool 'book' (there are none)"),
        (("call", "sales", "hangup"), "hangup is an action: it needs a call"),
        (("call", "sales", "book"), "JSON: people is missing"),
        (("call", "sales", "book", "[]"), "JSON: must be an object"),
        (("call", "sales", "book", "{"), "JSON: Expecting property name"),
    ],
)
def test_what_is_wrong_is_one_line(
    config: str, arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools(config, *arguments) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"ari-bridge: {line}")
    assert said.err.count("\n") == 1
