"""What the documentation points at is there, and the commands it names exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ari_bridge.cli.main import COMMANDS
from ari_bridge.providers.registry import all_providers

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    named = re.findall(r"`ari-bridge ([a-z]+)|/ari-bridge ([a-z]+)", page.read_text(encoding="utf-8"))
    known = {command.name for command in COMMANDS}
    assert {first or second for first, second in named} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_are_accepted(page: Path) -> None:
    """Samples are TOML, and the providers in them take the options they are given."""
    for sample in re.findall(
        r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        for name, table in tomllib.loads(sample).get("providers", {}).items():
            options = dict(table)
            used = options.pop("use", name if name in all_providers() else None)
            if used is not None:
                all_providers()[used].options.model_validate(options)


def test_make_targets_exist() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+) ", (ROOT / "README.md").read_text(encoding="utf-8")))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert named
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)
