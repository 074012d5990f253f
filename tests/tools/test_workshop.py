"""All tools of a service: offered to whom the settings say, found wrong before any call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.settings import Settings, explain, load
from ari_bridge.tools.workshop import Workshop
from tests.tools.helpers import settings

MODULE = """
from ari_bridge.tools import tool

@tool
def book(people: int) -> str:
    "Book."
    return "Booked."

@tool(effects=False)
def price() -> str:
    "Price."
    return "5"
"""


@pytest.fixture
def python(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "hours.md").write_text("Nine to six.")
    return {"file": tmp_path / "mine.py"}


def names(chosen: Settings, agent: str = "sales") -> list[str]:
    async def main() -> list[str]:
        workshop = await Workshop.open(chosen, ["hangup"])
        try:
            return [tool.name for tool in workshop.for_agent(agent).tools]
        finally:
            await workshop.close()

    return asyncio.run(main())


def test_an_agent_is_offered_what_its_settings_name(python: dict[str, Any], tmp_path: Path) -> None:
    assert names(settings({"python": python})) == []
    assert names(settings({"python": python}, tools=["book"])) == ["book"]
    knows = {"directory": tmp_path}
    assert names(settings({"python": python}, tools=["*"], knowledge=knows)) == ["book", "price", "look_up"]
    assert names(settings({})) == []


def test_the_policy_goes_over_the_author(python: dict[str, Any]) -> None:
    policy = {"book": {"effects": False, "timeout_s": 3}, "price": {"parallel": False, "retries": 0}}

    async def main() -> None:
        workshop = await Workshop.open(settings({"python": python, "policy": policy}, tools=["*"]), [])
        book, price = workshop.for_agent("sales").tools
        await workshop.close()
        assert (book.effects, book.parallel, book.timeout_s) == (False, True, 3)
        assert (price.effects, price.parallel, price.retries) == (False, False, 0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("tools", "agent", "line"),
    [
        ({}, {"tools": ["bok"]}, "agents.sales.tools: there is no 'bok' (there are book, price)"),
        ({"policy": {"bok": {}}}, {}, "tools.policy.bok: there is no such tool or action"),
        (
            {"policy": {"book": {"retries": 1}}},
            {},
            "tools.policy.book.retries: it has effects and is not idempotent",
        ),
        (
            {"policy": {"hangup": {"timeout_s": 1}}},
            {},
            "tools.policy.hangup.timeout_s: is for tools, and hangup is an",
        ),
        (
            {"hosts": ["shop"], "http": {"hangup": {"description": "x", "url": "http://shop/"}}},
            {},
            "tools: hangup: the name is taken",
        ),
        (
            {"hosts": ["shop"], "http": {"book": {"description": "x", "url": "http://shop/"}}},
            {},
            "tools: there are two tools book",
        ),
        (
            {},
            {"knowledge": {"directory": "/no/such"}},
            "agents.sales.knowledge.directory: there is no folder /no/such",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_left(
    python: dict[str, Any], tools: dict[str, Any], agent: dict[str, Any], line: str, nothing_left: None
) -> None:
    with pytest.raises(SettingsError) as caught:
        names(settings({"python": python, **tools}, **agent))
    assert str(caught.value).startswith(line)


def test_a_day_s_limit_needs_a_store() -> None:
    with pytest.raises(ValueError) as caught:
        settings({"policy": {"hangup": {"max_per_day": 1}}})
    assert "tools.policy.hangup.max_per_day: needs store.file" in explain(caught.value)  # type: ignore[arg-type]


def test_closing_waits_for_what_has_effects(python: dict[str, Any]) -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append("booked")

    async def main() -> None:
        workshop = await Workshop.open(settings({"python": python}, tools=["*"]), [])
        waiting = asyncio.create_task(workshop.for_agent("sales").see_through(work()))
        await asyncio.sleep(0)
        waiting.cancel()
        await workshop.close()

    asyncio.run(main())
    assert done == ["booked"]


def test_paths_are_relative_to_the_settings_but_not_what_is_somebody_else_s(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(
        """
        [tools]
        hosts = ["shop"]
        [tools.python]
        file = "mine.py"
        [tools.http.put]
        description = "x"
        method = "PUT"
        url = "http://shop/"
        body = { file = "name", directory = "d" }
        headers = { A = { file = "token" } }
        [agents.sales.knowledge]
        directory = "knowledge"
        """
    )
    found = load(tmp_path / "my.toml")
    assert found.tools.python.file == tmp_path / "mine.py"
    assert found.tools.http["put"].body == {"file": "name", "directory": "d"}
    header = found.tools.http["put"].headers["A"]
    assert not isinstance(header, str)
    assert header.file == tmp_path / "token"
    assert found.agents["sales"].knowledge.directory == tmp_path / "knowledge"
