"""The examples of docs/tools.md are settings and tools that load."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ari_bridge.settings import Settings
from ari_bridge.tool_settings import PythonSettings
from ari_bridge.tools.python_functions import load

PAGE = (Path(__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_settings_are_settings() -> None:
    merged = "\n".join(block for block in blocks("toml"))
    merged = merged.replace("\n[tools]\n", "\n[tools]\nnetworks = []\n", 1)
    table = tomllib.loads(merged)
    table["tools"]["hosts"].append("crm.example.com")
    table["store"] = {"file": "calls.sqlite"}
    found = Settings(**table)
    assert set(found.tools.http) == {"order_status", "cancel_order"}
    assert set(found.tools.mcp) == {"calendar", "crm"}
    assert found.tools.policy["cancel_order"].confirm


def test_its_functions_are_tools(tmp_path: Path) -> None:
    (source,) = blocks("python")
    (tmp_path / "page.py").write_text(source)
    book, price = load(PythonSettings(file=tmp_path / "page.py"))
    assert book.spec.parameters["required"] == ["people", "day"]
    assert not price.effects


@pytest.mark.parametrize("name", ["effects", "idempotent", "parallel", "timeout_s", "retries"])
def test_its_table_of_declarations_is_whole(name: str) -> None:
    assert f"| `{name}` |" in PAGE
