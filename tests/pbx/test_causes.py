"""ARIBRIDGESTATUS and ARIBRIDGECAUSE: what the reference page lists is what there is."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from ari_bridge.core.errors import (
    AriBridgeError,
    AsteriskError,
    InternalError,
    MediaError,
    ProviderError,
    SettingsError,
)
from ari_bridge.dialogue.signals import Engine
from ari_bridge.pbx import variables
from ari_bridge.pbx.call import Outcome, PbxCall, Status
from ari_bridge.pbx.causes import Cause
from tests.pbx.fake_ari import Do, refuse
from tests.pbx.helpers import bench, eventually, went

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dialplan.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "ari_bridge").rglob("*.py"))


def table(heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading, without back-ticks."""
    lines = PAGE.splitlines()
    rows: list[list[str]] = []
    for number, line in enumerate(lines[:-1]):
        if line.startswith(f"| {heading} |") and lines[number + 1].startswith("|-"):
            for row in lines[number + 2 :]:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip().strip("`") for cell in row.strip("|").split("|")])
    raise AssertionError(f"docs/dialplan.md has no table {heading}")


def test_every_cause_is_documented_once_and_with_a_status() -> None:
    rows = table("`ARIBRIDGECAUSE`")
    assert [name for name, _, _ in rows] == sorted((name for name, _, _ in rows), key=list(Cause).index)
    assert {name for name, _, _ in rows} == {cause.value for cause in Cause}
    assert all(status in Status.__members__ for _, status, _ in rows)


def test_every_status_is_documented() -> None:
    assert {row[0] for row in table("`ARIBRIDGESTATUS`")} == {status.value for status in Status}


def test_every_variable_that_is_read_is_documented() -> None:
    documented = {row[0] for row in table("variable") if row[0].startswith("AI_")}
    assert documented == set(variables.READ)


def test_engines_have_their_causes() -> None:
    assert {engine.value for engine in Engine} <= {cause.value for cause in Cause}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_cause_is_a_bare_string(path: Path) -> None:
    """Outcome(status, "WORD") and Failed("WORD") would be words that nobody documents."""
    bare = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            causes = {"Outcome": node.args[1:2], "Failed": node.args[:1]}.get(name, [])
            bare += [cause.value for cause in causes if isinstance(cause, ast.Constant) and cause.value]
    assert bare == [], "give them a member of pbx/causes.py, and a line in docs/dialplan.md"


@pytest.mark.parametrize(
    ("request_name", "cause"),
    [
        ("getChannelVar", Cause.INSPECT_FAILED),
        ("answer", Cause.ANSWER_FAILED),
        ("externalMedia", Cause.MEDIA_LEG_FAILED),
        ("createWithId", Cause.BRIDGE_FAILED),
        ("addChannel", Cause.BRIDGE_FAILED),
    ],
)
def test_what_asterisk_refuses_is_told_apart(request_name: str, cause: Cause) -> None:
    async def main() -> None:
        async with bench() as b:

            async def refused(do: Do) -> web.Response:
                return refuse(500, "no")

            b.ari.on[request_name] = refused
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", cause)
            await b.over()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (AsteriskError("no"), Cause.ASTERISK_FAILED),
        (SettingsError("agents.demo: no"), Cause.SETTINGS),
        (MediaError("no"), Cause.MEDIA_FAILED),
        (ProviderError("no", retryable=False), Cause.PROVIDER_FAILED),
        (InternalError("no"), Cause.INTERNAL),
    ],
)
def test_what_fails_in_a_call_is_told_apart(error: AriBridgeError, cause: Cause) -> None:
    async def fail(call: PbxCall) -> Outcome:
        raise error

    async def main() -> None:
        async with bench(fail) as b:
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", cause)
            await b.over()

    asyncio.run(main())
