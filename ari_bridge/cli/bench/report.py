"""What both measurements leave: a table, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ari_bridge.cli.bench import machine
from ari_bridge.cli.terminal import Progress
from ari_bridge.core.errors import SettingsError

_BAR = 30


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Two columns, the right one flush."""
    left, right = (max(len(row[side]) for row in rows) for side in (0, 1))
    return "\n".join(f"  {name:<{left}}  {value:>{right}}" for name, value in rows)


def bar(progress: Progress, what: str) -> Callable[[float], None]:
    """Shows the share that is done."""

    def show(share: float) -> None:
        full = round(share * _BAR)
        progress(f"{what} {'█' * full}{'░' * (_BAR - full)} {share:4.0%}")

    return show


def check(path: Path | None) -> None:
    """Raises SettingsError when `path` cannot be written: before the measurement, not after."""
    if path is not None:
        _attempt(path, path.read_text("utf-8") if path.exists() else "")


def write(path: Path | None, figures: dict[str, Any]) -> None:
    """With the machine and the command. Raises SettingsError."""
    if path is not None:
        whole = {**figures, "machine": machine.describe(), "command": f"ari-bridge {' '.join(sys.argv[1:])}"}
        _attempt(path, json.dumps(whole, indent=2) + "\n")


def _attempt(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--json: cannot write {path}: {error.strerror}") from None
